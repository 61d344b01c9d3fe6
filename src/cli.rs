//! The command line: what may be typed. Doc comments are the help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::torch::device::Choice;

/// Takes a Kaggle image competition from an empty folder to an accepted submission
#[derive(Debug, Parser)]
#[command(name = "kaggle-kit", bin_name = "kaggle-kit", version, about, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// What holds for every command
    #[command(flatten)]
    pub global: Global,
}

const EXAMPLES: &str = "\
Examples:
  kaggle-kit demo                     the whole path on a competition drawn here, without Kaggle
  kaggle-kit fetch dog-breed          download, unpack and check the data
  kaggle-kit train dog-breed          the golden rule, start to end
  kaggle-kit submit                   write the upload for the newest run

`kaggle-kit <command> --help` tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Options of every command
#[derive(Args, Debug)]
pub struct Global {
    /// The folder that holds data/, runs/ and submissions/
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "KAGGLE_KIT_ROOT",
        default_value = "."
    )]
    pub root: PathBuf,
    /// Tell only warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tell where things come from as well
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Draw no bars, even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// The commands
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download a competition's data, unpack and check it
    Fetch(Fetch),
    /// Train by the golden rule
    Train(Train),
    /// Write the upload for a run, and send it if asked
    Submit(Submit),
    /// Score a submission offline by the competition's own metric
    Score(Score),
    /// Show competitions, the data and runs there are, and best scores
    List(Json),
    /// Check libtorch, device, credentials, weights and disk
    Doctor(Json),
    /// Walk the whole path on a small competition drawn here, without Kaggle
    Demo(Demo),
}

/// Machine-readable output
#[derive(Args, Debug)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const FETCH_EXAMPLES: &str = "\
Examples:
  kaggle-kit fetch dogs-vs-cats
  kaggle-kit fetch https://www.kaggle.com/c/dog-breed-identification
  kaggle-kit fetch planet --from ~/Downloads/train-jpg.tar.7z --from ~/Downloads/test-jpg.tar.7z
  kaggle-kit fetch ./mine.toml --from ~/data/mine";

/// Arguments of `fetch`
#[derive(Args, Debug)]
#[command(after_help = FETCH_EXAMPLES)]
pub struct Fetch {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    /// Take data already at hand: a folder in Kaggle's layout, or an archive (repeatable)
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Fetch again what is already there
    #[arg(long)]
    pub force: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  kaggle-kit train planet
  kaggle-kit train dogs-vs-cats --smoke               every step, in seconds
  kaggle-kit train dog-breed --set backbone=resnet50 --set whole-network.max-cycles=2
  kaggle-kit train ./mine.toml --recipe mine-recipe.toml

All settings with their meaning: `kaggle-kit train --show-recipe planet`.";

/// Arguments of `train`
#[derive(Args, Debug)]
#[command(after_help = TRAIN_EXAMPLES)]
pub struct Train {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    /// A recipe file, laid over the defaults
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// One setting of the recipe (repeatable), such as `size=160`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Go through every step in seconds, on few and small images
    #[arg(long)]
    pub smoke: bool,
    /// Print the recipe that would be used, and stop
    #[arg(long)]
    pub show_recipe: bool,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, default_value_t)]
    pub device: Choice,
}

const SUBMIT_EXAMPLES: &str = "\
Examples:
  kaggle-kit submit                                   the newest finished run
  kaggle-kit submit dog-breed
  kaggle-kit submit --run runs/dog-breed/20261124-101500-3fa9 --upload -m 'lite0, TTA'";

/// Arguments of `submit`
#[derive(Args, Debug)]
#[command(after_help = SUBMIT_EXAMPLES)]
pub struct Submit {
    /// A competition, for its newest finished run; without it, the newest of all
    pub competition: Option<String>,
    /// This run's folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "competition")]
    pub run: Option<PathBuf>,
    /// Send it to Kaggle
    #[arg(long, requires = "message")]
    pub upload: bool,
    /// The upload's description
    #[arg(short, long, value_name = "TEXT", requires = "upload")]
    pub message: Option<String>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, default_value_t)]
    pub device: Choice,
}

const SCORE_EXAMPLES: &str = "\
Examples:
  kaggle-kit score submissions/planet-20261124-101500-3fa9.csv --solution solution.csv
The last line is the metric and its value, as in `log-loss 0.03120`.";

/// Arguments of `score`
#[derive(Args, Debug)]
#[command(after_help = SCORE_EXAMPLES)]
pub struct Score {
    /// The submission
    pub csv: PathBuf,
    /// The true labels, in the competition's own columns
    #[arg(long, value_name = "CSV")]
    pub solution: PathBuf,
    /// The competition, where the header does not tell
    #[arg(long, value_name = "NAME")]
    pub competition: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  kaggle-kit demo
  kaggle-kit demo planet
Starts a stand-in for Kaggle on this machine, then fetches, trains, submits and uploads over HTTP.";

/// Arguments of `demo`
#[derive(Args, Debug)]
#[command(after_help = DEMO_EXAMPLES)]
pub struct Demo {
    /// The competition to draw
    #[arg(default_value = "dogs-vs-cats")]
    pub competition: String,
    /// Where the stand-in listens; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, default_value_t)]
    pub device: Choice,
}
