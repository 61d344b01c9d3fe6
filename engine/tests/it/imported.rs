//! A network as `kaggle-kit models import` makes it (`tests/imported/make.py`), in the engine: it computes what
//! Python did, and trains as our own do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kaggle_kit::commands::models::import::described;
use kaggle_kit::dataset::Images;
use kaggle_kit::fs;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Layer, Recipe, resolve};
use kaggle_kit::weights::{self, Stored};
use kaggle_kit::zoo::imported::with;
use kaggle_kit::zoo::{self, Architecture};
use kaggle_kit_engine::torch::{Device, Network, parity};

use crate::support;

const SIZE: usize = 32;
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/imported");

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// The network, and its parameters.
fn netling() -> (&'static Architecture, Vec<String>) {
    let told = fs::read_to_string(file("told.json")).unwrap();
    let (found, parameters) = described("netling", &told, &file("network.pt")).unwrap();
    (found.architecture(file("network.pt")), parameters)
}

/// A network of `backbone`, whose imported part has the weights of the file.
fn network(backbone: &str, settings: &[&str]) -> Network {
    network_on(Device::Cpu, backbone, settings)
}

fn network_on(device: Device, backbone: &str, settings: &[&str]) -> Network {
    let typed = [format!("backbone={backbone}"), format!("size={SIZE}")];
    let typed = typed.iter().map(String::as_str).chain(settings.iter().copied());
    let layers: Vec<Layer> = typed.map(|typed| Layer::assignment(typed).unwrap()).collect();
    let (recipe, architectures): (Recipe, _) = with(vec![netling().0], || {
        let recipe = resolve(&layers).unwrap();
        let found = zoo::find_all(&recipe.backbone).unwrap();
        (recipe, found)
    });
    let outputs = Outputs::Classes { n: 3 };
    let network = Network::new(&architectures, &recipe, outputs, device).unwrap();
    if let [_] = architectures.as_slice() {
        network.load_backbones(&[file("weights.safetensors")]).unwrap();
    }
    network
}

fn batch() -> (Input, Vec<f32>) {
    let pixels: Vec<u8> =
        (0..8 * SIZE * SIZE * 3).map(|i| (i * (7 + i / 3000) % 251) as u8).collect();
    let targets = (0..8).flat_map(|i| (0..3).map(move |c| f32::from(u8::from(c == i % 3))));
    (Input::Images(Images { pixels: pixels.into(), n: 8, size: SIZE }), targets.collect())
}

fn step(network: &mut Network, seed: u64) -> f64 {
    let (input, targets) = batch();
    let rates = StepRates { rates: [1e-3, 2e-3, 4e-3], momentum: 0.9 };
    network.step(&input, &targets, &rates, seed).unwrap().loss.wait().unwrap()
}

fn saved(network: &Network) -> BTreeMap<String, Stored> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    network.save(&path).unwrap();
    weights::read(&path).unwrap()
}

