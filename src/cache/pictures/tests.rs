//! Pictures are kept, shared, checked, bounded.

use tempfile::TempDir;

use super::*;
use crate::cache::{CacheState, Holds, Removal, Store};

const SIDES: [[usize; 2]; 3] = [[4, 2], [1, 1], [3, 5]];

fn key(transform: &str) -> PicturesKey {
    let pixels = [[1; 16], [2; 16], [3; 16]];
    let (label, size, sides) = ("dogs", 2, &SIDES);
    PicturesKey::new(&PictureSource { label, transform, size, pixels: &pixels, sides })
}

fn scratch() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("kept"), Some(1_000_000));
    (folder, store)
}

fn read(pictures: &PictureFile, place: usize) -> Option<Vec<u8>> {
    let mut room = vec![9; 100];
    pictures.read(place, &mut room).then_some(room)
}

fn pixels(place: usize) -> Vec<u8> {
    let [width, height] = SIDES[place];
    (0..width * height * 3).map(|i| (i * 7 + place) as u8).collect()
}

#[test]
fn what_was_put_is_there_for_this_run_and_the_next() {
    let (_folder, store) = scratch();
    let pictures = store.pictures(&key("whole")).unwrap();
    assert_eq!((pictures.len(), read(&pictures, 0)), (3, None));
    for place in [2, 0] {
        pictures.put(place, &pixels(place));
        pictures.put(place, &pixels(place));
        assert_eq!(read(&pictures, place), Some(pixels(place)));
    }
    // Another run has the file too, while this one does.
    let again = store.pictures(&key("whole")).unwrap();
    assert_eq!(again.kept(), 2);
    assert_eq!(read(&again, 2), Some(pixels(2)));
    assert_eq!(read(&again, 1), None);
    drop((pictures, again));
    let other = store.pictures(&key("squares")).unwrap();
    assert_eq!(other.kept(), 0, "another way to make them is another key");
}

#[test]
fn a_picture_that_is_damaged_is_made_again() {
    let (_folder, store) = scratch();
    let pictures = store.pictures(&key("whole")).unwrap();
    (0..3).for_each(|place| pictures.put(place, &pixels(place)));
    let (path, at) =
        (store.folder().join(key("whole").name()).join(PICTURES), pictures.starts[2] as u64);
    drop(pictures);
    let file = fs::File::options().write(true).open(&path).unwrap();
    fs::write_at(&file, &[77], at + 1).unwrap();
    let pictures = store.pictures(&key("whole")).unwrap();
    assert_eq!(read(&pictures, 2), None);
    assert_eq!(read(&pictures, 1), Some(pixels(1)));
    pictures.put(2, &pixels(2));
    assert_eq!(read(&pictures, 2), Some(pixels(2)));
    drop((pictures, file));
    fs::write_atomic(&path, "something else").unwrap();
    assert_eq!(store.entries().unwrap()[0].state, CacheState::Unusable);
    assert_eq!(store.pictures(&key("whole")).unwrap().kept(), 0);
}

#[test]
fn a_file_that_is_cut_short_in_use_only_costs_the_pictures() {
    let (_folder, store) = scratch();
    let pictures = store.pictures(&key("whole")).unwrap();
    (0..3).for_each(|place| pictures.put(place, &pixels(place)));
    let path = store.folder().join(key("whole").name()).join(PICTURES);
    let other = fs::File::options().write(true).open(&path).unwrap();
    other.set_len(pictures.starts[1] as u64).unwrap();
    assert_eq!([0, 1].map(|place| read(&pictures, place)), [Some(pixels(0)), None]);
    // What is not in the file any more is no picture, however long the file is made again.
    other.set_len(1000).unwrap();
    assert_eq!(read(&pictures, 2), None);
    pictures.put(1, &pixels(1));
    assert_eq!(read(&pictures, 1), Some(pixels(1)));
}

#[test]
fn a_disk_that_takes_no_more_only_ends_the_keeping() {
    let (_folder, store) = scratch();
    let mut pictures = store.pictures(&key("whole")).unwrap();
    pictures.put(0, &pixels(0));
    let path = store.folder().join(key("whole").name()).join(PICTURES);
    pictures.file = fs::File::open(path).unwrap();
    pictures.put(1, &pixels(1));
    assert_eq!((read(&pictures, 0), read(&pictures, 1)), (Some(pixels(0)), None));
    assert!(pictures.trouble().is_some());
}

#[test]
fn they_are_listed_bounded_and_removed_unless_in_use() {
    let (folder, store) = scratch();
    let pictures = store.pictures(&key("whole")).unwrap();
    let entry = store.entries().unwrap().remove(0);
    assert!(entry.in_use && entry.state == CacheState::Finished && entry.bytes > key("").bytes());
    let Some(Holds::Pictures(about)) = entry.holds else { panic!("{:?}", entry.holds) };
    assert_eq!((about.label.as_str(), about.pictures.as_str()), ("dogs", "3"));
    assert_eq!(store.remove(&entry.key).unwrap(), Removal::InUse);
    drop(pictures);
    assert_eq!(store.remove(&entry.key).unwrap(), Removal::Removed);
    let small = Store::new(folder.path().join("small"), Some(key("").bytes() - 1));
    let error = small.pictures(&key("whole")).unwrap_err().to_string();
    assert!(error.contains("`KAGGLE_KIT_CACHE_GB`"), "{error}");
    assert_eq!(small.entries().unwrap().len(), 0);
}
