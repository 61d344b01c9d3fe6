//! `kaggle-kit submit`: a run folder and the test images become a CSV that Kaggle takes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::torch::{Network, backbone, device};
use kaggle_kit::commands::ready::{Ready, file_name};
use kaggle_kit::dataset::{self, Sample, SampleSubmission};
use kaggle_kit::device::Choice;
use kaggle_kit::predict::{Decision, tta};
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::run::Run;
use kaggle_kit::submission;
use kaggle_kit::term;

/// Which run, and where things are.
pub struct SubmitOptions {
    /// The run that predicts.
    pub run: Run,
    /// The folder of all data.
    pub data: PathBuf,
    /// The folder of all submissions.
    pub submissions: PathBuf,
    /// Where to compute.
    pub device: Choice,
}

/// Predicts the test images and writes the CSV, which fits the sample.
pub fn write(options: SubmitOptions) -> Result<Ready> {
    let run = &options.run;
    let (competition, recipe, summary) = (run.competition()?, run.recipe()?, run.summary()?);
    let decision: Decision = run.read_toml("decision.toml")?;
    let data = options.data.join(&competition.name);
    let samples: Arc<[Sample]> = dataset::open_test(&competition, &data, &summary.classes)?.into();
    let device = device::resolve(options.device)?;
    term::heading(format_args!("{}: run `{}`", competition.name, run.id()));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), "test image"),
        device::describe(device),
        term::count(tta::Views::of(&recipe).count(), "view"),
    ));

    let architecture = backbone::find(&recipe.backbone)?;
    let n_classes = summary.classes.len();
    let mut network =
        Network::new(architecture, &recipe, competition.target.kind, n_classes, device);
    network.restore_from(&run.file("weights.safetensors"))?;
    let bar = Bar::new("predictions", Unit::Items("images"));
    let predictions = tta::predict(&mut network, &samples, &summary.classes, &recipe, &bar)?;
    drop(bar);

    let csv = options.submissions.join(file_name(&competition.name, run));
    let sample = SampleSubmission::find(&competition, &data)?;
    let answers = decision.apply(predictions)?;
    let notes = submission::write(&answers, &competition.submission, &sample, &csv)?;
    Ok(Ready { competition, run: Some(options.run), csv, n_rows: sample.ids.len(), notes })
}
