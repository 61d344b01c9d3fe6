//! The network in training: what a snapshot holds, what a micro-batch is, what predicts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kaggle_kit::dataset::Symmetry;
use kaggle_kit::fs;
use kaggle_kit::learn::{Moments, StepOutcome, StepRates};
use kaggle_kit::outputs::NumberError;
use kaggle_kit::recipe::{Layer, resolve};
use kaggle_kit::table::Table;
use kaggle_kit::zoo;

use super::*;
use crate::torch::input::{part, to_host};

mod heads;
mod memory;

const SIZE: usize = 32;

/// libtorch has one stream of random numbers for all threads, and a test must not draw from another
/// one's.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn network(settings: &[&str]) -> Network {
    network_of(settings, Outputs::Classes { n: 3 })
}

fn network_of(settings: &[&str], outputs: Outputs) -> Network {
    let settings = ["backbone=resnet18"].iter().chain(settings);
    let layers: Vec<Layer> = settings.map(|typed| Layer::assignment(typed).unwrap()).collect();
    let recipe = resolve(&layers).unwrap();
    let architectures = zoo::find_all(&recipe.backbone).unwrap();
    Network::new(&architectures, &recipe, outputs, Device::Cpu).unwrap()
}

/// Pictures that differ, with a class each.
pub(super) fn batch(n: usize) -> (Input, Vec<f32>) {
    let pixels = (0..n * SIZE * SIZE * 3).map(|i| (i * (7 + i / 3000) % 251) as u8).collect();
    let targets = (0..n).flat_map(|i| (0..3).map(move |c| f32::from(u8::from(c == i % 3))));
    (Input::Images(Images { pixels: Vec::into(pixels), n, size: SIZE }), targets.collect())
}

fn rates() -> StepRates {
    StepRates { rates: [1e-3, 2e-3, 4e-3], momentum: 0.9 }
}

fn step(network: &mut Network, seed: u64) -> f64 {
    let (input, targets) = batch(8);
    loss_of(network.step(&input, &targets, &rates(), seed))
}

fn loss_of(outcome: Result<StepOutcome>) -> f64 {
    outcome.unwrap().loss.wait().unwrap()
}

/// Every weight, by name.
pub(super) fn weights_of(network: &Network) -> Vec<(String, Vec<f32>)> {
    let named = network.variables().into_iter();
    named.map(|(name, tensor)| (name, to_host(&tensor).unwrap())).collect()
}

#[test]
fn a_network_goes_on_from_bytes_as_if_nothing_had_happened() {
    let _alone = alone();
    for trainable in [Trainable::Head, Trainable::Everything] {
        for settings in [&["optimizer.average=0.5"][..], &["optimizer.kind=sgd"]] {
            let mut first = network(settings);
            first.begin(trainable);
            let input = batch(4).0;
            step(&mut first, 1);
            step(&mut first, 2);
            // A look at the validation images puts the means in the place of the weights meanwhile.
            first.predict(&input).unwrap();
            let bytes = Network::to_bytes(&first.snapshot()).unwrap();
            let mut second = network(settings);
            second.begin(trainable);
            second.restore(&second.snapshot_of(&bytes).unwrap());
            assert_eq!(step(&mut second, 3), step(&mut first, 3));
            assert_eq!(second.predict(&input).unwrap(), first.predict(&input).unwrap());
            assert_eq!(weights_of(&second), weights_of(&first));
        }
    }
}

#[test]
fn the_best_head_brings_its_untrained_backbone_back() {
    let _alone = alone();
    let mut network = network(&[]);
    step(&mut network, 1);
    let (before, best) = (weights_of(&network), network.snapshot());
    network.begin(Trainable::Everything);
    step(&mut network, 2);
    step(&mut network, 3);
    assert_ne!(weights_of(&network), before);
    network.restore(&best);
    assert_eq!(weights_of(&network), before);
}

