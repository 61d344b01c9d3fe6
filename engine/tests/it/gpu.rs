//! What an NVIDIA GPU computes, against the CPU and against itself; and that the comparison sees errors, on
//! any machine. Where there is no GPU the rest is counted as skipped.

use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Layer, Recipe, resolve};
use kaggle_kit::zoo;
use kaggle_kit_engine::torch::{Device, Network, device};

use crate::apart::{Apart, PLAIN, apart};
use crate::support;

const N_CLASSES: usize = 3;
const SIZE: usize = 64;

/// A GPU, or a note that there is none.
fn gpu() -> Option<Device> {
    if tch::Cuda::is_available() {
        return Some(Device::Cuda(0));
    }
    support::skipped("no NVIDIA GPU here");
    None
}

fn recipe(backbone: &str, settings: &[&str]) -> Recipe {
    let backbone = format!("backbone={backbone}");
    let typed = [backbone.as_str()].into_iter().chain(PLAIN).chain(settings.iter().copied());
    let layers: Vec<Layer> = typed.map(|typed| Layer::assignment(typed).unwrap()).collect();
    resolve(&layers).unwrap()
}

fn network(recipe: &Recipe, device: Device) -> Network {
    device::set_up(device, recipe).unwrap();
    let architectures = zoo::find_all(&recipe.backbone).unwrap();
    Network::new(&architectures, recipe, Outputs::Classes { n: N_CLASSES }, device).unwrap()
}

/// Pictures with shapes in them, and a class each.
fn batch(n: usize) -> (Images, Vec<f32>) {
    let pixel = |i: usize| {
        let (image, place) = (i / (SIZE * SIZE * 3), i % (SIZE * SIZE * 3));
        let (y, x, colour) = (place / (SIZE * 3), place / 3 % SIZE, place % 3);
        let wave = ((x * (image + 1) + y * (colour + 2)) as f64 / 9.0).sin();
        (127.5 + 100.0 * wave) as u8
    };
    let pixels: Vec<u8> = (0..n * SIZE * SIZE * 3).map(pixel).collect();
    let class = |i| (0..N_CLASSES).map(move |c| f32::from(u8::from(c == i % N_CLASSES)));
    (Images { pixels: pixels.into(), n, size: SIZE }, (0..n).flat_map(class).collect())
}

/// A network with the weights of another: what is drawn is not enough, since libtorch has one stream of
/// random numbers for all tests.
fn with_weights_of(other: &Network, recipe: &Recipe, on: Device) -> Network {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    other.save(&path).unwrap();
    let mut network = network(recipe, on);
    network.restore_from(&path).unwrap();
    network
}

fn compared(backbone: &str, there: &[&str], on: Device) -> Apart {
    let (images, targets) = batch(8);
    let mut here = network(&recipe(backbone, &[]), Device::Cpu);
    let mut there = with_weights_of(&here, &recipe(backbone, there), on);
    apart(&mut there, &mut here, &images, &targets).unwrap()
}

#[test]
fn the_comparison_sees_rounding_and_worse() {
    // Half precision on the CPU is there to be seen, and within the bounds of a GPU's.
    let same = compared("resnet18", &[], Device::Cpu);
    assert!(same.features == 0.0 && same.change == 0.0, "{same:?}");
    for backbone in ["resnet18", "convnext_tiny", "vit_small_patch14_dinov2"] {
        let half = compared(backbone, &["optimizer.precision=bf16"], Device::Cpu);
        assert!((1e-4..6e-2).contains(&half.features), "{backbone}: {half:?}");
        assert!((1e-4..0.3).contains(&half.change), "{backbone}: {half:?}");
    }
    let (images, targets) = batch(8);
    let [mut one, mut other] =
        ["seed=42", "seed=43"].map(|seed| network(&recipe("resnet18", &[seed]), Device::Cpu));
    let other = apart(&mut other, &mut one, &images, &targets).unwrap();
    assert!(other.features > 0.1 && other.change > 0.1 && other.worst.1 > 0.1, "{other:?}");
}

