//! Every backbone against timm: weights that follow from their names (tests/parity/parity.py), and
//! timm's features, pooled features and logits.

use std::collections::BTreeMap;

use kaggle_kit::zoo::{self, Architecture, Layout, N_GROUPS};
use kaggle_kit_engine::torch::backbone::{Backbone, Classifier, resampled};
use serde::Deserialize;
use tch::{Device, Kind, Tensor, nn};

#[derive(Deserialize)]
struct Reference {
    input_size: i64,
    mean: [f32; 3],
    std: [f32; 3],
    interpolation: String,
    crop_pct: f64,
    native_size: usize,
    parameters: BTreeMap<String, Vec<i64>>,
    features_shape: Vec<i64>,
    features_mean: f64,
    features_std: f64,
    pooled_shape: Vec<i64>,
    pooled_first8: Vec<Vec<f64>>,
    logits_shape: Vec<i64>,
    logits_first8: Vec<Vec<f64>>,
    logits_std: f64,
}

/// A test for each architecture, by its name.
macro_rules! parity {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            compare(
                stringify!($name),
                include_str!(concat!("../parity/", stringify!($name), ".json")),
            );
        }
    )*

        #[test]
        fn every_architecture_has_a_reference() {
            let known = [$(stringify!($name)),*];
            for architecture in zoo::architectures() {
                assert!(known.contains(&architecture.name), "{}", architecture.name);
            }
        }
    };
}

parity! {
    tf_efficientnet_lite0 tf_efficientnet_lite1 tf_efficientnet_lite2 mobilenetv2_100
    resnet18 resnet34 resnet50 resnet101 resnext50_32x4d resnext101_32x8d resnext101_64x4d
    convnext_tiny convnext_small convnext_base
    vit_small_patch14_dinov2 vit_base_patch14_dinov2
}

fn compare(name: &str, reference: &str) {
    let expected: Reference = serde_json::from_str(reference).unwrap();
    let architecture = zoo::find(name).unwrap();
    assert_eq!(architecture.mean, expected.mean);
    assert_eq!(architecture.std, expected.std);
    assert_eq!(format!("{:?}", architecture.interpolation).to_lowercase(), expected.interpolation);
    assert_eq!(architecture.crop_pct, expected.crop_pct);
    assert_eq!(architecture.native_size, expected.native_size);
    assert_eq!(architecture.width, expected.pooled_shape[1]);

    let (store, backbone, classifier) = network(&at_side(architecture, expected.input_size));
    let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
    let shapes: BTreeMap<String, Vec<i64>> =
        variables.iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect();
    assert_eq!(shapes, expected.parameters);

    let _no_grad = tch::no_grad_guard();
    for (name, mut variable) in variables {
        variable.copy_(&filled(&name, &variable.size()));
    }
    let side = expected.input_size;
    let input = (uniform("input", 2 * 3 * side * side) * 2.0).to_kind(Kind::Float);
    let input = input.view([2, 3, side, side]);
    // The strides of image bytes, which the program feeds, take other kernels than PyTorch's usual.
    let channels_last = input.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    for input in [input, channels_last] {
        let features = backbone.features(&input, false);
        let (pooled, logits) = (classifier.pooled(&features), classifier.logits(&features));

        assert_eq!(features.size(), expected.features_shape);
        let exact = features.to_kind(Kind::Double);
        close("features' mean", &exact.mean(None), &[expected.features_mean]);
        close("features' std", &exact.std(true), &[expected.features_std]);
        assert_eq!(pooled.size(), expected.pooled_shape);
        assert_eq!(logits.size(), expected.logits_shape);
        for (row, [of_pooled, of_logits]) in rows(&expected).enumerate() {
            let first8 = |t: &Tensor| t.get(row as i64).narrow(0, 0, 8);
            close("pooled", &first8(&pooled), of_pooled);
            close("logits", &first8(&logits), of_logits);
        }
        let logits_std = logits.to_kind(Kind::Double).std(true);
        close("logits' std", &logits_std, &[expected.logits_std]);
    }
}

fn rows(expected: &Reference) -> impl Iterator<Item = [&[f64]; 2]> {
    let pairs = expected.pooled_first8.iter().zip(&expected.logits_first8);
    pairs.map(|(pooled, logits)| [&pooled[..], &logits[..]])
}