#[test]
fn a_batch_in_micro_batches_has_their_mean_loss() {
    let _alone = alone();
    let settings = ["head.dropout=[0.0, 0.0]", "optimizer.accumulate=2"];
    let (input, targets) = batch(8);
    let halves: f64 = [0..4, 4..8]
        .into_iter()
        .map(|range| {
            let targets = &targets[range.start * 3..range.end * 3];
            let mut network = network(&settings[..1]);
            loss_of(network.step(&part(&input, 0, range), targets, &rates(), 1))
        })
        .sum::<f64>()
        / 2.0;
    let whole = loss_of(network(&settings).step(&input, &targets, &rates(), 1));
    assert!((whole - halves).abs() < 1e-6, "{whole} {halves}");
}

#[test]
fn a_step_is_never_made_of_infinite_gradients_and_the_scale_grows_again() {
    let _alone = alone();
    let mut network = network(&["optimizer.precision=f16", "head.dropout=[0.0, 0.0]"]);
    let (input, targets) = batch(8);
    let huge: Vec<f32> = targets.iter().map(|target| target * 1e37).collect();
    let before = weights_of(&network);
    let (mut notes, mut scales) = (0, Vec::new());
    for seed in 0..60 {
        let outcome = network.step(&input, &huge, &rates(), seed).unwrap();
        notes += usize::from(outcome.note.is_some_and(|note| note.contains("f16 is too narrow")));
        scales.push(network.loss_scale.by);
    }
    assert_eq!((scales[0], scales[1], notes), (32768.0, 16384.0, 1));
    let trained = |name: &str| !name.contains("running_");
    for ((name, now), (_, then)) in weights_of(&network).iter().zip(&before) {
        assert!(!trained(name) || now == then, "{name}");
    }
    network.loss_scale = network.loss_scale.restored(1024.0, 1998);
    let good = network.step(&input, &targets, &rates(), 60).unwrap();
    assert!(good.loss.wait().unwrap().is_finite());
    let bytes = Network::to_bytes(&network.snapshot()).unwrap();
    let mut on = self::network(&["optimizer.precision=f16", "head.dropout=[0.0, 0.0]"]);
    on.restore(&on.snapshot_of(&bytes).unwrap());
    assert_eq!(on.loss_scale, network.loss_scale);
    on.step(&input, &targets, &rates(), 61).unwrap();
    assert_eq!((on.loss_scale.by, on.loss_scale.good_steps), (2048.0, 0));
}

#[test]
fn means_that_come_back_from_a_file_keep_their_place() {
    let _alone = alone();
    let mut network = network(&["optimizer.average=0.9"]);
    step(&mut network, 1);
    let places = |network: &Network| -> Vec<usize> {
        let means = network.ema.as_ref().unwrap().weights();
        means.values().map(|mean| mean.data_ptr() as usize).collect()
    };
    let before = places(&network);
    let bytes = Network::to_bytes(&network.snapshot()).unwrap();
    step(&mut network, 2);
    network.restore(&network.snapshot_of(&bytes).unwrap());
    // A tensor from the file is on the CPU, and would have taken the place of a GPU's.
    assert_eq!(places(&network), before);
}

#[test]
fn symmetries_on_the_device_are_predicted_as_those_of_the_host() {
    let _alone = alone();
    let mut network = network(&["optimizer.average=0.9"]);
    step(&mut network, 1);
    let Input::Images(images) = batch(3).0 else { unreachable!("made of images") };
    let found = network.predict_under(&images, &Symmetry::ALL).unwrap();
    let bytes = SIZE * SIZE * 3;
    for (symmetry, found) in Symmetry::ALL.into_iter().zip(found) {
        let mut turned = images.clone();
        let pairs = images.pixels.chunks_exact(bytes).zip(turned.pixels.chunks_exact_mut(bytes));
        pairs.for_each(|(from, to)| symmetry.apply(from, SIZE, to));
        assert_eq!(network.predict(&Input::Images(turned)).unwrap(), found, "{symmetry:?}");
    }
}

