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
    Ok(())
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
    let sample = |path: PathBuf| Sample { id: path.display().to_string(), path, target: Vec::new() };
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
        for sample in samples { std::hint::black_box(std::fs::read(&sample.path)?); }
        Ok(())
    })?;
    println!("| read | {read:.0} |");
    let decode = best(&mut || {
        for sample in samples { std::hint::black_box(dataset::decode(&sample.path)?); }
        Ok(())
    })?;
    println!("| read and decode | {decode:.0} |");
    let pictures = samples.iter().map(|sample| dataset::decode(&sample.path)).collect::<Result<Vec<_>>>()?;
    let size = arguments.size;
    let mut out = vec![0; size * size * 3];
    let random = View::Random { seed: 1, epoch: 2 };
    for (name, augment, view) in [
        ("centre crop", Augment::None, View::Centre { share: 0.875 }),
        ("side-on", Augment::SideOn, random),
        ("top-down", Augment::TopDown, random),
    ] {
        let time = best(&mut || {
            for (i, picture) in pictures.iter().enumerate() {
                dataset::render(picture, size, augment, view, i, &mut out)?;
            }
            Ok(())
        })?;
        println!("| {name} | {time:.0} |");
    }
    let whole = best(&mut || {
        let order = (0..samples.len()).collect();
        let batches = dataset::batches(samples.into(), order, 64, size, Augment::SideOn, random);
        for batch in batches { batch?; }
        Ok(())
    })?;
    println!("| the whole loader, side-on, all cores | {whole:.0} |");
    Ok(())
}
