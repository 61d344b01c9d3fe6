//! The command line: what may be typed. Doc comments are the help text.

mod decide;
mod looking;
mod models;
mod standin;
mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::decide::Decide;
pub use self::looking::{Cache, CacheAction, CacheClean, Compare, LrFind, Runs};
pub use self::models::{Models, ModelsAction};
pub use self::standin::{Serve, Standin, StandinAction};
pub use self::train::{RecipeArgs, Train, TrainStart};
use crate::device::Choice;

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

`kaggle-kit <command> --help` tells more.
Exit codes: 0 done, 1 failed, 2 wrong usage; where Kaggle or Hugging Face is asked also 3 for
credentials, 4 rules not accepted or no permission, 5 not found, 6 rate or submission limit, 7
network or server; 8 a submission that does not fit; 130 ended by Ctrl-C.";

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
    /// Write the upload for a run, or check a CSV made elsewhere, and send it if asked
    Submit(Submit),
    /// Decide anew from a run's probabilities: every method, measured, and the CSV of the best
    Decide(Decide),
    /// List what was submitted, with our run and its held-out score beside each
    Submissions(Submissions),
    /// Show the top of the leaderboard, and where our best score or any other stands
    Leaderboard(Leaderboard),
    /// Score a submission offline by the competition's own metric
    Score(Score),
    /// Show competitions, the data and runs there are, and best scores
    List(Json),
    /// Show the runs there are, what each did differently, and what came of it
    Runs(Runs),
    /// Put two runs side by side, as a table and as a page
    Compare(Compare),
    /// Find learning rates and show the curves, without training further
    LrFind(LrFind),
    /// List the backbones, fetch their weights, measure them here
    Models(Models),
    /// List or remove the activations and pictures that runs keep for one another
    Cache(Cache),
    /// Check libtorch, device, credentials, weights and disk
    Doctor(Json),
    /// Walk the whole path on a small competition drawn here, without Kaggle
    Demo(Demo),
    /// Serve a small Kaggle on this machine, to try or measure clients with
    Standin(Standin),
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
  kaggle-kit fetch ./mine.toml --from ~/data/mine
  kaggle-kit fetch dogs-vs-cats --dry-run             what would be downloaded, how much, where
  kaggle-kit fetch dogs-vs-cats --check               is every file still what was fetched?
A stopped fetch goes on where it stood when it is run again.";

/// Arguments of `fetch`
#[derive(Args, Debug)]
#[command(after_help = FETCH_EXAMPLES)]
pub struct Fetch {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    /// Take data already at hand: a folder in Kaggle's layout, or an archive (repeatable)
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// How much of it to do
    #[command(flatten)]
    pub mode: FetchMode,
    /// Keep the downloaded archives once they are unpacked
    #[arg(long)]
    pub keep_archives: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// How much of a fetch to do: at most one of them
#[derive(Args, Debug)]
#[group(multiple = false)]
pub struct FetchMode {
    /// Fetch again what is already there
    #[arg(long)]
    pub force: bool,
    /// Say what would be downloaded or taken, how much, and where
    #[arg(long)]
    pub dry_run: bool,
    /// Verify that every file is still what was fetched
    #[arg(long, conflicts_with = "from")]
    pub check: bool,
}

const SUBMIT_EXAMPLES: &str = "\
Examples:
  kaggle-kit submit                                   the newest finished run
  kaggle-kit submit dog-breed
  kaggle-kit submit --run runs/dog-breed/20261124-101500-3fa9 --upload -m 'lite0, TTA'
  kaggle-kit submit planet --upload -m 'seed 2' --wait      until there is a score
  kaggle-kit submit planet --best 3                   a blend of the three best models
  kaggle-kit submit --csv mine.csv planet                   every check, nothing sent
A stopped upload goes on where it stood when it is run again; nothing is submitted twice.";

/// Arguments of `submit`
#[derive(Args, Debug)]
#[command(after_help = SUBMIT_EXAMPLES)]
pub struct Submit {
    /// A competition, for its newest finished run; without it, the newest of all
    pub competition: Option<String>,
    /// This run's folder instead, alone even if it is one of several folds
    #[arg(long, value_name = "FOLDER", conflicts_with = "competition")]
    pub run: Option<PathBuf>,
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
    #[arg(long, requires = "message")]
    pub upload: bool,
    /// The upload's description
    #[arg(short, long, value_name = "TEXT", requires = "upload")]
    pub message: Option<String>,
    /// Wait for the score, an hour or so many seconds; without it, only a short look
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "3600", requires = "upload")]
    pub wait: Option<u64>,
    /// Send a file that this run has sent before
    #[arg(long, requires = "upload")]
    pub again: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: Choice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const SUBMISSIONS_EXAMPLES: &str = "\
Examples:
  kaggle-kit submissions                              of the newest run's competition
  kaggle-kit submissions planet --json
Scores that have come in since are written into their runs.";

/// Arguments of `submissions`
#[derive(Args, Debug)]
#[command(after_help = SUBMISSIONS_EXAMPLES)]
pub struct Submissions {
    /// Short name, Kaggle's slug or address, or a spec file; without it, that of the newest run
    pub competition: Option<String>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const LEADERBOARD_EXAMPLES: &str = "\
Examples:
  kaggle-kit leaderboard                              of the newest run's competition
  kaggle-kit leaderboard planet --top 20 --score 0.93
Without `--score`: our best public score; before the first, the best on images held out.";

/// Arguments of `leaderboard`
#[derive(Args, Debug)]
#[command(after_help = LEADERBOARD_EXAMPLES)]
pub struct Leaderboard {
    /// Short name, Kaggle's slug or address, or a spec file; without it, that of the newest run
    pub competition: Option<String>,
    /// How many teams to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Where this score would stand
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub score: Option<f64>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: Choice,
}
