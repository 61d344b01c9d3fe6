//! Where tensors live: `auto`, `cpu`, `cuda[:N]` or `mps`, and what this libtorch can do.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use tch::Device;

/// A device as asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A GPU when libtorch has one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU, by number.
    Cuda(usize),
    /// Apple's GPU.
    Mps,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "mps" => Ok(Self::Mps),
            "cuda" => Ok(Self::Cuda(0)),
            _ => typed
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| "give auto, cpu, cuda, cuda:N or mps".to_owned()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Mps => f.write_str("mps"),
        }
    }
}

/// The device that a choice comes to on this machine.
pub fn resolve(choice: Choice) -> Result<Device> {
    let report = report();
    match choice {
        Choice::Auto if report.cuda_devices > 0 => Ok(Device::Cuda(0)),
        Choice::Auto | Choice::Mps if report.mps => Ok(Device::Mps),
        Choice::Auto | Choice::Cpu => Ok(Device::Cpu),
        Choice::Mps => {
            bail!("no Apple GPU: this libtorch is built without MPS\nhint: use `--device cpu`")
        }
        Choice::Cuda(number) if (number as i64) < report.cuda_devices => Ok(Device::Cuda(number)),
        Choice::Cuda(number) if report.cuda_devices > 0 => bail!(
            "no GPU number {number}: there are {} (from 0)\nhint: use `--device cuda:0`",
            report.cuda_devices
        ),
        Choice::Cuda(_) if report.cuda_built => bail!(
            "libtorch finds no NVIDIA GPU\nhint: see what `nvidia-smi` says; `--device cpu` works \
             without"
        ),
        Choice::Cuda(_) => bail!(
            "this libtorch is built without CUDA\nhint: run `make setup DEVICE=cuda`, then `make \
             build`; `--device cpu` works without"
        ),
    }
}

/// The device in words: `CPU, 2 threads`, `GPU 0 (CUDA)`.
pub fn describe(device: Device) -> String {
    match device {
        Device::Cpu => format!("CPU, {} threads", tch::get_num_threads()),
        Device::Cuda(number) => format!("GPU {number} (CUDA)"),
        Device::Mps => "Apple GPU (MPS)".to_owned(),
        Device::Vulkan => "Vulkan".to_owned(),
    }
}

/// What this libtorch can do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// CUDA is part of the libtorch that was linked.
    pub cuda_built: bool,
    /// NVIDIA GPUs that it can use.
    pub cuda_devices: i64,
    /// Apple's GPU is usable.
    pub mps: bool,
    /// Threads of an operation on the CPU.
    pub threads: i32,
}

/// Looks.
pub fn report() -> Report {
    let cuda_devices = if tch::Cuda::is_available() { tch::Cuda::device_count() } else { 0 };
    Report {
        cuda_built: tch::utils::has_cuda(),
        cuda_devices,
        mps: tch::utils::has_mps(),
        threads: tch::get_num_threads(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_pytorch_writes_them() {
        assert_eq!("cuda:1".parse(), Ok(Choice::Cuda(1)));
        assert_eq!("cuda".parse(), Ok(Choice::Cuda(0)));
        assert!("gpu".parse::<Choice>().is_err());
        assert_eq!(resolve(Choice::Cpu).unwrap(), Device::Cpu);
    }
}