#[test]
fn it_computes_what_python_does() {
    let (netling, parameters) = netling();
    let check = file("check.safetensors");
    let parity =
        parity::compare(netling, &file("weights.safetensors"), &check, &parameters).unwrap();
    assert!(parity.features < 1e-6 && parity.gradients < 1e-5, "{parity:?}");
    // The comparison sees other weights.
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.safetensors");
    let mut bytes = fs::read(file("weights.safetensors")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x01;
    fs::write_atomic(&other, bytes).unwrap();
    let off = parity::compare(netling, &other, &check, &parameters).unwrap();
    assert!(off.features > 1e-4 || off.gradients > 1e-3, "{off:?}");
}

#[test]
fn its_weights_learn_and_its_statistics_stand_still() {
    let mut network = network("timm:netling", &["head.width=0", "optimizer.average=0.9"]);
    let before = saved(&network);
    assert!(before.contains_key("timm:netling.blocks.0.weight"));
    assert_eq!(network.widths(), [8]);
    step(&mut network, 1);
    let changed = |after: &BTreeMap<String, Stored>| -> Vec<String> {
        let own = after.iter().filter(|(name, _)| name.starts_with("timm:"));
        let changed = own.filter(|(name, value)| before[*name] != **value);
        changed.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(changed(&saved(&network)), [""; 0], "while the head trains it stands still");
    network.begin(Trainable::Everything);
    let first = step(&mut network, 1);
    let last = (2..20).map(|seed| step(&mut network, seed)).last().unwrap();
    assert!(last < first, "{first} {last}");
    let still: Vec<&str> = ["running_mean", "running_var"].into();
    let changed = changed(&saved(&network));
    assert_eq!(changed.len(), 11, "{changed:?}");
    assert!(!changed.iter().any(|name| still.iter().any(|end| name.ends_with(end))));
}

#[test]
fn a_snapshot_and_a_file_bring_it_back() {
    // Without dropout: other tests draw from libtorch's one stream of random numbers meanwhile.
    let still = "head.dropout=[0.0,0.0]";
    let mut one = network("timm:netling", &[still]);
    one.begin(Trainable::Everything);
    step(&mut one, 1);
    let (input, snapshot) = (batch().0, one.snapshot());
    let expected = one.predict(&input).unwrap();
    let next = step(&mut one, 2);
    assert_ne!(one.predict(&input).unwrap(), expected);
    one.restore(&snapshot);
    assert_eq!(one.predict(&input).unwrap(), expected);
    assert_eq!(step(&mut one, 2), next);
    // As `submit` reads it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    one.save(&path).unwrap();
    let mut other = network("timm:netling", &["seed=7", still]);
    other.restore_from(&path).unwrap();
    assert_eq!(other.predict(&input).unwrap(), one.predict(&input).unwrap());
}

#[test]
fn it_stands_beside_others_and_computes_in_half_precision() {
    let mut stack = network("resnet18+timm:netling", &[]);
    assert_eq!(stack.widths(), [1024, 8]);
    stack.begin(Trainable::Everything);
    assert!(step(&mut stack, 1).is_finite());
    let names = saved(&stack);
    let both = ["resnet18.conv1.weight", "timm:netling.pos_embed", "head.output.linear.weight"];
    assert!(both.iter().all(|name| names.contains_key(*name)));

    let (input, folder) = (batch().0, tempfile::tempdir().unwrap());
    let mut single = network("timm:netling", &[]);
    let path = folder.path().join("weights.safetensors");
    single.save(&path).unwrap();
    let mut half = network("timm:netling", &["optimizer.precision=bf16"]);
    half.restore_from(&path).unwrap();
    let (a, b) = (single.predict(&input).unwrap(), half.predict(&input).unwrap());
    let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off > 1e-6 && off < 3e-2, "{off}");
    half.begin(Trainable::Everything);
    let first = step(&mut half, 1);
    assert!((2..20).map(|seed| step(&mut half, seed)).last().unwrap() < first);
}

#[test]
fn where_it_looks_is_told_by_its_pixels() {
    let Input::Images(images) = batch().0 else { unreachable!("made of images") };
    let classes: Vec<usize> = (0..images.n).map(|i| i % 3).collect();
    let mut network = network("timm:netling", &[]);
    let before = saved(&network);
    let (heat, side) = network.grad_cam(&images, &classes).unwrap();
    assert_eq!((heat.len(), side), (images.n * 14 * 14, 14));
    for of_one in heat.chunks(14 * 14) {
        let highest = of_one.iter().copied().fold(0.0, f32::max);
        assert!((highest - 1.0).abs() < 1e-5 && of_one.iter().all(|h| (0.0..=1.0).contains(h)));
        assert!(of_one.iter().any(|h| *h < 0.9), "it looks everywhere alike");
    }
    assert!(saved(&network) == before, "looking changes nothing");
    // Beside a backbone of ours, both count.
    let mut both = self::network("resnet18+timm:netling", &[]);
    assert_eq!(both.grad_cam(&images, &classes).unwrap().1, 14);
}

#[test]
fn a_gpu_computes_what_the_cpu_does_with_it() {
    if !tch::Cuda::is_available() {
        return support::skipped("no NVIDIA GPU here");
    }
    let (input, folder) = (batch().0, tempfile::tempdir().unwrap());
    let path = folder.path().join("weights.safetensors");
    let mut here = network("timm:netling", &[]);
    here.save(&path).unwrap();
    let mut there = network_on(Device::Cuda(0), "timm:netling", &["optimizer.precision=f32"]);
    there.restore_from(&path).unwrap();
    let (a, b) = (here.predict(&input).unwrap(), there.predict(&input).unwrap());
    let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-5, "{off}");
    there.begin(Trainable::Everything);
    assert!(step(&mut there, 1).is_finite());
}

#[test]
fn what_cannot_be_had_with_it_is_told() {
    let (netling, _) = netling();
    let told = |settings: &[&str]| {
        let all = ["backbone=timm:netling"].into_iter().chain(settings.iter().copied());
        let layers: Vec<Layer> = all.map(|typed| Layer::assignment(typed).unwrap()).collect();
        with(vec![netling], || format!("{:#}", resolve(&layers).unwrap_err()))
    };
    // Only the last word counts, as where `--set` follows `--smoke`.
    network("timm:netling", &["size=96", "size=32"]);
    let size = told(&["size=64"]);
    assert!(size.contains("of 32 pixels alone") && size.contains("`--set size=32`"), "{size}");
    let moving = told(&["unfreeze.statistics=moving"]);
    assert!(moving.contains("leave it at \"fixed\""), "{moving}");
    assert!(told(&["whole-network.sizes=[64]"]).contains("pixels alone"));
}
