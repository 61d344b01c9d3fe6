//! How fast the network is: images a second through prediction and training, against `PyTorch` and
//! timm on the same machine in turns, and what the loader costs an epoch; how many operations a step is;
//! and whether a device and precision compute what the CPU does.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

mod against;
mod apart;
mod path;
mod timm;
mod whole;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use kaggle_kit::dataset::Images;
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Layer, Recipe, resolve};
use kaggle_kit::weights::imported;
use kaggle_kit::zoo;
use kaggle_kit_engine::torch::{self, Device, Network, allocator};

use self::timm::{Question, Timm};

#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
struct Arguments {
    /// Backbones, in timm's names.
    #[arg(default_value = "tf_efficientnet_lite0")]
    backbones: Vec<String>,
    /// Pixels; each backbone's own by default.
    #[arg(long, default_value_t = 0)]
    size: usize,
    /// Images a batch; a line each.
    #[arg(long, value_delimiter = ',', default_value = "32")]
    batch: Vec<usize>,
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
    device: DeviceChoice,
    /// "f32", "tf32", "bf16" or "f16"; a line each.
    #[arg(long, value_delimiter = ',', default_value = "f32")]
    precision: Vec<String>,
    /// Only compare what the device and the CPU compute from the same pictures: those in `--images`, with
    /// pretrained weights where they are in the cache.
    #[arg(long)]
    against_cpu: bool,
    /// Only count the operations of a step, of which nearly each is a launch on a GPU.
    #[arg(long)]
    launches: bool,
    /// One table of everything, from files too where there are `--images`, that ends within `--budget`.
    #[arg(long)]
    whole: bool,
    /// Seconds after which no further line is begun.
    #[arg(long, default_value_t = 200)]
    budget: u64,
    /// Let cuDNN choose its ways by timing them, on both sides.
    #[arg(long)]
    benchmark: bool,
    /// Only draw JPEGs into this folder, to measure with.
    #[arg(long)]
    draw: Option<PathBuf>,
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
    if let Some(folder) = &arguments.draw {
        return path::draw(folder);
    }
    zoo::imported::look_with(imported::look);
    let device = torch::device::resolve(arguments.device)?;
    println!("{}", torch::device::describe(device));
    tch::Cuda::cudnn_set_benchmark(arguments.benchmark);
    if arguments.against_cpu {
        return against::table(&arguments, device);
    }
    let kinds = || {
        let precisions = arguments.precision.iter();
        let all =
            precisions.flat_map(|precision| arguments.batch.iter().map(move |&n| (precision, n)));
        let all = all.map(|(precision, batch)| Kind { precision, batch });
        arguments.backbones.iter().flat_map(move |name| all.clone().map(move |kind| (name, kind)))
    };
    if arguments.launches {
        println!("| backbone | precision | work | operations a step |\n| --- | --- | --- | --- |");
        return kinds().try_for_each(|(name, kind)| launches(&arguments, name, kind, device));
    }
    if arguments.whole {
        // What is asked for first comes first, whatever time is left.
        let mut kinds: Vec<(&str, Kind)> =
            kinds().map(|(name, kind)| (name.as_str(), kind)).collect();
        let place = |kind: &Kind| {
            let of = |all: &[String]| all.iter().position(|one| one == kind.precision);
            (of(&arguments.precision), arguments.batch.iter().position(|&n| n == kind.batch))
        };
        kinds.sort_by_key(|(_, kind)| place(kind));
        return whole::table(&arguments, &kinds, device);
    }
    if let Some(folder) = &arguments.images {
        let kinds: Vec<(&str, Kind)> = kinds().map(|(name, kind)| (name.as_str(), kind)).collect();
        return path::table(&arguments, &kinds, folder, device);
    }
    println!("| backbone | pixels | precision | batch | work | timm, images/s | ours | times |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut timm = Timm::of(&arguments)?;
    kinds().try_for_each(|(name, kind)| table(&arguments, name, kind, &mut timm, device))?;
    if let Device::Cuda(number) = device
        && let Some(bytes) = torch::gpu::cuda_peak(number)
    {
        println!("\nmost memory of the GPU in use by ours: {} MiB", bytes >> 20);
    }
    Ok(())
}

/// How a network computes.
#[derive(Clone, Copy)]
struct Kind<'a> {
    precision: &'a str,
    batch: usize,
}

fn recipe(size: usize, backbone: &str, precision: &str) -> Result<Recipe> {
    let typed = [
        format!("backbone={backbone}"),
        format!("optimizer.precision={precision}"),
        format!("size={size}"),
    ];
    let layers = typed.iter().map(|typed| Layer::assignment(typed)).collect::<Result<Vec<_>>>()?;
    resolve(&layers)
}

fn network(recipe: &Recipe, device: Device) -> Result<Network> {
    torch::device::set_up(device, recipe)?;
    let architectures = zoo::find_all(recipe.own_backbone())?;
    Network::new(&architectures, recipe, Outputs::Classes { n: N_CLASSES }, device)
}

/// Operations of a whole step once everything is warm, in a batch of two small pictures: their number does
/// not depend on how many pictures there are, nor on how large.
fn launches(arguments: &Arguments, backbone: &str, kind: Kind, device: Device) -> Result<()> {
    let recipe = recipe(64.max(arguments.size), backbone, kind.precision)?;
    let mut network = network(&recipe, device)?;
    let (images, targets) = batch(2, recipe.size);
    let input = Input::Images(images);
    for (what, name) in WORK.iter().enumerate() {
        network.begin(trainable(what));
        pass(&mut network, what, resident(&input, 2), &targets)?;
        let mut once = || pass(&mut network, what, resident(&input, 1), &targets);
        let (done, n) = torch::count_operations(torch::Threads::All, &mut once);
        done?;
        println!("| {backbone} | {} | {name} | {n} |", kind.precision);
    }
    Ok(())
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

fn table(
    arguments: &Arguments,
    backbone: &str,
    kind: Kind,
    timm: &mut Option<Timm>,
    device: Device,
) -> Result<()> {
    let recipe = recipe(arguments.size, backbone, kind.precision)?;
    let (mut network, size) = (network(&recipe, device)?, recipe.size);
    let (images, targets) = batch(kind.batch, size);
    let input = Input::Images(images);
    let (mut ours, mut theirs) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for _ in 0..arguments.rounds {
        for (what, rates) in ours.iter_mut().enumerate() {
            network.begin(trainable(what));
            pass(&mut network, what, resident(&input, 1), &targets)?;
            let n = arguments.batches;
            let seconds = pass(&mut network, what, resident(&input, n), &targets)?;
            rates.push((kind.batch * n) as f64 / seconds);
        }
        if let Some(timm) = timm {
            let batches = [arguments.batches; 3];
            let found = timm.rates(&Question { backbone, size, kind, batches, files: None })?;
            theirs.iter_mut().zip(found).for_each(|(rates, rate)| rates.push(rate));
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
        let Kind { precision, batch } = kind;
        println!(
            "| {backbone} | {size} | {precision} | {batch} | {what} | {other} | {ours:.1} | {times} |"
        );
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
