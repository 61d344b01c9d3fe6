//! `kaggle-kit submit`: runs and the test images become a CSV that Kaggle takes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use kaggle_kit::commands::answer::{Asked, Plan};
use kaggle_kit::commands::kept;
use kaggle_kit::commands::members::Member;
use kaggle_kit::commands::ready::Ready;
use kaggle_kit::commands::unfinished::Unfinished;
use kaggle_kit::decide::blend::ViewChoice;
use kaggle_kit::device::Choice;
use kaggle_kit::learn::tta;
use kaggle_kit::run::{Run, VIEWS};
use kaggle_kit::target::Predictions;
use kaggle_kit::term;
use kaggle_kit::zoo;

use super::predict::predict;
use crate::torch::{Network, device};

/// What is said of test images is written down this often: a submission that is killed loses no more.
const KEEP_EVERY: Duration = Duration::from_secs(20);

/// Which runs, and where things are.
pub struct SubmitOptions {
    /// What predicts: one run or more.
    pub members: Vec<Member>,
    /// The folder of all data.
    pub data: PathBuf,
    /// The folder of all submissions.
    pub submissions: PathBuf,
    /// Where to compute.
    pub device: Choice,
}

/// Predicts the test images and writes the CSV, which fits the sample.
pub fn write(options: &SubmitOptions) -> Result<Ready> {
    let SubmitOptions { members, data, submissions, device } = options;
    let asked = Asked::open(members, data)?;
    // The choice needs no picture; if it cannot be made, that is known at once.
    let plan = Plan::choose(members)?;
    ask(&asked, members, *device)?;
    plan.write(&asked, members, &asked.predictions(members)?, submissions)
}

/// Asks every run about the test images that was not asked before; what they say is kept with them.
pub fn ask(asked: &Asked, members: &[Member], device: Choice) -> Result<()> {
    let unasked = asked.unasked(members)?;
    let n_known = members.iter().map(|member| member.runs.len()).sum::<usize>() - unasked.len();
    if n_known > 0 {
        term::say(format_args!(
            "   what {} said about the test images before is taken",
            term::count(n_known, "run")
        ));
    }
    for run in unasked {
        let mut unfinished = Unfinished::of(run, &asked.fingerprint, KEEP_EVERY)?;
        let predictions = predicted(run, asked, device, &mut unfinished)?;
        kept::write(run, &asked.fingerprint, &predictions)?;
        unfinished.remove()?;
    }
    Ok(())
}

/// What a run says about the test images.
fn predicted(
    run: &Run,
    asked: &Asked,
    device: Choice,
    unfinished: &mut Unfinished,
) -> Result<Predictions> {
    let (competition, mut recipe, summary) = (run.competition()?, run.recipe()?, run.summary()?);
    // Runs of earlier versions use all views.
    let views: Option<ViewChoice> =
        run.file(VIEWS).is_file().then(|| run.read_toml(VIEWS)).transpose()?;
    if views.as_ref().is_some_and(|views| views.chosen == tta::ONE) {
        recipe.tta = false;
    }
    let (samples, classes) = (&asked.samples, &summary.classes);
    let device = device::resolve(device)?;
    term::heading(format_args!("{}: run `{}`", competition.name, run.id()));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), "test image"),
        device::describe(device),
        term::count(tta::Views::of(&recipe).count() * summary.weights.len().max(1), "view"),
    ));
    let architectures = zoo::find_all(&recipe.backbone)?;
    let mut network =
        Network::new(&architectures, &recipe, competition.target.kind, classes.len(), device);
    let mut parts =
        predict(&mut network, run, &summary.weights, samples, &recipe, Some(unfinished))?;
    let probabilities = match views {
        Some(views) if views.parts == parts.names => views.mean(&parts.probabilities),
        _ => parts.probabilities.swap_remove(0),
    };
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Predictions { ids, probabilities, classes: classes.clone() })
}
