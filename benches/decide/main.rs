//! From probabilities to tags: what each method gains on labels as they are, and how long it takes.
//!
//! Labels are real, probabilities simulated, so that there are five seeds of everything and a truth
//! about what gains are worth. `decide_runs.py` makes the same table of networks that were trained.

mod simulate;
mod speed;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use kaggle_kit::fs;

/// From probabilities to tags: gains and times
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// A table of images and their tags, such as planet's `train_v2.csv`
    #[arg(long, global = true, default_value = "../shared/data/real-csv/planet_train_v2.csv")]
    labels: PathBuf,
    /// The column of tags, which are separated by spaces
    #[arg(long, global = true, default_value = "tags")]
    column: String,
}

#[derive(Subcommand)]
enum What {
    /// What every method gains over one threshold: nested, in sample, and on other images
    Table(table::Options),
    /// How long decisions and their search take, against Python's
    Speed(speed::Options),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let labels = Labels::read(&arguments.labels, &arguments.column)?;
    match &arguments.what {
        What::Table(options) => table::run(&labels, options),
        What::Speed(options) => speed::run(&labels, options, &arguments.labels),
    }
}

/// The tags of images.
struct Labels {
    /// `[n, tags]`, row-major; tags are in the order of their names.
    truth: Vec<bool>,
    n_tags: usize,
}

impl Labels {
    fn read(path: &PathBuf, column: &str) -> Result<Self> {
        let mut reader = csv::Reader::from_reader(fs::File::open(path)?);
        let place = reader.headers()?.iter().position(|name| name == column);
        let place = place.with_context(|| format!("no column `{column}`"))?;
        let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
        let of_row = |row: &csv::StringRecord| -> Vec<String> {
            row[place].split_whitespace().map(str::to_owned).collect()
        };
        let rows: Vec<Vec<String>> = rows.iter().map(of_row).collect();
        let tags: BTreeSet<&String> = rows.iter().flatten().collect();
        ensure!(!tags.is_empty(), "no tags");
        let truth = rows.iter().flat_map(|row| tags.iter().map(|tag| row.contains(tag)));
        Ok(Self { truth: truth.collect(), n_tags: tags.len() })
    }

    fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.truth.chunks_exact(self.n_tags)
    }

    fn len(&self) -> usize {
        self.truth.len() / self.n_tags
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
