//! Arguments of the commands that look and change nothing: `runs`, `compare`, `lr-find`, `cache`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::train::RecipeArgs;
use crate::commands::lr_find::Finder;
use crate::device::Choice;

const RUNS_EXAMPLES: &str = "\
Examples:
  kaggle-kit runs                                     the newest first
  kaggle-kit runs planet --sort score
  kaggle-kit runs --filter backbone=resnet34 --filter fold=1 --json
Sort and filter by a column or by any setting of the recipe; `--sort=-time` turns the order around.";

/// Arguments of `runs`
#[derive(Args, Debug)]
#[command(after_help = RUNS_EXAMPLES)]
pub struct Runs {
    /// Short name, Kaggle's slug or address, or a spec file; without it, all
    pub competition: Option<String>,
    /// What to sort by
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Only runs of which this is true (repeatable)
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  kaggle-kit compare 20261124-101500-3fa9 20261124-111500-77b0
  kaggle-kit compare runs/planet/20261124-101500-3fa9 20261124-111500-77b0 --output two.html";

/// Arguments of `compare`
#[derive(Args, Debug)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct Compare {
    /// A run's folder or id: what is compared with
    pub a: String,
    /// The other run's
    pub b: String,
    /// Where the page goes; without it, beside the runs
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const LR_FIND_EXAMPLES: &str = "\
Examples:
  kaggle-kit lr-find planet                           for the head on activations, in seconds
  kaggle-kit lr-find planet --backbone resnet50
  kaggle-kit lr-find planet --finder full             for the whole network, after the head's steps
  kaggle-kit lr-find --run runs/planet/20261124-101500-3fa9 --out curves
The last lines are settings that `train --set` takes.";

/// Arguments of `lr-find`
#[derive(Args, Debug)]
#[command(after_help = LR_FIND_EXAMPLES)]
pub struct LrFind {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    #[arg(required_unless_present = "run")]
    pub competition: Option<String>,
    /// Show what a finished run has found instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "competition")]
    pub run: Option<PathBuf>,
    /// For the head on a frozen backbone, or for the whole network
    #[arg(long, default_value = "head", value_parser = finder())]
    pub finder: Finder,
    /// Settings of the recipe
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Write each curve as SVG into this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: Choice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn finder() -> impl TypedValueParser<Value = Finder> {
    PossibleValuesParser::new(["head", "full"])
        .map(|text| if text == "head" { Finder::Head } else { Finder::Full })
}

const CACHE_EXAMPLES: &str = "\
Examples:
  kaggle-kit cache                                    what is kept, for what, since when
  kaggle-kit cache clean                              only what no run can read
  kaggle-kit cache clean --older-than 30
Runs keep at most 20 GB, or half of what the disk has for it, and remove what has gone unused the
longest; `KAGGLE_KIT_CACHE_GB` sets another limit.";

/// Arguments of `cache`
#[derive(Args, Debug)]
#[command(after_help = CACHE_EXAMPLES)]
pub struct Cache {
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<CacheAction>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `cache` does
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// Show what is kept, for what, its size and age, and when it was last used
    List,
    /// Remove what no run can read: unfinished, or of another version
    Clean(CacheClean),
}

/// Arguments of `cache clean`
#[derive(Args, Debug)]
#[group(multiple = false)]
pub struct CacheClean {
    /// And what no run has used for so many days
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u32>,
    /// And everything else that no run is using now
    #[arg(long)]
    pub all: bool,
}
