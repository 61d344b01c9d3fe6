//! How fast the network is: images a second through prediction and training, against `PyTorch` and
//! timm on the same machine in turns, and what the loader costs an epoch.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kaggle_kit::cache::Store;
use kaggle_kit::dataset::{self, Images, Keepable, Kept, Prepared, Sample, Source, View};
use kaggle_kit::fs;
use kaggle_kit::learn::{Input, Model, Pace, Trainable};
use kaggle_kit::recipe::{Augment, Layer, Recipe, resolve};
use kaggle_kit::target::TargetKind;
use kaggle_kit::zoo;
use kaggle_kit_engine::torch::{self, Device, Network, allocator};

#[derive(Parser)]
struct Arguments {
    /// Backbones, in timm's names.
    #[arg(default_value = "tf_efficientnet_lite0")]
    backbones: Vec<String>,
    /// Pixels.
    #[arg(long, default_value_t = 224)]
    size: usize,
    /// Images a batch.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Batches a measurement.
    #[arg(long, default_value_t = 6)]
    batches: usize,
    /// Measurements, in turns with the other side's.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A Python with torch and timm: the reference.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A folder of JPEGs: also measure an epoch on them.
    #[arg(long)]
    images: Option<PathBuf>,
    /// As `train --device`.
    #[arg(long, default_value = "auto")]
    device: kaggle_kit::device::Choice,
    /// "f32", "bf16" or "f16".
    #[arg(long, default_value = "f32")]
    precision: String,
    /// Only compare what the device and the CPU say about the same pictures.
    #[arg(long)]
    against_cpu: bool,
    /// Leave the allocator as the system has it.
    #[arg(long)]
    plain_allocator: bool,
}

const WORK: [&str; 3] = ["predict", "train the head", "train everything"];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if !arguments.plain_allocator {
        allocator::keep_memory();
    }
    let device = torch::device::resolve(arguments.device)?;
    println!(
        "{}, {} pixels, batches of {}",
        torch::device::describe(device),
        arguments.size,
        arguments.batch
    );
    if arguments.against_cpu {
        return arguments.backbones.iter().try_for_each(|name| compare(&arguments, name, device));
    }
    println!("| backbone | work | timm, images/s | ours | times |");
    println!("| --- | --- | --- | --- | --- |");
    for backbone in &arguments.backbones {
        table(&arguments, backbone, device)?;
    }
    if let Some(folder) = &arguments.images {
        for backbone in &arguments.backbones {
            epoch(&arguments, backbone, device, folder)?;
        }
    }
    Ok(())
}

fn recipe(arguments: &Arguments, backbone: &str) -> Result<Recipe> {
    let typed = [
        format!("backbone={backbone}"),
        format!("optimizer.precision={}", arguments.precision),
        format!("size={}", arguments.size),
    ];
    let layers = typed.iter().map(|typed| Layer::assignment(typed)).collect::<Result<Vec<_>>>()?;
    resolve(&layers)
}

fn network(arguments: &Arguments, backbone: &str, device: Device) -> Result<Network> {
    let recipe = recipe(arguments, backbone)?;
    let architectures = zoo::find_all(backbone)?;
    Ok(Network::new(&architectures, &recipe, TargetKind::SingleLabel, N_CLASSES, device))
}

const N_CLASSES: usize = 10;

/// Pictures of noise, with a class each.
fn batch(n: usize, size: usize) -> (Images, Vec<f32>) {
    let pixels = (0..n * size * size * 3).map(|i| (i * (7 + i / 3000) % 251) as u8).collect();
    let targets =
        (0..n).flat_map(|i| (0..N_CLASSES).map(move |c| f32::from(u8::from(c == i % N_CLASSES))));
    (Images { pixels, n, size }, targets.collect())
}

