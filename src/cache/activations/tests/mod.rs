//! Caches through their door: found again, never stale, bounded, shared.

mod bounds;
mod harm;

use std::path::PathBuf;
use std::sync::Mutex;

use half::f16;
use safetensors::SafeTensors;
use tempfile::TempDir;

use super::*;
use crate::cache::{CacheState, Holds, Removal, Store};
use crate::hash::Hash;
use crate::progress::Progress;

const WIDTH: usize = 3;

/// Two blocks a view, the second one smaller.
fn images() -> Vec<Hash> {
    (0..300_u16).map(|i| Hash([i.to_le_bytes()[0]; 32])).collect()
}

fn source(images: &[Hash]) -> ActivationsSource<'_> {
    ActivationsSource {
        label: "dogs",
        backbone: "resnet18",
        weights: Hash([7; 32]),
        engine: "libtorch on cpu",
        transform: "centre 0.875; side-on, seed 42",
        size: 224,
        images,
        views: 2,
        width: WIDTH,
        dtype: Dtype::F32,
    }
}

fn key(change: impl FnOnce(&mut ActivationsSource)) -> ActivationsKey {
    let images = images();
    let mut source = source(&images);
    change(&mut source);
    ActivationsKey::new(&source)
}

/// A number that tells its place and that f16 can hold.
fn number(view: usize, image: usize, column: usize) -> f32 {
    ((view * 1000 + image * 3 + column) % 2048) as f32 / 64.0
}

fn row(view: usize, image: usize) -> Vec<f32> {
    (0..WIDTH).map(|column| number(view, image, column)).collect()
}

/// Computes what is missing, in batches of 32, at most `batches` of them.
fn compute(writer: &mut Writer, batches: usize) {
    let all = writer.missing().into_iter().flat_map(|(view, images)| {
        let batches = images.clone().step_by(32);
        batches.map(move |start| (view, start..images.end.min(start + 32))).collect::<Vec<_>>()
    });
    for (view, images) in all.take(batches) {
        writer.append(&images.flat_map(|image| row(view, image)).collect::<Vec<_>>()).unwrap();
    }
}

fn written(store: &Store, key: &ActivationsKey) -> ActivationRows {
    let Slot::Empty(mut writer) = store.claim(key, &()) else { panic!("it is there already") };
    compute(&mut writer, usize::MAX);
    writer.finish().unwrap()
}

fn found(store: &Store, key: &ActivationsKey) -> ActivationRows {
    match store.claim(key, &()) {
        Slot::Ready(rows) => rows,
        Slot::Empty(_) => panic!("it is not there"),
    }
}

fn assert_rows(rows: &ActivationRows) {
    let Shape { views, images, .. } = rows.shape();
    for view in 0..views {
        for image in 0..images {
            assert_eq!(
                rows.rows(&[rows.index(view, image)]).unwrap(),
                row(view, image),
                "{view} {image}"
            );
        }
    }
}

fn scratch() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("activations"), None);
    (folder, store)
}

fn file(store: &Store, key: &ActivationsKey, name: &str) -> PathBuf {
    store.folder().join(key.name()).join(name)
}

fn states(store: &Store) -> Vec<CacheState> {
    store.entries().unwrap().into_iter().map(|entry| entry.state).collect()
}

/// What a progress is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn whatever_changes_the_numbers_changes_the_key() {
    let same = key(|_| {});
    assert_eq!(same, key(|_| {}));
    assert_eq!(same.name().len(), 32);
    assert_eq!(same.name(), key(|source| source.label = "cats").name());
    let (mut swapped, mut fewer, mut changed) = (images(), images(), images());
    swapped.swap(3, 4);
    fewer.pop();
    changed[299].0[31] ^= 1;
    let others = [
        key(|source| source.backbone = "resnet34"),
        key(|source| source.weights.0[31] ^= 1),
        key(|source| source.engine = "libtorch on cuda"),
        key(|source| source.transform = "centre 0.875; side-on, seed 43"),
        key(|source| source.size = 192),
        key(|source| source.views = 3),
        key(|source| source.width = 4),
        key(|source| source.dtype = Dtype::F16),
        ActivationsKey::new(&source(&swapped)),
        ActivationsKey::new(&source(&fewer)),
        ActivationsKey::new(&source(&changed)),
        // Text must not move from one field to the next.
        key(|source| (source.backbone, source.engine) = ("resnet18l", "ibtorch on cpu")),
    ];
    for (i, other) in others.iter().enumerate() {
        assert_ne!(same.name(), other.name(), "change {i}");
    }
}

