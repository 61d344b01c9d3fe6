//! `kaggle-kit predict`: what a run says about any pictures, without the competition's data.
//!
//! `answered.rs` puts the answers into rows; `engine/src/commands/photos.rs` predicts.

mod answered;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use self::answered::Answered;
use super::meant;
use super::submit::Plan;
use crate::dataset::{self, BadImage, BadImages, Sample};
use crate::decide::ensemble::members::{self, Member};
use crate::device::DeviceChoice;
use crate::fs;
use crate::report::{Bar, Unit};
use crate::run::{Run, Workspace};
use crate::target::Predictions;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit predict dog-breed photo.jpg              by its newest run
  kaggle-kit predict 20261124-101500-3fa9 photo.jpg
  kaggle-kit predict runs/dog-breed/20261124-101500-3fa9 holiday/ *.png
  kaggle-kit predict 20261124-101500-3fa9 holiday/ --output holiday.csv
Pictures that cannot be read are named and the others answered; the exit code is then 1.";

/// What the first column of the CSV is called.
const PICTURE: &str = "picture";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run by folder or id, or a competition, for its newest; a fold stands for all folds of its model
    pub run: String,
    /// Pictures, and folders of them
    #[arg(required = true, value_name = "PHOTO")]
    pub photos: Vec<PathBuf>,
    /// This run alone, even if it is one of several folds
    #[arg(long)]
    pub alone: bool,
    /// Write the answers to this file, with the probability of each class
    #[arg(short, long, value_name = "CSV")]
    pub output: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows what `say`, for each of a member's runs, predicts for the pictures, decided as for a
/// submission. An error where some cannot be read, after the others were answered.
pub fn run(
    args: &Args,
    workspace: &Workspace,
    say: impl FnOnce(&Member, &Arc<[Sample]>) -> Result<Vec<Predictions>>,
) -> Result<()> {
    let members = [member(args, workspace)?];
    let member = &members[0];
    let samples = dataset::photos(&args.photos)?;
    let of = samples.len();
    let (samples, bad) = readable(samples)?;
    let plan = Plan::choose(&members)?;
    let said = plan.said(&[member.mean(&say(member, &samples)?)?])?;
    let answers = plan.decision().apply(said.clone())?;
    let called = member.runs[0].class_names()?;
    let answered = Answered::new(&samples, member.kind, &said, &answers, called);
    if let Some(path) = &args.output {
        let is_ours = |start: &[u8]| start.starts_with(PICTURE.as_bytes());
        fs::write_named(path, answered.csv()?, "table of predictions", is_ours)?;
        term::done(format_args!(
            "{} in `{}`",
            term::count(samples.len(), "answer"),
            path.display()
        ));
    }
    if args.json {
        let runs: Vec<String> = member.runs.iter().map(Run::id).collect();
        term::json(&json!({
            "competition": member.competition,
            "runs": runs,
            "metric": member.metric.name(),
            "decision": plan.decision().to_string(),
            "classes": member.classes,
            "pictures": answered.json(),
            "broken": bad,
        }))?;
    } else if args.output.is_none() {
        answered.print();
    }
    if bad.is_empty() { Ok(()) } else { bail!(BadImages { bad, of, list: None }) }
}

/// The model that is asked.
fn member(args: &Args, workspace: &Workspace) -> Result<Member> {
    let found = meant::run(Some(&args.run), workspace)?;
    let member = if args.alone { members::alone(found)? } else { members::of(found)? };
    if let Some(run) = member.runs.last() {
        let competition = run.competition()?;
        ensure!(
            competition.files.used_channels().is_empty(),
            "run `{}` looks at pictures of several files, a channel each, and `predict` takes pictures of \
             one\nhint: `{}` predicts those of its competition",
            run.id(),
            competition.command("submit")
        );
        if competition.submission.pool().is_some() {
            term::warn(
                "an answer of this competition is for several pictures; here each is answered by itself",
            );
        }
    }
    Ok(member)
}

/// Those that can be read, and the others. Fails where none can.
fn readable(samples: Vec<Sample>) -> Result<(Arc<[Sample]>, Vec<BadImage>)> {
    let bar = Bar::new("check pictures", Unit::Items("pictures"));
    let found = dataset::unreadable(&samples, &bar);
    drop(bar);
    let of = samples.len();
    let mut is_good = vec![true; of];
    for (place, _) in &found {
        is_good[*place] = false;
    }
    let bad: Vec<BadImage> = found.into_iter().map(|(_, bad)| bad).collect();
    if bad.len() == of {
        bail!(BadImages { bad, of, list: None });
    }
    let good = samples.into_iter().zip(is_good).filter_map(|(s, good)| good.then_some(s));
    Ok((good.collect(), bad))
}
