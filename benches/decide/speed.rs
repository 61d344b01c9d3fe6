//! How long decisions take, and the search for thresholds against the usual Python.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use kaggle_kit::decide::calibrate::Kind;
use kaggle_kit::decide::structure;
use kaggle_kit::decide::tags::{self, Approach, Frame, HeldOut, Rows, RowsWanted};
use kaggle_kit::decide::thresholds::{self, Images};

use crate::simulate::{drawn, like_the_reference};
use crate::table::rows;
use crate::{Labels, median};

const BETA: f64 = 2.0;
/// Planet's test images.
const TEST_IMAGES: usize = 61_191;
/// The images that scikit-learn is given.
const FEW: usize = 4000;

#[derive(Args)]
pub struct Options {
    /// How often everything of ours is timed
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// `f2_sklearn.py`; without it there is no comparison
    #[arg(long)]
    reference: Option<PathBuf>,
    /// A Python with numpy and scikit-learn
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

pub fn run(labels: &Labels, options: &Options, path: &Path) -> Result<()> {
    ensure!(options.rounds > 0 && labels.len() >= FEW, "too few rounds or images");
    let m = labels.n_tags;
    let images = HeldOut {
        probabilities: like_the_reference(labels),
        truth: labels.truth.clone(),
        folds: vec![0; labels.len()],
        n_classes: m,
    };
    searches(&images, options, path)?;
    let frame = Frame {
        beta: BETA,
        structure: structure::find(&images.truth, m),
        calibration: Kind::Platt,
    };
    decisions(&images, &frame, options);
    eprintln!("nested search");
    let fit = || tags::fit(&images, &frame, RowsWanted::Auto, None);
    let seconds = median(timed(options.rounds, fit));
    println!("\nEverything fitted, nested, on {} x {m}: {seconds:.1} s", images.len());
    Ok(())
}

/// The search for a threshold a tag, before and after Python's.
fn searches(images: &HeldOut, options: &Options, path: &Path) -> Result<()> {
    let Some(script) = &options.reference else { return Ok(()) };
    let HeldOut { probabilities, truth, n_classes, .. } = images;
    let of_first = |n: usize| {
        let n = n * n_classes;
        let images = Images::new(&probabilities[..n], &truth[..n], *n_classes, BETA);
        let found = thresholds::per_class(&images, thresholds::global(&images));
        images.mean_score(|tag| found[tag])
    };
    let sizes = [FEW, images.len()];
    let ours = |n: usize| timed(options.rounds, || of_first(n));
    let mut seconds = sizes.map(ours);
    eprintln!("python's turn");
    let output = Command::new(&options.python)
        .arg(script)
        .arg(path)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start `{}`", options.python.display()))?;
    ensure!(output.status.success(), "`{}` failed", script.display());
    let said = String::from_utf8(output.stdout)?;
    for (seconds, after) in seconds.iter_mut().zip(sizes.map(ours)) {
        seconds.extend(after);
    }
    println!("```\n{said}```\n\n| a threshold a tag | Python | ours | ratio | our F2 |");
    println!("|---|---|---|---|---|");
    for ((n, seconds), what) in sizes.into_iter().zip(seconds).zip(["sklearn", "numpy"]) {
        let line = said.lines().find(|line| line.starts_with(what));
        let theirs = line.and_then(|line| line.rsplit_once(" in ")?.1.strip_suffix(" s"));
        let theirs: f64 = theirs.with_context(|| format!("no time of {what}"))?.parse()?;
        let ours = median(seconds);
        println!(
            "| {n} images, {what} | {theirs:.1} s | {ours:.4} s | {:.5} | {:.5} |",
            ours / theirs,
            of_first(n)
        );
    }
    Ok(())
}

fn decisions(images: &HeldOut, frame: &Frame, options: &Options) {
    eprintln!("decisions");
    let m = images.n_classes;
    let approaches = Approach::all(images, &frame.structure, RowsWanted::Auto, None);
    let rules = frame.rules(images, &approaches);
    let test = rows(&images.probabilities, &drawn(TEST_IMAGES, images.len()), m);
    println!("\n| {TEST_IMAGES} x {m} decided by | seconds |\n|---|---|");
    for (approach, rule) in approaches.iter().zip(&rules) {
        let decide = || frame.decide(rule, &test, m);
        let seconds = median(timed(options.rounds, decide));
        let rows = if approach.rows == Rows::Possible { ", possible rows" } else { "" };
        println!("| {approach}{rows} | {seconds:.3} |");
    }
}

/// The seconds of each of `n` calls.
fn timed<T>(n: usize, call: impl Fn() -> T) -> Vec<f64> {
    let once = || {
        let start = Instant::now();
        let made = black_box(call());
        let seconds = start.elapsed().as_secs_f64();
        drop(made);
        seconds
    };
    (0..n).map(|_| once()).collect()
}