/// Seconds that all of `inputs` take, with each loss asked for after the next step has begun, as
/// training does it.
fn pass<'a>(
    network: &mut Network,
    what: usize,
    inputs: impl Iterator<Item = Result<Cow<'a, Input>>>,
    targets: &[f32],
) -> Result<f64> {
    let start = Instant::now();
    let pace = Pace { rates: [1e-5, 1e-5, 1e-4], momentum: 0.9 };
    let mut untold = None;
    for (i, input) in inputs.enumerate() {
        let input = input?;
        if what == 0 {
            network.predict(&input)?;
            continue;
        }
        let loss = network.step(&input, targets, &pace, i as u64)?;
        if let Some(before) = untold.replace(loss) {
            ensure!(network.loss(&before)?.is_finite(), "a loss is no number");
        }
    }
    if let Some(last) = untold {
        ensure!(network.loss(&last)?.is_finite(), "a loss is no number");
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The same batch again and again.
fn resident(input: &Input, n: usize) -> impl Iterator<Item = Result<Cow<'_, Input>>> {
    std::iter::repeat_with(move || Ok(Cow::Borrowed(input))).take(n)
}

fn trainable(what: usize) -> Trainable {
    if what == 2 { Trainable::Everything } else { Trainable::Head }
}

fn table(arguments: &Arguments, backbone: &str, device: Device) -> Result<()> {
    let mut network = network(arguments, backbone, device)?;
    let (images, targets) = batch(arguments.batch, arguments.size);
    let input = Input::Images(images);
    let (mut ours, mut theirs) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for _ in 0..arguments.rounds {
        for (what, rates) in ours.iter_mut().enumerate() {
            network.begin(trainable(what));
            pass(&mut network, what, resident(&input, 1), &targets)?;
            let n = arguments.batches;
            let seconds = pass(&mut network, what, resident(&input, n), &targets)?;
            rates.push((arguments.batch * n) as f64 / seconds);
        }
        if let Some(python) = &arguments.python {
            for (rates, rate) in theirs.iter_mut().zip(of_timm(arguments, backbone, python)?) {
                rates.push(rate);
            }
        }
    }
    for ((what, ours), theirs) in WORK.iter().zip(&mut ours).zip(&mut theirs) {
        let ours = median(ours);
        let (other, times) = if theirs.is_empty() {
            (String::new(), String::new())
        } else {
            let theirs = median(theirs);
            (format!("{theirs:.1}"), format!("{:.2}", ours / theirs))
        };
        println!("| {backbone} | {what} | {other} | {ours:.1} | {times} |");
    }
    Ok(())
}

/// The same three by `network_torch.py`.
fn of_timm(arguments: &Arguments, backbone: &str, python: &PathBuf) -> Result<Vec<f64>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/network/network_torch.py");
    let numbers = [arguments.size, arguments.batch, arguments.batches].map(|n| n.to_string());
    let output = Command::new(python).args([script, backbone]).args(numbers).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().map(|rate| rate.parse().context("no number")).collect()
}

/// An epoch through the loader, and the same steps on a batch that is there already.
fn epoch(arguments: &Arguments, backbone: &str, device: Device, folder: &PathBuf) -> Result<()> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            samples.push(Sample { id: path.display().to_string(), path, target: Vec::new() });
        }
    }
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    let samples: Arc<[Sample]> = samples.into();
    let n_batches = arguments.batches.min(samples.len() / arguments.batch);
    let order: Vec<usize> = (0..n_batches * arguments.batch).collect();
    let mut network = network(arguments, backbone, device)?;
    let (there, targets) = batch(arguments.batch, arguments.size);
    let there = Input::Images(there);
    let kept = kept(&samples, arguments.size)?;
    for what in [1, 2] {
        network.begin(trainable(what));
        pass(&mut network, what, resident(&there, 1), &targets)?;
        let mut seconds = [const { Vec::new() }; 3];
        for round in 0..arguments.rounds {
            let view = View::Random { seed: 1, epoch: round as u64, area: None };
            let mut through = |kept: Option<&Kept>| {
                let source = Source { samples: Arc::clone(&samples), kept: kept.cloned() };
                let (n, size) = (arguments.batch, arguments.size);
                let batches =
                    dataset::batches(source, order.clone(), n, size, Augment::SideOn, view);
                let inputs = batches.map(|batch| Ok(Cow::Owned(Input::Images(batch?.images))));
                pass(&mut network, what, inputs, &targets)
            };
            seconds[1].push(through(None)?);
            seconds[2].push(through(Some(&kept))?);
            seconds[0].push(pass(&mut network, what, resident(&there, n_batches), &targets)?);
        }
        let [resident, files, kept] = seconds.map(|mut seconds| median(&mut seconds));
        println!(
            "{backbone}, {}: {} images take {resident:.2} s resident, {files:.2} s from files \
             ({:.3}), {kept:.2} s kept ({:.3})",
            WORK[what],
            order.len(),
            files / resident,
            kept / resident
        );
    }
    Ok(())
}

/// The pictures of all samples, prepared, in a folder that goes with the process.
fn kept(samples: &Arc<[Sample]>, size: usize) -> Result<Kept> {
    let folder = tempfile::tempdir()?;
    let pictures = dataset::duplicates(samples, &[], folder.path(), &[], &())?.pictures;
    let view = View::Random { seed: 1, epoch: 0, area: None };
    let store = Store::new(folder.path().join("kept"), None);
    let kept = Keepable::new("bench", &pictures, Prepared::of(view, size, Augment::SideOn))
        .open(&store)?;
    let source = Source { samples: Arc::clone(samples), kept: Some(kept.clone()) };
    let order = (0..samples.len()).collect();
    for batch in dataset::batches(source, order, 32, size, Augment::SideOn, view) {
        batch?;
    }
    // An open file outlives its name.
    Ok(kept)
}

/// How far apart the probabilities are that the device and the CPU give to the same pictures, with the
/// same weights.
fn compare(arguments: &Arguments, backbone: &str, device: Device) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let weights = folder.path().join("weights.safetensors");
    let mut there = network(arguments, backbone, device)?;
    there.save(&weights)?;
    let mut here = network(arguments, backbone, Device::Cpu)?;
    here.restore_from(&weights)?;
    let input = Input::Images(batch(8, arguments.size).0);
    let (there, here) = (there.predict(&input)?, here.predict(&input)?);
    let apart = there.iter().zip(&here).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{backbone}: probabilities differ by at most {apart:.1e}");
    ensure!(apart < 1e-3, "{backbone} is not the same on both");
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