/// Within 2e-5 of each value (1e-6 is usual), or of a tenth of the largest for one near zero, which
/// is a difference of larger terms.
fn close(what: &str, actual: &Tensor, expected: &[f64]) {
    let actual = Vec::<f64>::try_from(actual.to_kind(Kind::Double).view([-1])).unwrap();
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (a, e) in actual.iter().zip(expected) {
        let error = (a - e).abs() / e.abs().max(0.1 * largest);
        assert!(error < 2e-5, "{what}: {actual:?} is not {expected:?} ({error:.1e})");
    }
}

/// A transformer whose positions are those of pictures of `side` pixels, as the reference's are.
fn at_side(architecture: &Architecture, side: i64) -> Architecture {
    let mut architecture = architecture.clone();
    if let Layout::Vision(net) = &mut architecture.layout {
        net.grid = side / net.patch;
    }
    architecture
}

fn network(architecture: &Architecture) -> (nn::VarStore, Backbone, Classifier) {
    let store = nn::VarStore::new(Device::Cpu);
    let backbone = Backbone::new(&store.root(), architecture).unwrap();
    let classifier = Classifier::new(&store.root(), architecture);
    (store, backbone, classifier)
}

/// The values that parity.py gives to the parameter `name`.
fn filled(name: &str, shape: &[i64]) -> Tensor {
    let u = uniform(name, shape.iter().product());
    let is_scale = shape.len() == 1 && [".weight", "gamma"].iter().any(|end| name.ends_with(end));
    let values = if name.ends_with("running_var") {
        u * 0.5 + 1.0
    } else if is_scale {
        u * 0.2 + 1.0
    } else if shape.len() == 1 || ["cls_token", "pos_embed"].contains(&name) {
        u * 0.1
    } else {
        u * (12.0 / shape[1..].iter().product::<i64>() as f64).sqrt()
    };
    values.to_kind(Kind::Float).view(shape)
}

/// `n` numbers in `[-0.5, 0.5)` that follow from a name.
fn uniform(name: &str, n: i64) -> Tensor {
    let offset = u64::from(crc32(name.as_bytes()));
    let values: Vec<f64> = (0..n as u64)
        .map(|i| {
            let mixed = (i * 2_654_435_761 + offset) % (1 << 32);
            mixed as f64 / f64::from(1 << 16) / f64::from(1 << 16) - 0.5
        })
        .collect();
    Tensor::from_slice(&values)
}

/// CRC-32 as zlib has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// One of each family, and one of each kind of block: what the others are made of.
const SMALLEST: [&str; 6] = [
    "tf_efficientnet_lite0",
    "mobilenetv2_100",
    "resnet18",
    "resnext50_32x4d",
    "convnext_tiny",
    "vit_small_patch14_dinov2",
];

#[test]
fn a_layer_group_computes_with_its_own_variables_all_of_them_and_no_others() {
    for architecture in SMALLEST.map(|name| zoo::find(name).unwrap()) {
        let pictures = Tensor::ones([1, 3, 64, 64], (Kind::Float, Device::Cpu));
        let (_, backbone, _) = network(architecture);
        let between = tch::no_grad(|| backbone.forward_group(0, &pictures, false));
        for (group, input) in [(0, &pictures), (1, &between)] {
            let (store, backbone, _) = network(architecture);
            backbone.forward_group(group, input, true).sum(Kind::Float).backward();
            for (name, variable) in store.variables() {
                let own = architecture.group_of(&name) == group;
                if variable.requires_grad() {
                    assert_eq!(variable.grad().defined(), own, "{name} in {group}");
                } else {
                    // A running statistic: training moves it, from a mean of 0 or a variance of 1.
                    let start = if name.ends_with("running_var") { 1.0 } else { 0.0 };
                    let moved = variable.ne(start).any().int64_value(&[]) == 1;
                    assert_eq!(moved, own, "{name} in {group}");
                }
            }
        }
    }
}

#[test]
fn every_architecture_learns_in_both_groups() {
    for architecture in zoo::architectures() {
        let (store, backbone, _) = network(architecture);
        let pictures = uniform("input", 2 * 3 * 56 * 56).view([2, 3, 56, 56]).to_kind(Kind::Float);
        let pooled = backbone.pool(&backbone.features(&pictures, true));
        assert_eq!(pooled.size(), [2, 2 * architecture.width], "{}", architecture.name);
        (&pooled * &pooled).mean(Kind::Float).backward();
        let mut longest = [0.0_f64; N_GROUPS];
        for (name, variable) in store.variables() {
            let group = architecture.group_of(&name);
            if variable.requires_grad() && group < N_GROUPS {
                let length = variable.grad().norm().double_value(&[]);
                assert!(length.is_finite(), "{name} of {}", architecture.name);
                longest[group] = longest[group].max(length);
            }
        }
        assert!(longest.iter().all(|&length| length > 0.0), "{}: {longest:?}", architecture.name);
    }
}

