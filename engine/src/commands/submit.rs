//! `kaggle-kit submit`: runs and the test images become a CSV that Kaggle takes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use kaggle_kit::cache::Hash;
use kaggle_kit::commands::blend;
use kaggle_kit::commands::members::Member;
use kaggle_kit::commands::ready::{Ready, file_name};
use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::{self, Sample, SampleSubmission};
use kaggle_kit::device::Choice;
use kaggle_kit::predict::{Decision, tta};
use kaggle_kit::run::{DECISION, Run};
use kaggle_kit::submission;
use kaggle_kit::target::{Classes, Predictions};
use kaggle_kit::term;
use sha2::{Digest, Sha256};

use super::predict::predict;
use crate::torch::{Network, backbone, device};

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
    let first = members.first().context("no run to submit")?;
    let newest = first.runs.last().context("a model without runs")?;
    let competition = newest.competition()?;
    let folder = data.join(&competition.name);
    let samples: Arc<[Sample]> = dataset::open_test(&competition, &folder, &first.classes)?.into();
    let sample = SampleSubmission::find(&competition, &folder)?;
    let n_runs: usize = members.iter().map(|member| member.runs.len()).sum();

    let (answers, csv) = if n_runs == 1 {
        let decision: Decision = newest.read_toml(DECISION)?;
        let csv = submissions.join(file_name(&competition.name, newest));
        let predictions = predicted(newest, &samples, &first.classes, *device)?;
        (decision.apply(predictions)?, csv)
    } else {
        // The choice needs no picture; if it cannot be made, that is known at once.
        let choice = blend::fit(members)?;
        let csv = submissions.join(blend_name(&competition, members));
        let mut of_members = Vec::new();
        for member in members {
            let runs = member.runs.iter();
            let of_runs: Vec<Predictions> = runs
                .map(|run| predicted(run, &samples, &first.classes, *device))
                .collect::<Result<_>>()?;
            of_members.push(member.mean(&of_runs)?);
        }
        let blended = choice.blend.apply(&of_members)?;
        blend::keep(&choice, members, &csv)?;
        (choice.decision.apply(blended)?, csv)
    };
    let notes = submission::write(&answers, &competition.submission, &sample, &csv)?;
    let run = (members.len() == 1).then(|| newest.clone());
    Ok(Ready { competition, run, csv, n_rows: sample.ids.len(), notes })
}

/// What a run says about the test images.
fn predicted(
    run: &Run,
    samples: &Arc<[Sample]>,
    classes: &Classes,
    device: Choice,
) -> Result<Predictions> {
    let (competition, recipe, summary) = (run.competition()?, run.recipe()?, run.summary()?);
    let device = device::resolve(device)?;
    term::heading(format_args!("{}: run `{}`", competition.name, run.id()));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), "test image"),
        device::describe(device),
        term::count(tta::Views::of(&recipe).count() * summary.weights.len().max(1), "view"),
    ));
    let architecture = backbone::find(&recipe.backbone)?;
    let mut network =
        Network::new(architecture, &recipe, competition.target.kind, classes.len(), device);
    predict(&mut network, run, &summary.weights, samples, classes, &recipe)
}

/// The file of a blend: the same runs make the same name.
fn blend_name(competition: &Competition, members: &[Member]) -> String {
    let mut hash = Sha256::new();
    for run in members.iter().flat_map(|member| &member.runs) {
        hash.update(run.id().as_bytes());
        hash.update(b"\n");
    }
    let digits = Hash(hash.finalize().into()).to_string();
    format!("{}-blend-{}.csv", competition.name, &digits[..8])
}
