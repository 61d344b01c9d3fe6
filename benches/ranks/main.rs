//! What ranks tell each other, and how fast: sums, gathers and words, beside ranks in Python if there are
//! any. Started by torchrun, mpirun or srun, or once a rank with their variables.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kaggle_kit::learn;
use kaggle_kit::place::Place;
use kaggle_kit_engine::torch::Device;
use kaggle_kit_engine::torch::group::Group;

/// Numbers of a backbone's gradients: EfficientNet-Lite0, ResNet-50.
const SIZES: [usize; 3] = [4, 4_652_008, 25_557_032];
const ROUNDS: usize = 10;
const TIMEOUT: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let place = Place::of_process()?.context("nobody has started this as one of several ranks")?;
    let (rank, world) = (place.rank, place.world);
    let group = Group::join(place, Device::Cpu, TIMEOUT)?;
    let mut numbers = [1.0, rank as f64];
    group.sum_numbers(&mut numbers)?;
    let ranks = (0..world).sum::<usize>() as f64;
    ensure!(numbers == [world as f64, ranks], "a sum of ranks: {numbers:?}");
    let lengths = group.place().share().lengths(2 * world + 1);
    let start: usize = lengths[..rank].iter().sum();
    let own: Vec<f32> = (start..start + lengths[rank]).map(|row| row as f32).collect();
    let all = learn::Group::gather(&group, &own, &lengths, 1)?;
    let expected: Vec<f32> = (0..=2 * world).map(|row| row as f32).collect();
    ensure!(all == expected, "rows of all: {all:?}");
    let mut bytes = if rank == 0 { b"what rank 0 decides".to_vec() } else { Vec::new() };
    group.spread_bytes(&mut bytes)?;
    ensure!(bytes == b"what rank 0 decides", "{bytes:?}");
    println!("rank {rank} of {world}: sums, rows in order, bytes of rank 0");
    for n in SIZES {
        let mut seconds = Vec::new();
        for _ in 0..ROUNDS {
            let mut numbers = vec![1.0; n];
            group.sum_numbers(&mut [0.0])?;
            let start = Instant::now();
            group.sum_floats(&mut numbers)?;
            seconds.push(start.elapsed().as_secs_f64());
            ensure!(numbers.iter().all(|&sum| sum == world as f32), "a sum of ones");
        }
        seconds.sort_by(f64::total_cmp);
        if rank == 0 {
            println!(
                "{:>6.1} MB: median {:.2} ms, best {:.2} ms",
                4e-6 * n as f64,
                1e3 * seconds[ROUNDS / 2],
                1e3 * seconds[0]
            );
        }
    }
    Ok(())
}
