//! `kaggle-kit models --bench`: pictures a second on this machine.

use std::time::Instant;

use anyhow::{Context, Result};
use kaggle_kit::commands::models::{self, Args, Speed, chosen, keep};
use kaggle_kit::dataset::Images;
use kaggle_kit::fs;
use kaggle_kit::learn::{Input, Model};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::progress::Progress;
use kaggle_kit::recipe;
use kaggle_kit::report::{Bar, Unit};

use crate::torch::{Network, device};

/// Pictures a batch on a CPU.
const BATCH: usize = 32;
/// A backbone is measured for at least so long.
const SECONDS: f64 = 2.0;
/// And in at least so many batches, of which the median counts.
const ROUNDS: usize = 3;

/// Measures prediction with each backbone, at the size that was typed or its own, keeps what was found
/// and prints the table. Weights do not matter to time, so none are needed.
pub fn run(args: &Args) -> Result<()> {
    let chosen = chosen(&args.names)?;
    let device = device::resolve(args.device)?;
    let recipe = recipe::resolve(&[])?;
    device::set_up(device, &recipe)?;
    let bar = Bar::new("measure", Unit::Items("backbones"));
    bar.total(chosen.len() as u64);
    for architecture in chosen {
        let size = args.size.unwrap_or(architecture.square().size);
        let n = device::at_once(device, size).unwrap_or(BATCH);
        let pixels: Vec<u8> = (0..n * size * size * 3).map(|i| (i * 37 % 251) as u8).collect();
        let input = Input::Images(Images { pixels: pixels.into(), n, size });
        let mut network = Network::new(&[architecture], &recipe, Outputs::Classes { n: 2 }, device);
        let what = || format!("failed to measure `{}`", architecture.name);
        // The first is slower: libraries choose their ways then.
        network.predict(&input).with_context(what)?;
        let (start, mut seconds) = (Instant::now(), Vec::new());
        while seconds.len() < ROUNDS || start.elapsed().as_secs_f64() < SECONDS {
            let start = Instant::now();
            network.predict(&input).with_context(what)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        let speed = Speed {
            backbone: architecture.name.to_owned(),
            device: device::describe(device),
            size,
            images_per_second: n as f64 / seconds[seconds.len() / 2],
        };
        keep(&speed, &fs::cache_folder())?;
        bar.advance(1);
    }
    drop(bar);
    models::run(args)
}
