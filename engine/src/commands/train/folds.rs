//! `train --folds K` with `--gpus N` or `--ranks N`: N folds at a time, each trained by a process of its own.
//!
//! Folds know nothing of each other, so N of them take no more than the time of one, whatever lies between
//! the GPUs, and no batch gets small. A fold that all GPUs are to train together is named: `--fold 1 --gpus 2`.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition;
use kaggle_kit::ended::Ended;
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::run::{Run, Workspace};
use kaggle_kit::term;

use super::{Trained, opened, taken};
use crate::commands::ranks::{Processes, Ranks, copy_of_this, share_threads};
use crate::torch::device;

/// What a fold's own command line has otherwise: each option, and whether it has a value.
const OF_ALL_FOLDS: [(&str, bool); 5] =
    [("--ranks", true), ("--gpus", true), ("--device", true), ("--json", false), ("--fold", true)];

/// Whether there are several to train.
pub(super) fn are_several(args: &Args) -> Result<bool> {
    if args.fold.is_some() {
        return Ok(false);
    }
    let competition = competition::find(&args.competition)?;
    Ok(recipe::of_competition(&competition, &args.layers()?)?.folds > 0)
}

/// Trains all folds that are not trained yet, `count` at a time.
pub(super) fn train_side_by_side(
    args: &Args,
    workspace: &Workspace,
    count: usize,
    gpus: bool,
) -> Result<Trained> {
    // Once, before many processes would do the same at once: images are looked at, and all folds are tried.
    let alone = Ranks::alone(device::resolve(args.device)?);
    let (competition, recipe, images) = opened(args, workspace, &alone)?;
    images.split(&Recipe { fold: 1, ..recipe.clone() })?;
    let group = images.group(&recipe)?;
    let (name, runs) = (&competition.name, workspace.runs());
    let of_fold = |fold| taken(args, &runs, name, &group, &Recipe { fold, ..recipe.clone() });
    let mut waiting = VecDeque::new();
    for fold in 1..=recipe.folds {
        match of_fold(fold)? {
            Some(run) => {
                term::say(format_args!("fold {fold} is trained: run `{}`", run.folder.display()));
            }
            None => waiting.push_back(fold),
        }
    }
    let count = count.min(waiting.len()).max(1);
    term::heading(format_args!("{}, {count} at a time", term::count(recipe.folds, "fold")));
    let mut processes = Processes::listening();
    // Of each that was started, which device it has.
    let (mut devices, mut free) = (Vec::new(), (0..count).rev().collect::<Vec<_>>());
    loop {
        while let Some(fold) = waiting.front().copied().filter(|_| !processes.are_stopping())
            && let Some(at) = free.pop()
        {
            waiting.pop_front();
            let mut command = copy_of_this(&OF_ALL_FOLDS)?;
            command.arg("--fold").arg(fold.to_string());
            let device = if gpus { format!("cuda:{at}") } else { args.device.to_string() };
            command.arg("--device").arg(device);
            share_threads(&mut command, count);
            devices.push(at);
            processes.start(format!("fold {fold}"), command, false)?;
        }
        let ended = processes.next_ended()?;
        if ended.is_empty() {
            break;
        }
        for (number, how) in ended {
            free.push(devices[number]);
            if how != Ended::Well {
                return failed(processes, number, how);
            }
        }
    }
    // With `--anew` too the newest is what was trained just now.
    let newest = |fold| -> Result<Option<Run>> {
        Ok(Run::of_group(&runs, name, &group, fold, recipe.seed)?.into_iter().next())
    };
    let runs = (1..=recipe.folds)
        .map(|fold| newest(fold)?.with_context(|| format!("fold {fold} left no finished run")));
    Ok(Trained { runs: runs.collect::<Result<_>>()?, found: images.dataset.found })
}

/// One fold failed, or was asked to stop: the others stop after this step, and go on where they stood when
/// the same command is run again.
fn failed(mut processes: Processes, number: usize, how: Ended) -> Result<Trained> {
    processes.ask_to_stop();
    while processes.at_work() > 0 {
        processes.next_ended()?;
    }
    if let Some(error) = processes.error(number, how) {
        return Err(error);
    }
    let Ended::WithCode(code) = how else { unreachable!("it did not end well") };
    drop(processes);
    // It has told why, under its own name.
    std::process::exit(i32::from(code))
}
