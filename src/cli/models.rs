//! `models`: the backbones there are.

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};

use crate::device::Choice;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit models                                   what there is, what it costs, what is cached
  kaggle-kit models pull convnext_tiny resnet50
  kaggle-kit models --bench                           images a second on this machine
  kaggle-kit models vit_small_patch14_dinov2 --bench --size 518
  kaggle-kit train dog-breed --backbone convnext_small+vit_small_patch14_dinov2
Weights come from Hugging Face and go through their SHA-256; a stopped download goes on when it is run
again. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to Hugging Face's own
library, whose cache is looked in first.";

/// Arguments of `models`
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Models {
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<ModelsAction>,
    /// These alone, in timm's names
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Measure images a second of prediction, in batches of 32
    #[arg(long)]
    pub bench: bool,
    /// Side of the pictures to measure with, in pixels; each backbone's own by default
    #[arg(long, value_name = "PIXELS", requires = "bench", value_parser = pixels())]
    pub size: Option<usize>,
    /// Where to measure: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t, requires = "bench")]
    pub device: Choice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn pixels() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u64).range(32..=2048).map(|pixels| pixels as usize)
}

/// What `models` does
#[derive(Debug, Subcommand)]
pub enum ModelsAction {
    /// Fetch weights into the cache, those that are not there yet
    Pull {
        /// Backbones, in timm's names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}