#[test]
fn the_running_means_predict_and_are_saved_and_training_goes_on_from_the_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut averaged = network(&["optimizer.average=0.99"]);
    let mut plain = network(&[]);
    let input = batch(4).0;
    for seed in 0..4 {
        assert_eq!(step(&mut averaged, seed), step(&mut plain, seed));
        assert_ne!(averaged.predict(&input).unwrap(), plain.predict(&input).unwrap());
    }
    let path = folder.path().join("weights.safetensors");
    let predicted = averaged.predict(&input).unwrap();
    averaged.save(&path).unwrap();
    let mut read = network(&["optimizer.average=0.99"]);
    read.restore_from(&path).unwrap();
    assert_eq!(read.predict(&input).unwrap(), predicted);
}

#[test]
fn weights_that_are_no_numbers_are_never_written() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let network = network(&[]);
    network.save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let (_, variable) = network.variables().into_iter().next_back().unwrap();
    let _ = tch::no_grad(|| variable.shallow_clone().fill_(f64::NAN));
    let error = network.save(&path).unwrap_err().to_string();
    assert!(error.contains("is no number any more") && error.contains("hint:"), "{error}");
    assert!(fs::read(&path).unwrap() == good, "what was there stays");
}

#[test]
fn half_precision_is_nearly_the_same() {
    let _alone = alone();
    let input = batch(4).0;
    let exact = network(&[]).predict(&input).unwrap();
    let mut half = network(&["optimizer.precision=bf16"]);
    let found = half.predict(&input).unwrap();
    assert_ne!(found, exact);
    for (found, exact) in found.iter().zip(&exact) {
        assert!((found - exact).abs() < 0.05, "{found} {exact}");
    }
    half.begin(Trainable::Everything);
    let before = weights_of(&half);
    let loss = step(&mut half, 1);
    assert!(loss.is_finite() && weights_of(&half) != before);
}

#[test]
fn the_finder_s_way_back_is_exact() {
    let _alone = alone();
    let mut network = network(&["optimizer.average=0.9"]);
    network.begin(Trainable::Everything);
    step(&mut network, 1);
    let before = network.snapshot();
    let first = (step(&mut network, 2), weights_of(&network));
    network.restore(&before);
    assert_eq!((step(&mut network, 2), weights_of(&network)), first);
}

#[test]
fn heat_is_a_map_a_picture_between_nothing_and_one() {
    let _alone = alone();
    let mut network = network(&[]);
    let Input::Images(images) = batch(3).0 else { unreachable!("made of images") };
    let (heat, side) = network.grad_cam(&images, &[0, 1, 2]).unwrap();
    assert_eq!((heat.len(), side), (3, 1));
    let large = Images { pixels: images.pixels.repeat(4).into(), n: 3, size: 2 * SIZE };
    let (heat, side) = network.grad_cam(&large, &[2, 0, 1]).unwrap();
    assert_eq!((heat.len(), side), (3 * 4, 2));
    assert!(heat.iter().all(|h| (0.0..=1.0).contains(h)), "{heat:?}");
    assert!(network.grad_cam(&large, &[0]).is_err());
}