#[test]
fn a_gpu_computes_what_the_cpu_does() {
    let Some(gpu) = gpu() else { return };
    for backbone in
        ["tf_efficientnet_lite0", "resnet18", "convnext_tiny", "vit_small_patch14_dinov2"]
    {
        for (precision, features, change) in
            [("f32", 1e-5, 1e-3), ("tf32", 2e-3, 2e-2), ("bf16", 6e-2, 0.3), ("f16", 1e-2, 0.1)]
        {
            let found = compared(backbone, &[&format!("optimizer.precision={precision}")], gpu);
            let is_close = found.features < features && found.change < change;
            assert!(is_close, "{backbone} in {precision}: {found:?}");
        }
    }
}

/// What a network that begins as `start` is after some steps, to the last bit.
fn trained(start: &Network, recipe: &Recipe, on: Device, stop_after: Option<u64>) -> Vec<u8> {
    let (images, targets) = batch(8);
    let input = Input::Images(images);
    let rates = StepRates { rates: [1e-4, 2e-4, 1e-3], momentum: 0.9 };
    let mut network = with_weights_of(start, recipe, on);
    network.begin(Trainable::Everything);
    for seed in 0..6 {
        if stop_after == Some(seed) {
            let bytes = Network::to_bytes(&network.snapshot()).unwrap();
            network = with_weights_of(start, recipe, on);
            network.begin(Trainable::Everything);
            network.restore(&network.snapshot_of(&bytes).unwrap());
        }
        network.step(&input, &targets, &rates, seed).unwrap().loss.wait().unwrap();
    }
    Network::to_bytes(&network.snapshot()).unwrap()
}

#[test]
fn deterministic_steps_have_the_same_bytes_and_so_has_a_run_that_goes_on() {
    let Some(gpu) = gpu() else { return };
    for backbone in ["tf_efficientnet_lite0", "vit_small_patch14_dinov2"] {
        for more in ["optimizer.average=0.9", "optimizer.precision=bf16"] {
            let settings = ["deterministic=true", "optimizer.kind=adamw", more];
            let recipe = recipe(backbone, &settings);
            let start = network(&recipe, Device::Cpu);
            let first = trained(&start, &recipe, gpu, None);
            assert!(trained(&start, &recipe, gpu, None) == first, "{backbone}, {more}");
            assert!(trained(&start, &recipe, gpu, Some(3)) == first, "{backbone}, {more}");
        }
    }
}

#[test]
fn one_seed_is_one_start_on_every_device() {
    let Some(gpu) = gpu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let start = |device| {
        network(&recipe("resnet18", &[]), device).save(&path).unwrap();
        kaggle_kit::fs::read(&path).unwrap()
    };
    // Another test may draw from the stream meanwhile, but hardly ten times in turn.
    assert!((0..10).any(|_| start(Device::Cpu) == start(gpu)));
}

#[test]
fn a_full_gpu_is_no_end() {
    let Some(gpu) = gpu() else { return };
    let recipe = recipe("resnet50", &[]);
    let mut network = network(&recipe, gpu);
    network.begin(Trainable::Everything);
    // All but 3 GiB; 256 pictures of 224 pixels want more than ten times as much.
    let take = |_| tch::Tensor::f_zeros([1_i64 << 30], (tch::Kind::Uint8, gpu)).ok();
    let mut taken: Vec<tch::Tensor> = (0..).map_while(take).collect();
    taken.truncate(taken.len().saturating_sub(3));
    let (n, size) = (256, 224);
    let pixels: Vec<u8> = (0..n * size * size * 3).map(|i| (i * 37 % 251) as u8).collect();
    let input = Input::Images(Images { pixels: pixels.into(), n, size });
    let targets = batch(n).1;
    let rates = StepRates { rates: [1e-5; 3], momentum: 0.9 };
    let outcome = network.step(&input, &targets, &rates, 1).unwrap();
    let note = outcome.note.unwrap();
    assert!(note.starts_with("out of memory: a batch of 256 is computed in "), "{note}");
    assert!(outcome.loss.wait().unwrap().is_finite());
    assert_eq!(network.predict(&input).unwrap().len(), n * N_CLASSES);
    drop(taken);
}
