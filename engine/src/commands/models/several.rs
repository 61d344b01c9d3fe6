//! `models --bench` on several devices: how many images a second all of them predict and train together, and
//! how many times as many that is as one of them alone.
//!
//! Each is a rank as of `train`: what they train is one network, whose gradients they add up.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result};
use kaggle_kit::commands::models::{Args, chosen};
use kaggle_kit::dataset::Images;
use kaggle_kit::exit;
use kaggle_kit::learn::{self, Input, Model, StepLoss, StepRates, Trainable};
use kaggle_kit::progress::Progress;
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::term;
use kaggle_kit::zoo::Architecture;
use serde::Serialize;

use super::{FEW, network_of};
use crate::commands::ranks::{Ranks, on_interrupt};
use crate::torch::group::Group;
use crate::torch::{Device, Network, device};

/// Images a rank has of a batch that is learnt from, on a GPU.
const LEARNT: usize = 64;
/// A measurement takes about so long, and has at least so many batches.
const SECONDS: f64 = 2.0;
const BATCHES: usize = 3;

/// What one rank does and all together do.
#[derive(Debug, Serialize)]
struct Row {
    backbone: &'static str,
    /// Side of the pictures, in pixels.
    size: usize,
    work: &'static str,
    ranks: usize,
    /// What one of them computes with, the first.
    device: String,
    /// Images a rank has at once.
    batch: usize,
    /// Images a second.
    alone: f64,
    together: f64,
}

/// Measures, and prints a line a backbone and work; the first of the ranks does.
pub(super) fn run(args: &Args, ranks: &Ranks, group: &Rc<Group>) -> Result<()> {
    let interrupted = on_interrupt();
    let recipe = recipe::resolve(&[])?;
    device::set_up(ranks.device, &recipe)?;
    let chosen = chosen(&args.names)?;
    let bar = group.is_first().then(|| Bar::new("measure", Unit::Items("backbones")));
    if let Some(bar) = &bar {
        bar.total(chosen.len() as u64);
    }
    let mut rows = Vec::new();
    for architecture in chosen {
        let size = args.size.unwrap_or(architecture.square().size);
        let found = measured(architecture, &recipe, size, ranks, group);
        rows.extend(found.with_context(|| format!("failed to measure `{}`", architecture.name))?);
        let mut stops = [f64::from(u8::from(interrupted.load(Ordering::Relaxed)))];
        group.sum_numbers(&mut stops)?;
        if stops[0] > 0.0 {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        if let Some(bar) = &bar {
            bar.advance(1);
        }
    }
    drop(bar);
    if group.is_first() { tell(&rows, args) } else { Ok(()) }
}

fn measured(
    architecture: &'static Architecture,
    recipe: &Recipe,
    size: usize,
    ranks: &Ranks,
    group: &Rc<Group>,
) -> Result<[Row; 2]> {
    let world = group.place().world;
    let row = |work, batch, alone, together| Row {
        backbone: architecture.name,
        size,
        work,
        ranks: world,
        device: device::describe(ranks.device),
        batch,
        alone,
        together,
    };
    let mut network = network_of(architecture, recipe, ranks.device)?;

    let n = ranks.at_once(size)?.unwrap_or(super::BATCH);
    let input = pictures(n, size);
    let mut predict = |batches| {
        let start = Instant::now();
        (0..batches).try_for_each(|_| network.predict(&input).map(drop))?;
        Ok(start.elapsed().as_secs_f64())
    };
    let (batches, alone) = first_alone(group, &mut predict)?;
    let own = batches as f64 * n as f64 / predict(batches)?;
    let mut together = [own];
    group.sum_numbers(&mut together)?;
    let predicted = row("predict", n, alone * n as f64, together[0]);

    let n = if ranks.device == Device::Cpu { FEW } else { LEARNT };
    let input = pictures(n, size);
    network.begin(Trainable::Everything);
    let (batches, alone) =
        first_alone(group, &mut |batches| train(&mut network, &input, n, batches))?;
    network.join(Rc::clone(group))?;
    // The first one opens what they talk through.
    train(&mut network, &input, n * world, 1)?;
    let mut seconds = [train(&mut network, &input, n * world, batches)?];
    group.sum_numbers(&mut seconds)?;
    let all = (batches * n * world) as f64;
    let trained = row("train everything", n, alone * n as f64, all / (seconds[0] / world as f64));
    Ok([predicted, trained])
}

/// Batches a second of the first rank while the others wait, and how many of them it measured; all know.
/// `work` does so many, and gives the seconds that they took.
fn first_alone(group: &Group, work: &mut dyn FnMut(usize) -> Result<f64>) -> Result<(usize, f64)> {
    let (mut batches, mut rate) = (0, 0.0);
    // Each chooses its ways at first.
    work(1)?;
    learn::Group::wait_for_first(group)?;
    if group.is_first() {
        let one = work(1)?;
        batches = ((SECONDS / one) as usize).max(BATCHES);
        rate = batches as f64 / work(batches)?;
    }
    learn::Group::wait_for_first(group)?;
    Ok((group.agreed(batches as f64)? as usize, group.agreed(rate)?))
}

/// Steps with a batch of `n`, of which `input` is this rank's share, and the seconds that they took.
fn train(network: &mut Network, input: &Input, n: usize, steps: usize) -> Result<f64> {
    let targets: Vec<f32> = (0..n).flat_map(|i| [(i % 2) as f32, (1 - i % 2) as f32]).collect();
    let rates = StepRates { rates: [0.0; 3], momentum: 0.9 };
    let (start, mut last) = (Instant::now(), None);
    for seed in 0..steps as u64 {
        last = Some(network.step(input, &targets, &rates, seed)?.loss);
    }
    // A GPU works ahead of the program.
    last.map(StepLoss::wait).transpose()?;
    Ok(start.elapsed().as_secs_f64())
}

fn pictures(n: usize, size: usize) -> Input {
    let pixels: Vec<u8> = (0..n * size * size * 3).map(|i| (i * 37 % 251) as u8).collect();
    Input::Images(Images { pixels: pixels.into(), n, size })
}

fn tell(rows: &[Row], args: &Args) -> Result<()> {
    if args.json {
        return term::json(&rows);
    }
    let Some(first) = rows.first() else { return Ok(()) };
    let (n, device) = (first.ranks, &first.device);
    term::say(format_args!("   images a second: one on {device}, and {n} of them together"));
    let together = format!("{n} together");
    let header = ["backbone", "pixels", "work", "images each", "one", &together, "times"];
    let cells = |row: &Row| {
        vec![
            row.backbone.to_owned(),
            row.size.to_string(),
            row.work.to_owned(),
            row.batch.to_string(),
            format!("{:.1}", row.alone),
            format!("{:.1}", row.together),
            format!("{:.2}", row.together / row.alone),
        ]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    term::out_table(&header, &cells, &[]);
    Ok(())
}
