//! `kaggle-kit models --bench`: pictures a second on this machine; `several.rs` measures on several devices.

mod several;

use std::time::Instant;

use anyhow::{Context, Result};
use kaggle_kit::commands::models::{self, Args, HalfSpeed, Speed, chosen, keep, keep_half};
use kaggle_kit::dataset::Images;
use kaggle_kit::fs;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::progress::Progress;
use kaggle_kit::recipe::{self, Precision, Recipe};
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::zoo::Architecture;

use super::ranks::{Role, supervise};
use crate::torch::{Device, Network, device};

/// Pictures that are predicted at once on a CPU.
const BATCH: usize = 32;
/// And where it is compared with bf16, in which training may be slow.
const FEW: usize = 8;
/// A backbone is measured for at least so long.
const SECONDS: f64 = 2.0;
/// And in at least so many batches, of which the median counts.
const ROUNDS: usize = 3;

/// Measures prediction with each backbone, at the size that was typed or its own, keeps what was found
/// and prints the table; on a processor with instructions for bf16, also how much faster that is, which
/// `precision = "auto"` goes by. Weights do not matter to time, so none are needed.
pub fn run(args: &Args) -> Result<()> {
    let ranks = match Role::of(&args.ranks(), args.device)? {
        Role::Works(ranks) => ranks,
        Role::Starts { count, .. } => return supervise(count),
    };
    if let Some(group) = ranks.group().cloned() {
        return ranks.work(|ranks| several::run(args, ranks, &group));
    }
    let chosen = chosen(&args.names)?;
    let device = ranks.device;
    let recipe = recipe::resolve(&[])?;
    device::set_up(device, &recipe)?;
    let bar = Bar::new("measure", Unit::Items("backbones"));
    bar.total(chosen.len() as u64);
    for architecture in chosen {
        let size = args.size.unwrap_or(architecture.square().size);
        let n = device::at_once(device, size).unwrap_or(BATCH);
        let pixels: Vec<u8> = (0..n * size * size * 3).map(|i| (i * 37 % 251) as u8).collect();
        let input = Input::Images(Images { pixels: pixels.into(), n, size });
        let mut network = network_of(architecture, &recipe, device)?;
        let what = || format!("failed to measure `{}`", architecture.name);
        let seconds = median(|| network.predict(&input).map(drop)).with_context(what)?;
        let (backbone, place) = (architecture.name.to_owned(), device::describe(device));
        let images_per_second = n as f64 / seconds;
        let speed =
            Speed { backbone: backbone.clone(), device: place.clone(), size, images_per_second };
        keep(&speed, &fs::cache_folder())?;
        if device == Device::Cpu && makes_bf16() {
            let [predict, train] = in_half(architecture, &recipe, size).with_context(what)?;
            let half = HalfSpeed { backbone, device: place, predict, train };
            keep_half(&half, &fs::cache_folder())?;
        }
        bar.advance(1);
    }
    drop(bar);
    models::run(args)
}

fn network_of(
    architecture: &'static Architecture,
    recipe: &Recipe,
    device: Device,
) -> Result<Network> {
    Network::new(&[architecture], recipe, Outputs::Classes { n: 2 }, device)
}

/// Seconds that something takes, the median of several times. The first is slower and does not count:
/// libraries choose their ways then.
fn median(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < ROUNDS || start.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// How many times as fast as in f32 prediction and a step of everything are in bf16 on the CPU.
fn in_half(architecture: &'static Architecture, recipe: &Recipe, size: usize) -> Result<[f64; 2]> {
    let pixels: Vec<u8> = (0..FEW * size * size * 3).map(|i| (i * 37 % 251) as u8).collect();
    let input = Input::Images(Images { pixels: pixels.into(), n: FEW, size });
    let targets: Vec<f32> = (0..FEW).flat_map(|i| [(i % 2) as f32, (1 - i % 2) as f32]).collect();
    let rates = StepRates { rates: [0.0; 3], momentum: 0.9 };
    let mut seconds = [[0.0; 2]; 2];
    for (precision, seconds) in [Precision::F32, Precision::Bf16].into_iter().zip(&mut seconds) {
        let mut recipe = recipe.clone();
        recipe.optimizer.precision = precision;
        let mut network = network_of(architecture, &recipe, Device::Cpu)?;
        let predict = median(|| network.predict(&input).map(drop))?;
        network.begin(Trainable::Everything);
        let train = median(|| network.step(&input, &targets, &rates, 1).map(drop))?;
        *seconds = [predict, train];
    }
    let [single, half] = seconds;
    Ok([single[0] / half[0], single[1] / half[1]])
}

/// Whether the processor has instructions for products of bf16 (Intel's AMX): without them it is slow.
fn makes_bf16() -> bool {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = known.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "amx_bf16"))
}