#[test]
fn parameters_are_as_many_as_the_table_says() {
    for architecture in zoo::architectures() {
        let (store, _, _) = network(architecture);
        let (mut all, mut body) = (0, 0);
        for (name, variable) in store.variables() {
            let n = if variable.requires_grad() { variable.numel() as u64 } else { 0 };
            all += n;
            body += if architecture.is_classifier(&name) { 0 } else { n };
        }
        let expected = (architecture.parameters, architecture.body_parameters());
        assert_eq!((all, body), expected, "{}", architecture.name);
    }
}

#[test]
fn positions_are_resampled_as_timm_does() {
    #[derive(Deserialize)]
    struct Resampled {
        first8: Vec<f64>,
        last8: Vec<f64>,
        mean: f64,
        std: f64,
    }
    let expected: Resampled =
        serde_json::from_str(include_str!("../parity/resample_pos_embed.json")).unwrap();
    let positions = filled("pos_embed", &[1, 1 + 37 * 37, 384]);
    let found = resampled(&positions, 37, [16, 16]);
    assert_eq!(found.size(), [1, 257, 384]);
    close("first", &found.get(0).get(1).narrow(0, 0, 8), &expected.first8);
    close("last", &found.get(0).get(256).narrow(0, 376, 8), &expected.last8);
    let exact = found.to_kind(Kind::Double);
    assert!((exact.mean(None).double_value(&[]) - expected.mean).abs() < 1e-8);
    close("std", &exact.std(true), &[expected.std]);
    assert!(resampled(&positions, 37, [37, 37]).equal(&positions));
}

#[test]
fn a_transformer_takes_any_size_and_half_precision() {
    let architecture = at_side(zoo::find("vit_small_patch14_dinov2").unwrap(), 98);
    let (_, backbone, _) = network(&architecture);
    let _no_grad = tch::no_grad_guard();
    let pictures = |side| Tensor::rand([2, 3, side, side], (Kind::Float, Device::Cpu));
    for (side, places) in [(98, 7), (100, 7), (70, 5), (112, 8)] {
        let features = backbone.features(&pictures(side), false);
        assert_eq!(features.size(), [2, 1 + places * places, 384]);
        assert_eq!(backbone.pool(&features).size(), [2, 768]);
        assert_eq!(backbone.maps(&features).unwrap().size(), [2, 384, places, places]);
    }
    let x = pictures(98);
    let exact = backbone.pool(&backbone.features(&x, false));
    let half = backbone.pool(&backbone.features(&x.to_kind(Kind::BFloat16), false));
    assert_eq!(half.kind(), Kind::Float);
    assert!(half.allclose(&exact, 0.05, 0.1, false));
}

#[test]
fn batch_normalisation_trains_with_pytorchs_momentum() {
    for name in ["tf_efficientnet_lite0", "resnet18"] {
        let (store, backbone, _) = network(zoo::find(name).unwrap());
        let x = uniform("input", 4 * 3 * 64 * 64).view([4, 3, 64, 64]).to_kind(Kind::Float);
        let variables = store.variables();
        let _no_grad = tch::no_grad_guard();
        let (conv, padding, edge) = match name {
            "resnet18" => ("conv1.weight", 3, [0; 4]),
            _ => ("conv_stem.weight", 0, [0, 1, 0, 1]),
        };
        let weight = &variables[conv];
        let y = x.constant_pad_nd(edge).conv2d::<Tensor>(weight, None, 2, padding, 1, 1);
        let _moves_the_statistics = backbone.forward_group(0, &x, true);
        let [mean, var] = ["mean", "var"].map(|what| &variables[&format!("bn1.running_{what}")]);
        let over: &[i64] = &[0, 2, 3];
        assert!(mean.allclose(&(y.mean_dim(over, false, None) * 0.1), 1e-4, 1e-6, false));
        let expected = y.var_dim(over, true, false) * 0.1 + 0.9;
        assert!(var.allclose(&expected, 1e-4, 1e-6, false));
    }
}