#[test]
fn rows_are_found_again_as_they_were_computed() {
    for dtype in [Dtype::F32, Dtype::F16] {
        let (_folder, store) = scratch();
        let key = key(|source| source.dtype = dtype);
        assert!(store.open(&key).is_none());
        assert_rows(&written(&store, &key));
        let rows = found(&store, &key);
        assert_rows(&rows);
        assert_eq!(rows.unsaved(), None);
        // In any order, and more than once.
        let places = [(1, 299), (0, 0), (1, 299)];
        let indices = places.map(|(view, image)| rows.index(view, image));
        let expected: Vec<f32> = places.into_iter().flat_map(|(v, i)| row(v, i)).collect();
        assert_eq!(rows.rows(&indices).unwrap(), expected);
        assert_eq!(rows.rows(&[]).unwrap(), [0.0; 0]);
    }
}

#[test]
fn half_precision_rounds_to_nearest() {
    let (_folder, store) = scratch();
    let image = [Hash([0; 32])];
    let mut source = source(&image);
    (source.views, source.dtype) = (1, Dtype::F16);
    let key = ActivationsKey::new(&source);
    let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!() };
    let numbers = [0.1, 65519.0, -3e-7];
    writer.append(&numbers).unwrap();
    let rows = writer.finish().unwrap().rows(&[0]).unwrap();
    assert_eq!(rows, numbers.map(|x| f16::from_f32(x).to_f32()));
    assert_eq!(rows[1], 65504.0);
    assert!((rows[0] / 0.1 - 1.0).abs() < 2_f32.powi(-11));
}

#[test]
fn numbers_that_cannot_be_kept_are_refused_with_their_image() {
    let cases = [
        (Dtype::F32, f32::NAN, "image 33 is NaN"),
        (Dtype::F16, f32::NEG_INFINITY, "image 33 is -inf"),
        (Dtype::F16, 65520.0, "image 33 is 65520, which is too large for f16"),
    ];
    for (dtype, bad, expected) in cases {
        let (_folder, store) = scratch();
        let key = key(|source| source.dtype = dtype);
        let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!() };
        compute(&mut writer, 1);
        let error = writer.append(&[1.0, 1.0, 1.0, 1.0, bad, 1.0]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let (_folder, store) = scratch();
    let Slot::Empty(mut writer) = store.claim(&key(|_| {}), &()) else { panic!() };
    assert!(writer.append(&[1.0; 4]).unwrap_err().to_string().contains("no rows of 3"));
    compute(&mut writer, usize::MAX);
    assert!(writer.append(&[1.0; 3]).unwrap_err().to_string().contains("more activations"));
}

#[test]
fn an_unfinished_cache_is_not_found() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!() };
    compute(&mut writer, 12);
    let error = writer.finish().unwrap_err().to_string();
    // One block of view 0, one smaller one, and what did not fill a block of view 1.
    assert_eq!(error, "300 of 600 activations were not computed");
    assert!(store.open(&key).is_none());
    assert_eq!(states(&store), [CacheState::Unfinished]);
    let Slot::Empty(writer) = store.claim(&key, &()) else { panic!() };
    assert_eq!(writer.missing(), [(1, 0..300)]);
}

#[test]
fn a_cache_under_another_name_is_not_used() {
    let (_folder, store) = scratch();
    let (key, other) = (key(|_| {}), key(|source| source.size = 192));
    drop(written(&store, &key));
    let folder = |key: &ActivationsKey| store.folder().join(key.name());
    fs::rename(folder(&key), folder(&other)).unwrap();
    assert!(store.open(&key).is_none() && store.open(&other).is_none());
    assert_eq!(states(&store), [CacheState::Unusable]);
    assert_rows(&written(&store, &other));
}

#[test]
fn other_programs_can_read_the_file() {
    let (_folder, store) = scratch();
    let key = key(|source| source.dtype = Dtype::F16);
    drop(written(&store, &key));
    let bytes = fs::read(file(&store, &key, DATA)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let activations = tensors.tensor("activations").unwrap();
    assert_eq!(activations.shape(), [2, 300, WIDTH]);
    assert_eq!(activations.dtype(), safetensors::Dtype::F16);
    let first: Vec<f32> = activations.data()[..2 * WIDTH]
        .chunks(2)
        .map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32())
        .collect();
    assert_eq!(first, row(0, 0));
    assert_eq!(tensors.tensor("crc32c").unwrap().shape(), [4]);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["backbone"], "resnet18");
}
