//! `kaggle-kit submit`: a CSV that Kaggle takes, made of runs' predictions or elsewhere, and its upload.
//!
//! `csv.rs` makes it of predictions, `blend.rs` shows what was blended, `checked.rs` is a file that
//! fits, `broken.rs` answers for test images that cannot be used, `upload.rs` sends it, `kernel.rs` has Kaggle predict in its place. `engine/src/commands/submit.rs` predicts.

mod blend;
mod broken;
mod checked;
mod csv;
pub mod kernel;
mod upload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

pub(super) use self::blend::print as print_blend;
pub use self::checked::Ready;
pub use self::csv::{Plan, TestSet, single};
pub use self::upload::{NoneLeft, Outcome, upload};
use super::bad_images;
use super::meant;
use super::ranks::RanksArgs;
use crate::competition::Competition;
use crate::decide::ensemble::members::{self, Member};
use crate::device::DeviceChoice;
use crate::kaggle::Environment;
use crate::run::{Run, Workspace};
use crate::session;
use crate::submission::Misfit;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit submit                                   the newest finished run
  kaggle-kit submit dog-breed
  kaggle-kit submit --run runs/dog-breed/20261124-101500-3fa9 --upload -m 'lite0, TTA'
  kaggle-kit submit planet --upload -m 'seed 2' --wait      until there is a score
  kaggle-kit submit planet --best 3                   a blend of the three best models
  kaggle-kit submit planet --gpus all                 each GPU looks at a part of the test images
  kaggle-kit submit --csv mine.csv planet                   every check, nothing sent
  kaggle-kit submit planet --kernel -m 'five folds'   where Kaggle takes notebooks: packs the run, uploads
                                                      it, has Kaggle run the notebook, submits that
  kaggle-kit submit planet --best 3 --kernel -m TEXT  the same with a blend
A stopped upload goes on where it stood when it is run again; nothing is submitted twice.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub struct Args {
    /// A competition, for its newest finished run; without it, the newest of all
    pub competition: Option<String>,
    /// This run instead, by folder or id, alone even if it is one of several of a model
    #[arg(long, value_name = "RUN", conflicts_with = "competition")]
    pub run: Option<String>,
    /// Blend these runs, by folder or id; a fold stands for all folds of its model
    #[arg(long, value_name = "RUN", num_args = 1.., conflicts_with = "run")]
    pub runs: Vec<String>,
    /// Blend the N models with the best held-out scores
    #[arg(long, value_name = "N", conflicts_with_all = ["run", "runs"])]
    pub best: Option<usize>,
    /// Check this CSV, made elsewhere, instead of predicting
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "runs", "best"])]
    pub csv: Option<PathBuf>,
    /// Send it to Kaggle
    #[arg(long, requires = "message", group = "sends")]
    pub upload: bool,
    /// Submit a notebook that predicts, in place of a CSV: the way into competitions that take no files
    #[arg(
        long,
        requires = "message",
        group = "sends",
        conflicts_with_all = ["csv", "upload", "skip_broken"]
    )]
    pub kernel: bool,
    /// The submission's description
    #[arg(short, long, value_name = "TEXT", requires = "sends")]
    pub message: Option<String>,
    /// Wait for the score, an hour or so many seconds; without it, only a short look
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "3600", requires = "sends")]
    pub wait: Option<u64>,
    /// Send what was sent before
    #[arg(long, requires = "sends")]
    pub again: bool,
    /// Send it although test images cannot be used: the mean of the training images is in their rows
    #[arg(long)]
    pub skip_broken: bool,
    /// What a notebook runs on: Kaggle's name of an accelerator, or none
    #[arg(long, value_name = "NAME", default_value = "NvidiaTeslaT4", requires = "kernel")]
    pub machine: String,
    /// kaggle-kit's wheel for the notebook; without it, the newest in dist/
    #[arg(long, value_name = "FILE", requires = "kernel")]
    pub wheel: Option<PathBuf>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    #[command(flatten)]
    pub ranks: RanksArgs,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks a CSV made elsewhere, and sends it if that was asked for.
pub fn check(csv: &Path, args: &Args, workspace: &Workspace) -> Result<()> {
    run(args, workspace, |competition| checked::check(csv, competition, workspace))
}

/// Prints the CSV that `make` makes, and sends it if that was asked for.
pub fn run(
    args: &Args,
    workspace: &Workspace,
    make: impl FnOnce(Option<Competition>) -> Result<Ready>,
) -> Result<()> {
    let named = args.competition.as_deref();
    let competition = named.map(|name| workspace.find(name)).transpose()?;
    competition.iter().try_for_each(|competition| ensure_uploads(competition, args))?;
    let environment = Environment::of_process();
    let connect = || session::connect(args.endpoint.as_deref(), &environment);
    // A file is checked in no time; predictions take theirs, so credentials must be there first.
    let early = (args.upload && args.csv.is_none()).then(connect).transpose()?;
    let ready = make(competition).inspect_err(|error| {
        if let Some(misfit) = error.downcast_ref::<Misfit>().filter(|_| args.json) {
            // The error that is on its way says more than one of printing could.
            let _ = term::json(&checked::misfit_to_json(misfit, args.csv.as_deref()));
        }
        bad_images::tell(error, args.json);
    })?;
    ensure_uploads(&ready.competition, args)?;
    ready.print();
    if !args.json {
        term::path(&ready.csv);
    }
    let mut outcome = None;
    if args.upload && !args.skip_broken {
        broken::ensure_allowed(&ready.broken)?;
    }
    if let Some(message) = args.message.as_deref().filter(|_| args.upload) {
        let client = early.map_or_else(connect, Ok)?;
        let wait = args.wait.map(Duration::from_secs);
        outcome = Some(upload(&client, &ready, message, args.again, wait)?);
    }
    if args.json {
        let mut json = ready.to_json();
        json["submission"] = serde_json::to_value(&outcome)?;
        term::json(&json)?;
    }
    outcome.map_or(Ok(()), |outcome| outcome.ensure_taken())
}

/// Refuses at once what Kaggle would refuse in the end.
fn ensure_uploads(competition: &Competition, args: &Args) -> Result<()> {
    let Some(told) = competition.takes_notebooks_only().filter(|_| args.upload) else {
        return Ok(());
    };
    bail!(
        "{told}\nhint: `{} --kernel -m TEXT` packs the run, has Kaggle run a notebook that predicts with it, \
         and submits that; by hand it is done on kaggle.com/competitions/{}/code, with what `{}` makes",
        competition.command("submit"),
        competition.slug,
        competition.command("pack")
    )
}

/// The models that are to predict.
pub fn members_of(
    args: &Args,
    competition: Option<&Competition>,
    workspace: &Workspace,
) -> Result<Vec<Member>> {
    let runs = workspace.runs();
    let name = competition.map(|competition| competition.name.as_str());
    let found = match (&args.run, args.best) {
        (Some(run), _) => Ok(vec![members::alone(Run::find(&runs, None, run)?)?]),
        (None, Some(n)) => meant::best(competition, n, workspace),
        (None, None) if !args.runs.is_empty() => members::named(&runs, name, &args.runs),
        (None, None) => Ok(vec![members::of(Run::newest(&runs, competition)?)?]),
    };
    let found = found?;
    if args.run.is_none() {
        meant::tell_of_unfinished(&found)?;
    }
    if let Some(run) = found.iter().flat_map(|member| &member.runs).next_back() {
        ensure_uploads(&run.competition()?, args)?;
    }
    Ok(found)
}