#[test]
fn backbones_side_by_side_give_what_each_gives_alone() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let Input::Images(images) = batch(3).0 else { unreachable!("made of images") };
    let names = ["resnet18", "mobilenetv2_100"];
    let (mut separate, mut files) = (Vec::new(), Vec::new());
    for name in names {
        let mut one = network(&[&format!("backbone={name}")]);
        separate.push(one.activations(0, &images).unwrap());
        // The weights of a backbone as they are published: without our head.
        let path = folder.path().join(name);
        let backbone: BTreeMap<_, _> = one.variables();
        let own = backbone.into_iter().filter(|(name, _)| !name.starts_with("head."));
        let bytes = weights::to_bytes(&own.collect(), std::collections::HashMap::new());
        kaggle_kit::fs::write_atomic(&path, bytes.unwrap()).unwrap();
        files.push(path);
    }
    let mut both = network(&[&format!("backbone={}", names.join("+"))]);
    both.load_backbones(&files).unwrap();
    assert_eq!(both.widths(), [1024, 2560]);
    let together = both.pooled(&both.bytes_of(&images).unwrap(), false);
    let together = to_host(&together).unwrap();
    for (backbone, separate) in separate.iter().enumerate() {
        assert_eq!(&both.activations(backbone, &images).unwrap(), separate);
        let from = [0, 1024][backbone];
        for (row, own) in together.chunks(3584).zip(separate.chunks(both.widths()[backbone])) {
            assert_eq!(&row[from..from + own.len()], own);
        }
    }
    // Both train, each group at its own rate, and both are in what is saved.
    both.begin(Trainable::Everything);
    let before = weights_of(&both);
    step(&mut both, 1);
    let moved = |name: &str| {
        let find = |weights: &[(String, Vec<f32>)]| {
            weights.iter().find(|(found, _)| found == name).unwrap().1.clone()
        };
        find(&before) != find(&weights_of(&both))
    };
    assert!(moved("resnet18.conv1.weight") && moved("mobilenetv2_100.blocks.6.0.conv_pw.weight"));
    let path = folder.path().join("both.safetensors");
    both.save(&path).unwrap();
    let predicted = both.predict(&batch(3).0).unwrap();
    let mut read = network(&[&format!("backbone={}", names.join("+"))]);
    read.restore_from(&path).unwrap();
    assert_eq!(read.predict(&batch(3).0).unwrap(), predicted);
    assert_eq!(read.grad_cam(&images, &[0, 1, 2]).unwrap().0.len(), 3);
}

#[test]
fn levels_and_numbers_are_learned_and_predicted_in_their_own_units() {
    let _alone = alone();
    let (input, _) = batch(6);
    let standardised = Outputs::Standardised {
        mean: vec![200.0, -3.0],
        deviation: vec![50.0, 2.0],
        error: NumberError::Squared,
        logarithm: false,
    };
    let ranged = Outputs::Ranged { n: 2, low: -10.0, high: 300.0 };
    let targets: Vec<f32> =
        (0..6).flat_map(|i| [150.0 + 20.0 * i as f32, i as f32 - 6.0]).collect();
    for outputs in [standardised, ranged] {
        let settings = ["head.dropout=[0.0, 0.0]", "head.weight-decay=0"];
        let mut network = network_of(&settings, outputs.clone());
        let off = |network: &mut Network| {
            let said = Table::new(network.predict(&input).unwrap(), 2);
            outputs.number_loss(&said, &targets)
        };
        let before = off(&mut network);
        for seed in 0..30 {
            network.step(&input, &targets, &rates(), seed).unwrap();
        }
        let after = off(&mut network);
        assert!(after < 0.5 * before, "{outputs:?}: {before} {after}");
    }
}

#[test]
fn a_number_starts_as_its_mean_and_does_not_depend_on_its_batch() {
    let _alone = alone();
    let standardised = Outputs::Standardised {
        mean: vec![200.0],
        deviation: vec![50.0],
        error: NumberError::Squared,
        logarithm: false,
    };
    let mut network = network_of(&["head.dropout=[0.0, 0.0]"], standardised);
    let width = network.width();
    let moments = Moments { mean: vec![0.25; width], variance: vec![4.0; width] };
    network.standardise(&moments);
    let (input, _) = batch(4);
    assert_eq!(network.predict(&input).unwrap(), [200.0; 4]);
    network.step(&input, &[100.0, 200.0, 250.0, 300.0], &rates(), 1).unwrap();
    let together = tch::no_grad(|| to_host(&network.logits(&input, true).unwrap()).unwrap());
    let alone = part(&input, width, 1..2);
    let alone = tch::no_grad(|| to_host(&network.logits(&alone, true).unwrap()).unwrap());
    assert!((together[1] - alone[0]).abs() < 1e-5, "{together:?} {alone:?}");
    // What it was told is kept with the weights, and training does not change it.
    let saved = weights_of(&network);
    let told = saved.iter().find(|(name, _)| name == "head.hidden.norm.running_mean").unwrap();
    assert_eq!(told.1, moments.mean);
}
