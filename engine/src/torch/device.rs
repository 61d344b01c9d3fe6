//! Where tensors live, and what this libtorch can do.

use anyhow::{Result, bail};
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::recipe::Precision;
use tch::Device;

/// The device that a choice comes to on this machine.
pub fn resolve(choice: DeviceChoice) -> Result<Device> {
    let report = report();
    match choice {
        DeviceChoice::Auto if report.cuda_devices > 0 => Ok(Device::Cuda(0)),
        DeviceChoice::Auto | DeviceChoice::Mps if report.mps => Ok(Device::Mps),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Mps => {
            bail!("no Apple GPU: this libtorch is built without MPS\nhint: use `--device cpu`")
        }
        DeviceChoice::Cuda(number) if (number as i64) < report.cuda_devices => {
            Ok(Device::Cuda(number))
        }
        DeviceChoice::Cuda(number) if report.cuda_devices > 0 => bail!(
            "no GPU number {number}: there are {} (from 0)\nhint: use `--device cuda:0`",
            report.cuda_devices
        ),
        DeviceChoice::Cuda(_) if report.cuda_built => bail!(
            "libtorch finds no NVIDIA GPU\nhint: see what `nvidia-smi` says; `--device cpu` works \
             without"
        ),
        DeviceChoice::Cuda(_) => bail!(
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

/// What computes, and with which numbers, for what depends on its last bits: `libtorch 2.13.0 on CPU in
/// f32`.
pub fn engine(device: Device, precision: Precision) -> String {
    let device = match device {
        Device::Cpu => "CPU",
        Device::Cuda(_) => "CUDA",
        Device::Mps => "MPS",
        Device::Vulkan => "Vulkan",
    };
    let precision = match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::F16 => "f16",
    };
    format!("libtorch {} on {device} in {precision}", env!("KAGGLE_KIT_LIBTORCH_VERSION"))
}

/// What this libtorch can do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// CUDA is part of the libtorch that was linked.
    pub cuda_built: bool,
    /// NVIDIA's, usable.
    pub cuda_devices: i64,
    pub mps: bool,
    /// Threads of an operation on the CPU.
    pub threads: i32,
}

pub fn report() -> Report {
    let cuda_devices = if tch::Cuda::is_available() { tch::Cuda::device_count() } else { 0 };
    Report {
        cuda_built: tch::utils::has_cuda(),
        cuda_devices,
        mps: tch::utils::has_mps(),
        threads: tch::get_num_threads(),
    }
}
