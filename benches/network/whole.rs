//! One table of everything, within a time: each backbone, precision and batch, on tensors that are there and
//! from files, beside timm's. What there is no time for is told.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kaggle_kit::dataset::SampleSource;
use kaggle_kit::learn::{Input, Model};
use kaggle_kit_engine::torch::{Device, Network};

use super::path;
use super::timm::{Question, Timm};
use super::{Arguments, Kind, WORK, batch, network, pass, recipe, resident, trainable};

/// Each measurement takes so long, whatever it measures.
const SECONDS: f64 = 0.5;
/// And has so many batches at least and at most.
const BATCHES: std::ops::RangeInclusive<usize> = 2..=400;
/// From files it is longer: what is read ahead is to be little of it.
const SECONDS_OF_FILES: f64 = 1.5;

/// Images a second of timm, if it is there, and of ours.
type Pair = (Option<f64>, f64);

/// The other side, as long as it answers, and what it could not do.
struct Other {
    timm: Option<Timm>,
    notes: Vec<String>,
}

impl Other {
    /// Images a second of each work, where it tells.
    fn rates(&mut self, question: &Question) -> Option<[f64; 3]> {
        let asked = self.timm.as_mut()?.rates(question);
        asked.inspect_err(|error| self.notes.push(format!("{error:#}"))).ok()
    }
}

/// A line a work, with images a second; what failed is told.
pub(crate) fn table(arguments: &Arguments, kinds: &[(&str, Kind)], device: Device) -> Result<()> {
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(arguments.budget);
    let mut other = Other { timm: Timm::of(arguments)?, notes: Vec::new() };
    println!(
        "| backbone | pixels | precision | batch | work | timm, images/s | ours | times | timm from files | ours | \
         times |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut skipped = Vec::new();
    for &(backbone, kind) in kinds {
        if Instant::now() > deadline {
            skipped.push(format!("{backbone} in {} by {}", kind.precision, kind.batch));
            continue;
        }
        if let Err(error) = lines(arguments, backbone, kind, &mut other, device) {
            println!("| {backbone} | | {} | {} | failed: {error:#} |", kind.precision, kind.batch);
        }
    }
    println!("\n{:.0} s", begun.elapsed().as_secs_f64());
    other.notes.dedup();
    other.notes.iter().for_each(|note| println!("{note}"));
    if !skipped.is_empty() {
        println!("no time was left for: {}", skipped.join("; "));
    }
    Ok(())
}

fn lines(
    arguments: &Arguments,
    backbone: &str,
    kind: Kind,
    other: &mut Other,
    device: Device,
) -> Result<()> {
    let recipe = recipe(arguments.size, backbone, kind.precision)?;
    let (mut network, size) = (network(&recipe, device)?, recipe.size);
    let (images, targets) = batch(kind.batch, size);
    let input = Input::Images(images);
    let (mut ours, mut batches) = ([0.0; 3], [0; 3]);
    for what in 0..WORK.len() {
        let (rate, n) = rate(&mut network, what, (&input, &targets), SECONDS)?;
        (ours[what], batches[what]) = (rate * kind.batch as f64, n);
    }
    let of_files = match &arguments.images {
        Some(folder) => from_files(arguments, backbone, kind, folder, &mut network, other)?,
        None => [None; 3],
    };
    // Both have the GPU's memory in turns.
    drop(network);
    let question = Question { backbone, size, kind, batches, files: None };
    let theirs = other.rates(&question);
    for (what, work) in WORK.iter().enumerate() {
        let theirs = theirs.map(|rates| rates[what]);
        let [there, files] = [Some((theirs, ours[what])), of_files[what]].map(cells);
        let Kind { precision, batch } = kind;
        println!("| {backbone} | {size} | {precision} | {batch} | {work} | {there} | {files} |");
    }
    Ok(())
}

/// Batches a second on a batch that is there, and in how many.
fn rate(
    network: &mut Network,
    what: usize,
    (input, targets): (&Input, &[f32]),
    seconds: f64,
) -> Result<(f64, usize)> {
    network.begin(trainable(what));
    // The first is slower: libraries choose their ways then.
    pass(network, what, resident(input, 1), targets)?;
    let one = pass(network, what, resident(input, 2), targets)? / 2.0;
    let n = ((seconds / one) as usize).clamp(*BATCHES.start(), *BATCHES.end());
    Ok((n as f64 / pass(network, what, resident(input, n), targets)?, n))
}

/// Of prediction and of training everything: timm's images a second, if it is there, and ours.
fn from_files(
    arguments: &Arguments,
    backbone: &str,
    kind: Kind,
    folder: &Path,
    network: &mut Network,
    other: &mut Other,
) -> Result<[Option<Pair>; 3]> {
    let recipe = recipe(arguments.size, backbone, kind.precision)?;
    let (there, targets) = batch(kind.batch, recipe.size);
    let input = Input::Images(there);
    let mut found = [None; 3];
    for what in [0, 2] {
        let (batches, _) = rate(network, what, (&input, &targets), SECONDS / 4.0)?;
        let n = ((batches * SECONDS_OF_FILES) as usize).clamp(2, *BATCHES.end());
        let samples = path::samples(folder, n * kind.batch)?;
        ensure!(!samples.is_empty(), "no JPEGs in `{}`", folder.display());
        let files = SampleSource { samples, kept: None };
        let view = path::view(&recipe, what, 1);
        let files = path::through(files, n * kind.batch, &recipe, kind.batch, view);
        let seconds = pass(network, what, files, &targets)?;
        let mut counts = [0; 3];
        counts[what] = n;
        let question =
            Question { backbone, size: recipe.size, kind, batches: counts, files: Some(folder) };
        let theirs = other.rates(&question);
        let ours = (n * kind.batch) as f64 / seconds;
        found[what] = Some((theirs.map(|rates| rates[what]), ours));
    }
    Ok(found)
}

/// Theirs, ours, and how many times as many ours are.
fn cells(found: Option<Pair>) -> String {
    match found {
        None => " | | ".to_owned(),
        Some((None, ours)) => format!(" | {ours:.1} | "),
        Some((Some(theirs), ours)) => format!("{theirs:.1} | {ours:.1} | {:.2}", ours / theirs),
    }
}
