//! The commands that need libtorch: what this binary adds to `kaggle-kit`.

pub mod demo;
pub mod doctor;
mod import;
pub mod lr_find;
pub mod models;
mod photos;
mod precision;
mod predict;
mod ranks;
pub mod submit;
pub mod train;

use anyhow::Result;
use kaggle_kit::commands::Computation;
use kaggle_kit::commands::ranks::RanksArgs;
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::mishap;
use kaggle_kit::run::Workspace;

use crate::torch::threads;

/// Does it.
pub fn run(computation: Computation, workspace: &Workspace) -> Result<()> {
    mishap::start_threads_for(|| threads::of_loader(device_of(&computation)))?;
    match computation {
        Computation::Train(args) => train::run(args, workspace),
        Computation::LrFind(args) => lr_find::run(args, workspace),
        Computation::Submit(args) => submit::run(args, workspace),
        Computation::Photos(args) => photos::run(args, workspace),
        Computation::Predict(test_set, members, device) => {
            submit::predict_alone(test_set, members, device)
        }
        Computation::Bench(args) => models::run(args),
        Computation::Import(args) => import::run(args),
        Computation::Doctor(args) => doctor::run(args, workspace),
        Computation::Demo(args) => demo::run(args, workspace),
    }
}

/// Where it computes, as it was typed.
fn device_of(computation: &Computation) -> DeviceChoice {
    let of_ranks = |ranks: &RanksArgs, choice| match ranks.gpus {
        Some(_) => DeviceChoice::Cuda(0),
        None => choice,
    };
    match computation {
        Computation::Train(args) => of_ranks(&args.ranks, args.device),
        Computation::Submit(args) => of_ranks(&args.ranks, args.device),
        Computation::LrFind(args) => args.device,
        Computation::Photos(args) => args.device,
        Computation::Predict(_, _, device) => *device,
        Computation::Bench(args) => of_ranks(&args.ranks(), args.device),
        Computation::Demo(args) => args.device,
        // Compared on the CPU.
        Computation::Import(_) => DeviceChoice::Cpu,
        Computation::Doctor(_) => DeviceChoice::Auto,
    }
}
