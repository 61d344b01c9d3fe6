//! From JPEG files to batches: what each stage costs a picture, and pictures a second of the whole
//! loader against `torchvision` and fastai on the same files, in turns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use kaggle_kit::cache::Store;
use kaggle_kit::dataset::{
    self, BatchPlan, PictureCache, PictureCachePlan, Prepared, Sample, SampleSource, Strong, View,
};
use kaggle_kit::place::Share;
use kaggle_kit::recipe::Augment;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

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
    let sample = |path: PathBuf| Sample::new(path.display().to_string(), path, Vec::new());
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
    // In turns and a picture at a time: what they differ by is less than what else a machine does.
    let works: [fn(&Path) -> Result<Vec<u8>>; 2] = [by_us, by_zune];
    let mut times = vec![[f64::INFINITY; 2]; samples.len()];
    for _ in 0..arguments.rounds {
        for (sample, times) in samples.iter().zip(&mut times) {
            for (work, time) in works.iter().zip(times) {
                let start = Instant::now();
                std::hint::black_box(work(&sample.path)?);
                *time = time.min(start.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    let [decode, alone] = [0, 1].map(|which| times.iter().map(|t| t[which]).sum::<f64>() / n);
    println!("| read and decode | {decode:.0} |");
    println!("| the same, zune-jpeg alone | {alone:.0} |");
    let pictures =
        samples.iter().map(|sample| dataset::decode(&sample.path)).collect::<Result<Vec<_>>>()?;
    let size = arguments.size;
    let mut out = vec![0; size * size * 3];
    for (name, augment, view) in [
        ("centre crop", Augment::None, View::Centre { share: 0.875 }),
        ("random view, side-on", Augment::SideOn, square(2)),
        ("random view, top-down", Augment::TopDown, square(2)),
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

/// As the program decodes a file.
fn by_us(path: &Path) -> Result<Vec<u8>> {
    Ok(dataset::decode(path)?.into_raw())
}

/// Without what the program does besides: it looks who can decode the file, and takes room for it.
fn by_zune(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path)?;
    let options =
        DecoderOptions::default().set_strict_mode(false).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    let failed = |error| anyhow!("`{}`: {error}", path.display());
    decoder.decode_headers().map_err(failed)?;
    let (width, height) = decoder.dimensions().context("no size")?;
    let mut pixels = vec![0; width * height * 3];
    decoder.decode_into(&mut pixels).map_err(failed)?;
    Ok(pixels)
}

/// A part with .35 to 1 of the area, mirrored or not.
fn part(epoch: u64) -> View {
    View::Random { seed: 1, epoch, area: Some([0.35, 1.0]), strong: Strong::OFF }
}

/// Nearly all of a picture, turned a little.
fn square(epoch: u64) -> View {
    View::Random { seed: 1, epoch, area: None, strong: Strong::OFF }
}

/// What the reference prints before each of its figures, and what it is to be compared with.
const OTHERS: [(&str, fn(u64) -> View); 3] = [
    ("torchvision PIL rrc+flip", part),
    ("torchvision io rrc+flip", part),
    ("fastai Resize(256)+aug_transforms(224)", square),
];

/// A folder for pictures that are kept, and what they are kept for.
struct Keeping {
    samples: Arc<[Sample]>,
    folder: tempfile::TempDir,
    size: usize,
}

impl Keeping {
    /// Places for all pictures, none of which is there yet.
    fn anew(&self, pictures: &[dataset::PictureId], view: View) -> Result<PictureCache> {
        let store = Store::new(self.folder.path().join("kept"), None);
        for entry in store.entries()? {
            store.remove(&entry.key)?;
        }
        PictureCachePlan::new("bench", pictures, Prepared::of(view, self.size, Augment::SideOn))
            .open(&store)
    }

    /// Pictures a second of an epoch through the whole loader, on all cores.
    fn epoch(&self, kept: Option<&PictureCache>, view: View) -> Result<f64> {
        let order = (0..self.samples.len()).collect();
        let source = SampleSource { samples: Arc::clone(&self.samples), kept: kept.cloned() };
        let start = Instant::now();
        let plan = BatchPlan {
            order,
            batch_size: 64,
            size: self.size,
            augment: Augment::SideOn,
            views: vec![view],
            share: Share::WHOLE,
            and_next: false,
        };
        for batch in dataset::batches(source, plan) {
            std::hint::black_box(batch?);
        }
        Ok(self.samples.len() as f64 / start.elapsed().as_secs_f64())
    }
}

/// Ours, in turns with the others'.
fn rates(arguments: &Arguments, samples: &Arc<[Sample]>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let pictures = dataset::find_twins(samples, &[], folder.path(), &[], &())?.pictures;
    let keeping = Keeping { samples: Arc::clone(samples), folder, size: arguments.size };
    // Files, an epoch that keeps pictures, and one that finds them.
    let (mut ours, mut theirs) =
        ([const { [const { Vec::new() }; 3] }; 2], [const { Vec::new() }; 3]);
    for round in 0..arguments.rounds as u64 {
        for (rates, view) in ours.iter_mut().zip([part, square]) {
            let (first, second) = (view(2 * round), view(2 * round + 1));
            // The better of two, as the reference does it.
            rates[0].push(keeping.epoch(None, first)?.max(keeping.epoch(None, second)?));
            let kept = keeping.anew(&pictures, first)?;
            rates[1].push(keeping.epoch(Some(&kept), first)?);
            rates[2]
                .push(keeping.epoch(Some(&kept), second)?.max(keeping.epoch(Some(&kept), first)?));
        }
        for (rates, rate) in theirs.iter_mut().zip(of_reference(arguments)?) {
            rates.push(rate);
        }
    }
    let ours = ours.map(|rates| rates.map(|mut rates| median(&mut rates)));
    println!("\n| other | its images/s | files | times | keeping | times | kept | times |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for ((name, view), rates) in OTHERS.iter().zip(&mut theirs) {
        let ours = if view(0) == part(0) { &ours[0] } else { &ours[1] };
        let other = if rates.is_empty() { f64::NAN } else { median(rates) };
        let cells: Vec<String> =
            ours.iter().map(|ours| format!("{ours:.0} | {:.2}", ours / other)).collect();
        println!("| {name} | {other:.0} | {} |", cells.join(" | "));
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
    let rate = |(name, _): &(&str, fn(u64) -> View)| {
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
