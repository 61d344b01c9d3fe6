//! What a device and a precision compute, against the CPU in f32: features, and how far a step goes.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::{self, BatchPlan, Images, Sample, View};
use kaggle_kit::fs;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::place::Share;
use kaggle_kit::recipe::{Augment, Layer, Recipe, resolve};
use kaggle_kit::weights::cached_path;
use kaggle_kit::zoo;
use kaggle_kit_engine::torch::{self, Device, Network};

use super::apart::{PLAIN, apart};
use super::{Arguments, N_CLASSES, batch};

/// Pictures that are looked at.
const PICTURES: usize = 16;

/// The most that features and a step may differ, relatively: what rounding does, and no more. Measured on a
/// CPU (bf16) and taken from the formats' bits; the change of a step is further off than features, since
/// differences add up on the way back.
fn bounds(precision: &str) -> [f64; 2] {
    match precision {
        "f32" => [1e-4, 1e-3],
        "tf32" => [2e-3, 3e-2],
        "f16" => [1e-2, 1e-1],
        _ => [6e-2, 3e-1],
    }
}

/// A line for each backbone and precision; an error after the last if one is further off than rounding.
pub(crate) fn table(arguments: &Arguments, device: Device) -> Result<()> {
    // Here the CPU computes as well.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tch::set_num_threads(cores as i32);
    println!("| backbone | weights | precision | features | a step | furthest in it | |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut wrong = Vec::new();
    for backbone in &arguments.backbones {
        for precision in &arguments.precision {
            if !line(arguments, backbone, precision, device)? {
                wrong.push(format!("{backbone} in {precision}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "not what the CPU computes: {}", wrong.join(", "));
    Ok(())
}

fn line(arguments: &Arguments, backbone: &str, precision: &str, device: Device) -> Result<bool> {
    let [exact, wanted] =
        ["f32", precision].map(|precision| recipe(arguments, backbone, precision));
    let (exact, wanted) = (exact?, wanted?);
    let (mut here, pretrained) = network(&exact, Device::Cpu)?;
    let (mut there, _) = network(&wanted, device)?;
    let (images, targets) = match &arguments.images {
        Some(folder) => (pictures(folder, &exact)?, batch(PICTURES, 1).1),
        None => batch(PICTURES, exact.size),
    };
    torch::device::set_up(device, &wanted)?;
    let found = apart(&mut there, &mut here, &images, &targets)?;
    let [features, change] = bounds(precision);
    let is_close = found.features < features && found.change < change;
    println!(
        "| {backbone} | {} | {precision} | {:.1e} | {:.1e} | `{}` {:.1e} | {} |",
        if pretrained { "pretrained" } else { "random" },
        found.features,
        found.change,
        found.worst.0,
        found.worst.1,
        if is_close { "ok" } else { "TOO FAR" }
    );
    Ok(is_close)
}

fn recipe(arguments: &Arguments, backbone: &str, precision: &str) -> Result<Recipe> {
    let typed = [
        format!("backbone={backbone}"),
        format!("optimizer.precision={precision}"),
        format!("size={}", arguments.size),
    ];
    let typed = typed.iter().map(String::as_str).chain(PLAIN);
    resolve(&typed.map(Layer::assignment).collect::<Result<Vec<_>>>()?)
}

/// With pretrained weights, if they are in the cache.
fn network(recipe: &Recipe, device: Device) -> Result<(Network, bool)> {
    let architectures = zoo::find_all(recipe.own_backbone())?;
    let outputs = Outputs::Classes { n: N_CLASSES };
    let network = Network::new(&architectures, recipe, outputs, device)?;
    let path = cached_path(architectures[0], &fs::cache_folder());
    let is_there = path.is_file();
    if is_there {
        network.load_backbones(&[path])?;
    }
    Ok((network, is_there))
}

fn pictures(folder: &Path, recipe: &Recipe) -> Result<Images> {
    let samples: Vec<Sample> = super::path::samples(folder, PICTURES)?.to_vec();
    ensure!(!samples.is_empty(), "no JPEGs in `{}`", folder.display());
    let samples: Arc<[Sample]> = samples.into();
    let plan = BatchPlan {
        order: (0..PICTURES).collect(),
        batch_size: PICTURES,
        size: recipe.size,
        augment: Augment::None,
        views: vec![View::Centre { share: recipe.crop }],
        share: Share::WHOLE,
        and_next: false,
    };
    Ok(dataset::batches(samples, plan).next().context("no batch")??.images)
}
