//! `kaggle-kit doctor`: what libtorch knows of itself and of the devices here.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::torch::device;
use kaggle_kit::commands::doctor::{self, Args, Device, Engine, Libtorch, Problem};
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::fs;
use kaggle_kit::run::Workspace;

/// The version that tch is made for.
const LIBTORCH: &str = "2.13.0";

/// Looks, and prints it with all else.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    doctor::run(args, workspace, look())
}

fn look() -> Result<Engine> {
    let mut problems = Vec::new();
    let libtorch = libtorch(&mut problems);
    Ok(Engine { libtorch, device: device(&mut problems)?, problems })
}

fn libtorch(problems: &mut Vec<Problem>) -> Libtorch {
    let version = env!("KAGGLE_KIT_LIBTORCH_VERSION");
    if version.split('+').next() != Some(LIBTORCH) {
        problems.push(Problem {
            message: format!("built with libtorch {version}, made for {LIBTORCH}"),
            hint: "run `make setup`, then `make build`".to_owned(),
            fatal: false,
        });
    }
    let linked = Path::new(env!("KAGGLE_KIT_LIBTORCH"));
    let folder = loaded_libtorch().unwrap_or_else(|| linked.to_owned());
    Libtorch { folder, version, kind: env!("KAGGLE_KIT_LIBTORCH_KIND") }
}

/// The folder that the running program has libtorch from, where the system tells.
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Some(Path::new(&library[library.find('/')?..]).parent()?.to_owned())
}

fn device(problems: &mut Vec<Problem>) -> Result<Device> {
    let report = device::report();
    let (no_gpu, hint) = why_no_gpu(&report, has_nvidia());
    if let (Some(message), Some(hint)) = (&no_gpu, hint) {
        let message = format!("no GPU is used: {message}");
        problems.push(Problem { message, hint: hint.to_owned(), fatal: false });
    }
    Ok(Device {
        chosen: device::describe(device::resolve(DeviceChoice::Auto)?),
        threads: report.threads,
        loader_threads: rayon::current_num_threads(),
        cuda_built: report.cuda_built,
        cuda_devices: report.cuda_devices,
        mps: report.mps,
        no_gpu,
    })
}

/// Whether the kernel knows an NVIDIA GPU.
fn has_nvidia() -> bool {
    ["/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg"]
        .iter()
        .any(|p| Path::new(p).exists())
}

/// The reason, and advice where there is something to gain.
fn why_no_gpu(report: &device::Report, has_nvidia: bool) -> (Option<String>, Option<&'static str>) {
    if report.cuda_devices > 0 || report.mps {
        return (None, None);
    }
    // Asked at build time as well: without its driver, a libtorch with CUDA says that it has none.
    let built = report.cuda_built || env!("KAGGLE_KIT_LIBTORCH_KIND") == "cuda";
    let (reason, hint) = match (built, has_nvidia) {
        (false, true) => (
            "this libtorch is built without CUDA",
            Some("run `make setup DEVICE=cuda`, then `make build`"),
        ),
        (false, false) => ("none is seen, and this libtorch is built without CUDA", None),
        (true, true) => (
            "libtorch has CUDA but cannot use the GPU that is there",
            Some("it needs a driver for CUDA 13 (580 or newer): see what `nvidia-smi` says"),
        ),
        (true, false) => (
            "libtorch has CUDA, but the system shows no NVIDIA GPU",
            Some("if there is one, its driver is not loaded: see what `nvidia-smi` says"),
        ),
    };
    (Some(reason.to_owned()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_knows_its_libtorch_and_a_device() {
        let Engine { libtorch, device, problems } = look().unwrap();
        assert!(libtorch.folder.join("libtorch_cpu.so").exists());
        assert!(device.threads > 0 && device.loader_threads > 0 && !device.chosen.is_empty());
        assert!(problems.iter().all(|problem| !problem.fatal));
    }

    #[test]
    fn a_gpu_that_lies_idle_is_explained() {
        let report = device::Report { cuda_built: false, cuda_devices: 0, mps: false, threads: 2 };
        let advice = |report, has_nvidia| why_no_gpu(&report, has_nvidia).1;
        let without_cuda = env!("KAGGLE_KIT_LIBTORCH_KIND") == "cpu";
        if without_cuda {
            assert_eq!(advice(report, false), None);
            assert!(advice(report, true).unwrap().contains("DEVICE=cuda"));
        }
        let with_cuda = device::Report { cuda_built: true, ..report };
        assert!(advice(with_cuda, true).unwrap().contains("driver"));
        assert_eq!(
            why_no_gpu(&device::Report { cuda_devices: 1, ..with_cuda }, true),
            (None, None)
        );
    }
}
