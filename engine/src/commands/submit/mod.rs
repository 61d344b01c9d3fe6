//! `kaggle-kit submit`: runs and the test images become a CSV that Kaggle takes.

mod help;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use kaggle_kit::commands::submit::{self, Args, Plan, Ready, TestSet, members_of};
use kaggle_kit::decide::ensemble::ViewChoice;
use kaggle_kit::decide::ensemble::members::Member;
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::learn::tta;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::run::{PartialPredictions, Run, VIEWS, Workspace};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Predictions, TargetKind};
use kaggle_kit::term;
use kaggle_kit::zoo;

use super::precision::{Work, settled};
use super::predict::predict;
use super::ranks::{Ranks, Role, supervise};
use crate::torch::{Network, device};

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
    for run in missing {
        let mut partial = PartialPredictions::of(run, &test_set.hash, KEEP_EVERY)?;
        let predictions = predictions_of(run, test_set, ranks, data, &mut partial)?;
        let kind = test_set.competition.target.kind;
        run.write_test_predictions(&test_set.hash, &predictions, kind)?;
        partial.remove()?;
    }
    Ok(())
}

fn predictions_of(
    run: &Run,
    test_set: &TestSet,
    ranks: &Ranks,
    data: &Path,
    partial: &mut PartialPredictions,
) -> Result<Predictions> {
    let (competition, mut recipe, summary) = (run.competition()?, run.recipe()?, run.summary()?);
    let views: ViewChoice = run.read_toml(VIEWS)?;
    if views.chosen == tta::ONE {
        recipe.tta = false;
    }
    let (samples, classes) = (&test_set.samples, &summary.classes);
    recipe = settled(&recipe, ranks.device, Work::Predict)?;
    term::heading(format_args!("{}: run `{}`", competition.name, run.id()));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), "test image"),
        ranks.in_plan(&recipe),
        term::count(tta::Views::of(&recipe).count() * summary.weights.len().max(1), "view"),
    ));
    recipe.batch_size = device::at_once(ranks.device, recipe.size).unwrap_or(recipe.batch_size);
    let architectures = zoo::find_all(&recipe.backbone)?;
    let outputs = match competition.target.kind {
        TargetKind::SingleLabel => Outputs::Classes { n: classes.len() },
        TargetKind::MultiLabel => Outputs::Tags { n: classes.len() },
        TargetKind::Ordinal | TargetKind::Number => run.scaled_outputs()?,
    };
    let n_outputs = outputs.n();
    let job = help::Job::new(&recipe, &outputs, &summary.weights, samples, data)?;
    help::tell(ranks, Some(&job))?;
    device::set_up(ranks.device, &recipe)?;
    let mut network = Network::new(&architectures, &recipe, outputs, ranks.device);
    if let Some(group) = ranks.group() {
        network.join(Rc::clone(group))?;
    }
    let mut parts =
        predict(&mut network, ranks, Some(run), &summary.weights, samples, &recipe, Some(partial))?;
    // One view alone has no other parts.
    let probabilities = if views.chosen == tta::ONE {
        parts.probabilities.swap_remove(0)
    } else {
        ensure!(
            views.parts == parts.names,
            "`{}` is of another recipe: it chooses among `{}`, and the run has `{}`\nhint: copy the \
             run's folder again from where it was trained, or train again",
            run.file(VIEWS).display(),
            views.parts.join("`, `"),
            parts.names.join("`, `")
        );
        views.mean(&parts.probabilities)
    };
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    let probabilities = Table::new(probabilities, n_outputs);
    Ok(Predictions { ids, probabilities, classes: classes.clone() })
}
