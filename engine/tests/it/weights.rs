//! Weights from files: the real ones, and files that are something else.

use std::path::{Path, PathBuf};

use kaggle_kit::fs;
use kaggle_kit::zoo::{self, Architecture};
use kaggle_kit_engine::torch::backbone::{Backbone, Classifier};
use kaggle_kit_engine::torch::weights;
use tch::{Device, Kind, Tensor, nn};

use crate::support;

#[test]
fn real_weights_know_cats_from_dogs() {
    let Some(folder) = support::shared("weights") else { return };
    let Some(pictures) = support::shared("data/dogs-vs-cats-redux-kernels-edition/train") else {
        return;
    };
    for name in ["tf_efficientnet_lite0", "mobilenetv2_100"] {
        let architecture = zoo::find(name).unwrap();
        let (store, backbone, classifier) = network(architecture);
        weights::load(&store, &folder.join(format!("{name}.safetensors")), architecture).unwrap();
        let _no_grad = tch::no_grad_guard();
        // Places of the dog breeds and of the domestic cats among ImageNet's classes.
        for (animal, classes) in [("dog", 151..269), ("cat", 281..286)] {
            let x = Tensor::stack(&first_pictures(&pictures, animal, 24, architecture), 0);
            let logits = classifier.logits(&backbone.features(&x, false));
            let top = Vec::<i64>::try_from(logits.argmax(1, false)).unwrap();
            let right = top.iter().filter(|class| classes.contains(*class)).count();
            assert!(right >= 17, "{name} takes {right} of 24 {animal}s for {animal}s: {top:?}");
        }
    }
}

/// Normalised pictures `[3, 224, 224]`, squeezed to the square.
fn first_pictures(folder: &Path, animal: &str, n: usize, arch: &Architecture) -> Vec<Tensor> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(animal));
    paths.sort();
    let side = arch.native_size as u32;
    let [mean, std] = [arch.mean, arch.std].map(|v| Tensor::from_slice(&v).view([3, 1, 1]));
    let load = |path: &PathBuf| {
        let filter = image::imageops::FilterType::CatmullRom;
        let picture = image::open(path).unwrap().resize_exact(side, side, filter).to_rgb8();
        let pixels = Tensor::from_slice(&picture).view([i64::from(side), i64::from(side), 3]);
        (pixels.permute([2, 0, 1]).to_kind(Kind::Float) / 255.0 - &mean) / &std
    };
    paths.iter().take(n).map(load).collect()
}

#[test]
fn weights_of_another_architecture_are_named_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (theirs, ours) in [
        ("mobilenetv2_100", "tf_efficientnet_lite0"),
        // Every tensor of ResNet-18 is in ResNet-34, in the same shape.
        ("resnet34", "resnet18"),
        ("resnet18", "resnet50"),
    ] {
        let path = folder.path().join(theirs);
        weights::save(&network(zoo::find(theirs).unwrap()).0, &path).unwrap();
        let architecture = zoo::find(ours).unwrap();
        let (store, ..) = network(architecture);
        let before = bytes(&store, folder.path());
        let message = format!("{:#}", weights::load(&store, &path, architecture).unwrap_err());
        let expected = format!("do not fit `{ours}`: they are those of `{theirs}`");
        assert!(message.contains(&expected), "{message}");
        assert!(bytes(&store, folder.path()) == before);
    }
}

#[test]
fn missing_and_misshapen_tensors_are_listed() {
    let architecture = zoo::find("resnet18").unwrap();
    let (store, ..) = network(architecture);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.safetensors");
    let mut tensors: Vec<(String, Tensor)> = store.variables().into_iter().collect();
    tensors.retain(|(name, _)| !name.starts_with("layer4.1"));
    for (name, tensor) in &mut tensors {
        if name == "conv1.weight" {
            *tensor = Tensor::zeros([64, 1, 7, 7], (Kind::Float, Device::Cpu));
        }
    }
    Tensor::write_safetensors(&tensors, &path).unwrap();
    let message = weights::load(&store, &path, architecture).unwrap_err().to_string();
    assert!(
        message.contains(
            "10 missing (`layer4.1.bn1.bias`, `layer4.1.bn1.running_mean`, \
             `layer4.1.bn1.running_var`, ...); 1 of another shape (`conv1.weight` is [64, 1, 7, 7] \
             and should be [64, 3, 7, 7])"
        ),
        "{message}"
    );
}

#[test]
fn a_file_in_half_precision_is_widened_and_its_classifier_left_out() {
    let architecture = zoo::find("resnet18").unwrap();
    let (theirs, ..) = network(architecture);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let mut tensors: Vec<(String, Tensor)> = theirs.variables().into_iter().collect();
    for (_, tensor) in &mut tensors {
        *tensor = tensor.to_kind(Kind::Half);
    }
    tensors.push(("bn1.num_batches_tracked".to_owned(), Tensor::from(7_i64)));
    Tensor::write_safetensors(&tensors, &path).unwrap();

    let ours = nn::VarStore::new(Device::Cpu);
    Backbone::new(&ours.root(), architecture).unwrap();
    weights::load(&ours, &path, architecture).unwrap();
    let [a, b] = [&theirs, &ours].map(|s| s.variables()["layer3.0.conv1.weight"].shallow_clone());
    assert!(a.allclose(&b, 1e-3, 1e-5, false) && b.kind() == Kind::Float);
}

#[test]
fn a_file_that_is_not_weights_is_told_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let architecture = zoo::DEFAULT;
    let (store, ..) = network(architecture);
    weights::save(&store, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let cases: [(&[u8], &str); 7] = [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "it is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (b"PK\x03\x04archive/data.pkl", "it is no whole zip"),
        (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "its pickle ends too early"),
        (&good[..good.len() - 1], "it is damaged"),
        (&good[1..], "it is damaged"),
    ];
    for (bytes, expected) in cases {
        fs::write_atomic(&path, bytes).unwrap();
        let message = format!("{:#}", weights::load(&store, &path, architecture).unwrap_err());
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("model.safetensors"), "{message}");
    }
}

#[test]
fn a_saved_network_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let [path, again] = ["a", "b"].map(|name| folder.path().join(name));
    let architecture = zoo::find("resnet18").unwrap();
    let (store, ..) = network(architecture);
    weights::save(&store, &path).unwrap();
    let (other, ..) = network(architecture);
    weights::restore(&other, &path).unwrap();
    weights::save(&other, &again).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());

    let _head = nn::linear(other.root() / "head", 512, 2, nn::LinearConfig::default());
    let message = weights::restore(&other, &path).unwrap_err().to_string();
    assert!(message.contains("2 missing (`head.bias`, `head.weight`)"), "{message}");
}

fn network(architecture: &Architecture) -> (nn::VarStore, Backbone, Classifier) {
    let store = nn::VarStore::new(Device::Cpu);
    let backbone = Backbone::new(&store.root(), architecture).unwrap();
    let classifier = Classifier::new(&store.root(), architecture);
    (store, backbone, classifier)
}

fn bytes(store: &nn::VarStore, folder: &Path) -> Vec<u8> {
    weights::save(store, &folder.join("bytes")).unwrap();
    fs::read(folder.join("bytes")).unwrap()
}
