//! `kaggle-kit models`: the backbones there are, what they cost and what is known of them here.
//! `pull.rs` fetches their weights, `import/` brings timm's others; `speed.rs` keeps what was measured.

pub mod import;
mod pull;
mod speed;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use clap::builder::TypedValueParser;
use serde::Serialize;

pub use self::pull::{NoWeights, pretrained};
pub use self::speed::{HalfSpeed, Speed, keep, keep_half, measured, measured_half};
use super::ranks::{Gpus, RanksArgs};
use crate::device::DeviceChoice;
use crate::fs;
use crate::term::{self, Give};
use crate::weights::{self, Hub, cached, place};
use crate::zoo::{self, Architecture};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit models                                   what there is, what it costs, what is cached
  kaggle-kit models pull convnext_tiny resnet50
  kaggle-kit models import swin_tiny_patch4_window7_224 --python .venv/bin/python
  kaggle-kit models --bench                           images a second on this machine
  kaggle-kit models vit_small_patch14_dinov2 --bench --size 518
  kaggle-kit models resnet50 --bench --gpus all       one GPU and all together, predicting and training
  kaggle-kit train dog-breed --backbone convnext_small+vit_small_patch14_dinov2
Weights come from Hugging Face and go through their SHA-256; a stopped download goes on when it is run
again. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to Hugging Face's own
library, whose cache is looked in first.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<Action>,
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
    pub device: DeviceChoice,
    /// Measure with so many NVIDIA GPUs together, or all, beside one of them
    #[arg(long, value_name = "N|all", requires = "bench")]
    pub gpus: Option<Gpus>,
    /// The same with so many processes of this machine
    #[arg(long, value_name = "N", requires = "bench", conflicts_with = "gpus", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub ranks: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// How many processes measure.
    pub fn ranks(&self) -> RanksArgs {
        RanksArgs { ranks: self.ranks, gpus: self.gpus, ..RanksArgs::default() }
    }
}

fn pixels() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u64).range(32..=2048).map(|pixels| pixels as usize)
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Fetch weights into the cache, those that are not there yet
    Pull {
        /// Backbones, in timm's names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Bring any network of timm's, by a Python that has timm: `--backbone timm:NAME` trains it then
    Import(import::Args),
}

/// A backbone at a glance.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    weights: String,
    parameters: u64,
    /// Of a picture of `size` pixels a side, in units of 1e9.
    gflops: f64,
    /// Side of the square that recipes show it by default, in pixels.
    size: usize,
    /// The square's share of a picture's shorter side.
    crop: f64,
    /// Side of the pictures in its training.
    native_size: usize,
    /// Numbers a picture that the head takes.
    width: i64,
    top1: Option<f64>,
    /// Side of the pictures that it was measured with.
    top1_size: Option<usize>,
    /// What is in our cache, or in that of Hugging Face's library.
    bytes: Option<u64>,
    /// Whether what is there is visibly no weights.
    unusable: bool,
    measured: Vec<Speed>,
}

/// Fetches weights, or prints a table of the backbones named, or of all, or JSON. What `--bench`
/// measures is measured before.
pub fn run(args: &Args) -> Result<()> {
    if let Some(Action::Pull { names }) = &args.action {
        return pull::pull(names);
    }
    let (cache, hub) = (fs::cache_folder(), Hub::of_process());
    let speeds = measured(&cache);
    let row = |architecture| row(architecture, &cache, &hub, &speeds);
    let imported = if args.names.is_empty() { imported(&cache) } else { Vec::new() };
    let all = chosen(&args.names)?.into_iter().chain(imported);
    let rows: Vec<Row> = all.map(row).collect();
    if args.json {
        return term::json(&rows);
    }
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let header = [
        "backbone",
        "parameters",
        "size",
        "GFLOPs",
        "features",
        "ImageNet top-1",
        "on disk",
        "images/s here",
    ];
    let speeds = Give::Shorten(7, 13);
    let gives = [speeds, Give::Drop(4), Give::Drop(5), Give::Drop(2), Give::Drop(1)];
    term::out_table(&header, &cells, &gives);
    let is_ours = |row: &&Row| !row.name.starts_with(zoo::imported::PREFIX);
    let missing: Vec<&Row> =
        rows.iter().filter(|row| row.bytes.is_none()).filter(is_ours).collect();
    if let Some(first) = missing.first() {
        term::say(format_args!(
            "Weights that are not there come with the first training, or by `kaggle-kit models pull {}`.",
            first.name
        ));
    }
    if rows.iter().all(|row| row.measured.is_empty()) {
        term::say("`kaggle-kit models --bench` measures images a second on this machine.");
    }
    Ok(())
}

/// Those named, in that order, or all.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Architecture>> {
    if names.is_empty() {
        return Ok(zoo::architectures().collect());
    }
    names.iter().map(|name| zoo::find(name)).collect()
}

/// All that were imported; one that cannot be read is told.
fn imported(cache: &Path) -> Vec<&'static Architecture> {
    let names = weights::imported::names(cache).into_iter();
    let found = names.filter_map(|name| {
        zoo::find(&name).inspect_err(|error| term::warn(term::describe(error).0)).ok()
    });
    found.collect()
}

fn row(architecture: &'static Architecture, cache: &Path, hub: &Hub, speeds: &[Speed]) -> Row {
    let ours = place(architecture, cache);
    let path = if fs::metadata(&ours).is_ok() { Some(ours) } else { hub.downloaded(architecture) };
    let looked = path.as_deref().map(cached::look);
    let square = architecture.square();
    let own = speeds.iter().filter(|speed| speed.backbone == architecture.name);
    Row {
        name: architecture.name,
        weights: architecture.repository(),
        parameters: architecture.parameters,
        gflops: 2.0 * architecture.gmacs,
        size: square.size,
        crop: square.crop,
        native_size: architecture.native_size,
        width: architecture.pooled(),
        top1: architecture.top1.map(|top1| top1.percent),
        top1_size: architecture.top1.map(|top1| top1.size),
        unusable: matches!(looked, Some(Err(_))),
        bytes: looked.and_then(Result::ok),
        measured: own.cloned().collect(),
    }
}

fn cells(row: &Row) -> Vec<String> {
    let top1 = row.top1.zip(row.top1_size).map(|(top1, size)| format!("{top1:.1} at {size}"));
    let speeds: Vec<String> = row.measured.iter().map(Speed::describe).collect();
    vec![
        row.name.to_owned(),
        format!("{:.1} M", row.parameters as f64 / 1e6),
        row.size.to_string(),
        format!("{:.1}", row.gflops),
        row.width.to_string(),
        top1.unwrap_or_else(|| "-".to_owned()),
        match row.bytes {
            Some(bytes) => term::bytes(bytes),
            None if row.unusable => "(unusable)".to_owned(),
            None => format!("({} to fetch)", term::bytes(4 * row.parameters)),
        },
        if speeds.is_empty() { "-".to_owned() } else { speeds.join(", ") },
    ]
}
