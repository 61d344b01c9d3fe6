//! `kaggle-kit submit`: runs and the test images become a CSV that Kaggle takes.

mod heads;
mod help;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use kaggle_kit::commands::submit::{self, Args, Plan, Ready, TestSet, members_of};
use kaggle_kit::decide::ensemble::members::Member;
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{PartialPredictions, Run, Workspace};
use kaggle_kit::term;
use kaggle_kit::zoo::Architecture;

use super::predict::predictions_of;
use super::ranks::{Ranks, Role, supervise};
use crate::torch::device;

/// Predictions are written down this often: a submission that is killed loses no more.
const KEEP_EVERY: Duration = Duration::from_secs(20);

/// Predicts, writes the CSV, and sends it if that was asked for.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let ranks = match Role::of(&args.ranks, args.device)? {
        Role::Works(ranks) => ranks,
        Role::Starts { count, .. } => return supervise(count),
    };
    ranks.work(|ranks| {
        if !ranks.is_first() {
            return help::help(ranks, workspace);
        }
        submit::run(args, workspace, |competition| {
            let members = members_of(args, competition.as_ref(), workspace)?;
            write_with(&members, workspace, ranks)
        })
    })
}

/// Predicts the test images and writes the CSV, which fits the sample.
pub fn write(members: &[Member], workspace: &Workspace, device: DeviceChoice) -> Result<Ready> {
    write_with(members, workspace, &Ranks::alone(device::resolve(device)?))
}

fn write_with(members: &[Member], workspace: &Workspace, ranks: &Ranks) -> Result<Ready> {
    let test_set = TestSet::open(members, &workspace.data())?;
    // The choice needs no picture; if it cannot be made, that is known at once.
    let plan = Plan::choose(members)?;
    predict_missing(&test_set, members, ranks, &workspace.data())?;
    help::tell(ranks, None)?;
    plan.write(&test_set, members, &test_set.predictions(members)?, &workspace.submissions())
}

/// Predicts in this process alone what is missing for `decide`.
pub fn predict_alone(test_set: &TestSet, members: &[Member], device: DeviceChoice) -> Result<()> {
    let ranks = Ranks::alone(device::resolve(device)?);
    predict_missing(test_set, members, &ranks, Path::new(""))
}

/// Predicts the test images with every run whose predictions are missing; they are kept with it.
fn predict_missing(
    test_set: &TestSet,
    members: &[Member],
    ranks: &Ranks,
    data: &Path,
) -> Result<()> {
    let missing = test_set.missing(members)?;
    let n_known = members.iter().map(|member| member.runs.len()).sum::<usize>() - missing.len();
    if n_known > 0 {
        term::say(format_args!(
            "   what {} said about the test images before is taken",
            term::count(n_known, "run")
        ));
    }
    // Ranks share images, one run after the other.
    let groups =
        if ranks.group().is_none() { heads::alike(&missing, ranks)? } else { one_by_one(missing) };
    for group in groups {
        let partial = || PartialPredictions::of(group[0], &test_set.hash, KEEP_EVERY);
        let kind = test_set.competition.target.kind;
        if group.len() > 1
            && let Some(said) = heads::predictions(&group, &test_set.samples, ranks, partial()?)?
        {
            for (run, predictions) in group.iter().zip(said) {
                run.write_test_predictions(&test_set.hash, &predictions, kind)?;
            }
            partial()?.remove()?;
            continue;
        }
        for run in group {
            let mut partial = PartialPredictions::of(run, &test_set.hash, KEEP_EVERY)?;
            let tell = |recipe: &Recipe,
                        architectures: &[&'static Architecture],
                        outputs: &Outputs,
                        weights: &[String]| {
                let samples = &test_set.samples;
                let job = help::Job::new(recipe, architectures, outputs, weights, samples, data)?;
                help::tell(ranks, Some(&job))
            };
            let (samples, so_far) = (&test_set.samples, Some(&mut partial));
            let predictions = predictions_of(run, samples, "test image", ranks, so_far, tell)?;
            run.write_test_predictions(&test_set.hash, &predictions, kind)?;
            partial.remove()?;
        }
    }
    Ok(())
}

fn one_by_one(runs: Vec<&Run>) -> Vec<Vec<&Run>> {
    runs.into_iter().map(|run| vec![run]).collect()
}
