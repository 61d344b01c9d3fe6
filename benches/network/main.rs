//! How fast the network is: images a second through prediction and training, against `PyTorch` and
//! timm on the same machine in turns, and what the loader costs an epoch.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

mod path;

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Layer, Recipe, resolve};
use kaggle_kit::zoo;
use kaggle_kit_engine::torch::{self, Device, Network, allocator};

#[derive(Parser)]
struct Arguments {
    /// Backbones, in timm's names.
    #[arg(default_value = "tf_efficientnet_lite0")]
    backbones: Vec<String>,
    /// Pixels; each backbone's own by default.
    #[arg(long, default_value_t = 0)]
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
    /// A folder of JPEGs: measure the whole path from them instead.
    #[arg(long)]
    images: Option<PathBuf>,
    /// As `train --device`.
    #[arg(long, default_value = "auto")]
    device: kaggle_kit::device::DeviceChoice,
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
    println!("{}, batches of {}", torch::device::describe(device), arguments.batch);
    if arguments.against_cpu {
        return arguments.backbones.iter().try_for_each(|name| compare(&arguments, name, device));
    }
    if let Some(folder) = &arguments.images {
        return path::table(&arguments, folder, device);
    }
    println!("| backbone | pixels | work | timm, images/s | ours | times |");
    println!("| --- | --- | --- | --- | --- | --- |");
    arguments.backbones.iter().try_for_each(|name| table(&arguments, name, device))
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
    Ok(Network::new(&architectures, &recipe, Outputs::Classes { n: N_CLASSES }, device))
}

const N_CLASSES: usize = 10;

/// Pictures of noise, with a class each.
fn batch(n: usize, size: usize) -> (Images, Vec<f32>) {
    let pixels: Vec<u8> =
        (0..n * size * size * 3).map(|i| (i * (7 + i / 3000) % 251) as u8).collect();
    let targets =
        (0..n).flat_map(|i| (0..N_CLASSES).map(move |c| f32::from(u8::from(c == i % N_CLASSES))));
    (Images { pixels: pixels.into(), n, size }, targets.collect())
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
    let rates = StepRates { rates: [1e-5, 1e-5, 1e-4], momentum: 0.9 };
    let mut pending = None;
    for (i, input) in inputs.enumerate() {
        let input = input?;
        if what == 0 {
            network.predict(&input)?;
            continue;
        }
        let loss = network.step(&input, targets, &rates, i as u64)?.loss;
        if let Some(before) = pending.replace(loss) {
            ensure!(before.wait()?.is_finite(), "a loss is no number");
        }
    }
    if let Some(last) = pending {
        ensure!(last.wait()?.is_finite(), "a loss is no number");
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
    let size = recipe(arguments, backbone)?.size;
    let (images, targets) = batch(arguments.batch, size);
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
            for (rates, rate) in theirs.iter_mut().zip(of_timm(arguments, backbone, size, python)?)
            {
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
        println!("| {backbone} | {size} | {what} | {other} | {ours:.1} | {times} |");
    }
    Ok(())
}

/// The same three by `network_torch.py`.
fn of_timm(
    arguments: &Arguments,
    backbone: &str,
    size: usize,
    python: &PathBuf,
) -> Result<Vec<f64>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/network/network_torch.py");
    let numbers = [size, arguments.batch, arguments.batches].map(|n| n.to_string());
    let output = Command::new(python).args([script, backbone]).args(numbers).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().map(|rate| rate.parse().context("no number")).collect()
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
    let input = Input::Images(batch(8, recipe(arguments, backbone)?.size).0);
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
