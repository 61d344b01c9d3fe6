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
use kaggle_kit::mishap;
use kaggle_kit::run::Workspace;

/// Does it.
pub fn run(computation: Computation, workspace: &Workspace) -> Result<()> {
    mishap::start_threads()?;
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
