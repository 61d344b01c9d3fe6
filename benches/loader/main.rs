//! From JPEG files to batches: what each stage costs a picture, and pictures a second of the whole
//! loader against `torchvision` and fastai on the same files, in turns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kaggle_kit::dataset::{self, Sample, View};
use kaggle_kit::recipe::Augment;

#[derive(Parser)]
struct Arguments {
    /// A folder of JPEG files.
    folder: PathBuf,
    /// At most so many of them.
    #[arg(long, default_value_t = 800)]
    limit: usize,
    /// Pixels.
    #[arg(long, default_value_t = 224)]
    size: usize,
    /// Measurements of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A Python with torch, torchvision and fastai.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The reference: `shared/bench/loader_torch.py`.
    #[arg(long, requires = "python")]
    reference: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let samples = samples(&arguments.folder, arguments.limit)?;
    ensure!(!samples.is_empty(), "no JPEG in `{}`", arguments.folder.display());
    stages(&arguments, &samples)?;
    rates(&arguments, &samples)
}

fn samples(folder: &Path, limit: usize) -> Result<Arc<[Sample]>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.truncate(limit);
    let sample =
        |path: PathBuf| Sample { id: path.display().to_string(), path, target: Vec::new() };
    Ok(paths.into_iter().map(sample).collect())
}

/// Microseconds a picture of each stage, on one thread: the best of all rounds.
fn stages(arguments: &Arguments, samples: &[Sample]) -> Result<()> {
    let n = samples.len() as f64;
    let best = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let mut best = f64::INFINITY;
        for _ in 0..arguments.rounds {
            let start = Instant::now();
            work()?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(best * 1e6 / n)
    };
    println!("| stage | microseconds a picture |\n| --- | --- |");
    let read = best(&mut || {
        for sample in samples {
            std::hint::black_box(std::fs::read(&sample.path)?);
        }
        Ok(())
    })?;
    println!("| read | {read:.0} |");
    let decode = best(&mut || {
        for sample in samples {
            std::hint::black_box(dataset::decode(&sample.path)?);
        }
        Ok(())
    })?;
    println!("| read and decode | {decode:.0} |");
    let pictures =
        samples.iter().map(|sample| dataset::decode(&sample.path)).collect::<Result<Vec<_>>>()?;
    let size = arguments.size;
    let mut out = vec![0; size * size * 3];
    let random = View::Random { seed: 1, epoch: 2, area: None };
    for (name, augment, view) in [
        ("centre crop", Augment::None, View::Centre { share: 0.875 }),
        ("random view, side-on", Augment::SideOn, random),
        ("random view, top-down", Augment::TopDown, random),
        ("random part, side-on", Augment::SideOn, part(2)),
    ] {
        let time = best(&mut || {
            for (i, picture) in pictures.iter().enumerate() {
                dataset::render(picture, size, augment, view, i, &mut out)?;
            }
            Ok(())
        })?;
        println!("| {name} | {time:.0} |");
    }
    Ok(())
}

/// A part with .35 to 1 of the area, mirrored or not.
fn part(epoch: u64) -> View {
    View::Random { seed: 1, epoch, area: Some([0.35, 1.0]) }
}

/// What the reference prints before each of its figures, and what it is to be compared with.
const OTHERS: [(&str, Shown); 3] = [
    ("torchvision PIL rrc+flip", Shown::Part),
    ("torchvision io rrc+flip", Shown::Part),
    ("fastai Resize(256)+aug_transforms(224)", Shown::Square),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Part,
    Square,
}

/// Pictures a second through the whole loader, on all cores.
fn rates(arguments: &Arguments, samples: &Arc<[Sample]>) -> Result<()> {
    let epoch = |view: View| -> Result<f64> {
        let order = (0..samples.len()).collect();
        let start = Instant::now();
        let (size, augment) = (arguments.size, Augment::SideOn);
        for batch in dataset::batches(Arc::clone(samples), order, 64, size, augment, view) {
            std::hint::black_box(batch?);
        }
        Ok(samples.len() as f64 / start.elapsed().as_secs_f64())
    };
    let (mut parts, mut squares, mut theirs) = (Vec::new(), Vec::new(), [const { Vec::new() }; 3]);
    for round in 0..arguments.rounds as u64 {
        // The better of two, as the reference does it.
        let square = |epoch| View::Random { seed: 1, epoch, area: None };
        parts.push(epoch(part(2 * round))?.max(epoch(part(2 * round + 1))?));
        squares.push(epoch(square(2 * round))?.max(epoch(square(2 * round + 1))?));
        for (rates, rate) in theirs.iter_mut().zip(of_reference(arguments)?) {
            rates.push(rate);
        }
    }
    let (parts, squares) = (median(&mut parts), median(&mut squares));
    println!("\n| other | its images/s | ours | times |\n| --- | --- | --- | --- |");
    for ((name, shown), rates) in OTHERS.iter().zip(&mut theirs) {
        let ours = if *shown == Shown::Part { parts } else { squares };
        match rates.is_empty() {
            true => println!("| {name} | | {ours:.0} | |"),
            false => {
                let other = median(rates);
                println!("| {name} | {other:.0} | {ours:.0} | {:.2} |", ours / other);
            }
        }
    }
    Ok(())
}

/// Runs the reference once; nothing without one.
fn of_reference(arguments: &Arguments) -> Result<Vec<f64>> {
    let (Some(python), Some(script)) = (&arguments.python, &arguments.reference) else {
        return Ok(Vec::new());
    };
    let limit = arguments.limit.to_string();
    let output = Command::new(python)
        .arg(script)
        .arg(&arguments.folder)
        .args(["--epochs", "2", "--limit", &limit])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let rate = |(name, _): &(&str, Shown)| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let rate = line.and_then(|line| line.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("the reference does not tell of `{name}`"))
    };
    OTHERS.iter().map(rate).collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
