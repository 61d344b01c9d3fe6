//! `kaggle-kit doctor`: what libtorch knows of itself and of the devices here.

use std::path::Path;

use anyhow::Result;

use crate::torch::device;
use crate::torch::gpu::{self, Nvidia, WhyNone};
use crate::torch::group::has_nccl;
use kaggle_kit::commands::doctor::{self, Args, Device, Engine, Libtorch, Problem};
use kaggle_kit::device::DeviceChoice;
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
    let folder = gpu::loaded("libtorch_cpu.so").unwrap_or_else(|| linked.to_owned());
    Libtorch { folder, version, kind: gpu::kind() }
}

fn device(problems: &mut Vec<Problem>) -> Result<Device> {
    let (report, nvidia) = (gpu::report(), Nvidia::seen());
    let why = WhyNone::of(&report, &nvidia);
    if let Some(WhyNone { reason, hint: Some(hint) }) = &why {
        let message = format!("no GPU is used: {reason}");
        problems.push(Problem { message, hint: (*hint).to_owned(), fatal: false });
    }
    let gpus = (0..usize::try_from(report.cuda_devices).unwrap_or_default()).map(|number| {
        gpu::gpu(number).map_or_else(|| "unknown".to_owned(), |gpu| gpu::in_words(&gpu, &nvidia))
    });
    Ok(Device {
        chosen: device::describe(device::of(DeviceChoice::Auto, &report)?),
        threads: report.threads,
        loader_threads: rayon::current_num_threads(),
        cuda_built: report.cuda_built,
        cuda_devices: report.cuda_devices,
        gpus: gpus.collect(),
        mps: report.mps,
        ranks: if has_nccl() { vec!["gloo", "nccl"] } else { vec!["gloo"] },
        no_gpu: why.map(|why| why.reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_knows_its_libtorch_and_a_device() {
        let Engine { libtorch, device, problems } = look().unwrap();
        assert!(libtorch.folder.join("libtorch_cpu.so").exists());
        assert_eq!(device.ranks[0], "gloo");
        assert!(device.threads > 0 && device.loader_threads > 0 && !device.chosen.is_empty());
        assert!(problems.iter().all(|problem| !problem.fatal));
    }
}
