//! `kaggle-kit predict`: what a run, or all folds of a model, say about any pictures.

use anyhow::Result;
use kaggle_kit::commands::predict::{self, Args};
use kaggle_kit::run::Workspace;

use super::predict::predictions_of;
use super::ranks::Ranks;
use crate::torch::device;

/// Predicts, and shows the answers.
pub(super) fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let ranks = Ranks::alone(device::resolve(args.device)?);
    predict::run(args, workspace, |member, photos| {
        let of_run =
            |run| predictions_of(run, photos, "picture", &ranks, None, |_, _, _, _| Ok(()));
        member.runs.iter().map(of_run).collect()
    })
}
