use std::path::PathBuf;
use std::sync::Mutex;

use image::{Rgb, RgbImage, imageops};
use rand::Rng;
use tempfile::TempDir;

use super::*;
use crate::fs;
use crate::rng::{self, Purpose};

/// A folder of drawn photographs: each number draws another.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn save(&self, name: &str, image: &RgbImage, class: usize) -> Sample {
        let path = self.path(name);
        image.save(&path).unwrap();
        Sample::new(name.to_owned(), path, vec![class])
    }

    fn find(&self, train: &[Sample], test: &[Sample]) -> Twins {
        find_twins(train, test, self.0.path(), &Symmetry::ALL, &()).unwrap()
    }
}

/// Ten soft blobs at random places.
fn photograph(number: u64) -> RgbImage {
    let mut rng = rng::stream(Purpose::Draw, 4, number, 0);
    let blobs: [[f32; 4]; 10] = std::array::from_fn(|_| rng.random());
    RgbImage::from_fn(120, 90, |x, y| {
        let (x, y) = (x as f32 / 120.0, y as f32 / 90.0);
        let of_blob = |[left, top, size, strength]: &[f32; 4]| {
            let distance = (x - left).powi(2) + (y - top).powi(2);
            (strength - 0.5) * (-distance / (0.02 + 0.1 * size * size)).exp()
        };
        let light = 128.0 + 200.0 * blobs.iter().map(of_blob).sum::<f32>();
        Rgb([light as u8, (light * 0.9) as u8, (light * 0.7) as u8])
    })
}

#[test]
fn twins_are_found_in_and_between_the_sets() {
    let folder = Folder::new();
    let mut train: Vec<Sample> =
        (0..12).map(|i| folder.save(&format!("{i}.png"), &photograph(i), 0)).collect();
    fs::copy(folder.path("1.png"), folder.path("12.png")).unwrap();
    train.push(Sample::new("12", folder.path("12.png"), vec![0]));
    train.push(folder.save("13.bmp", &photograph(3), 0));
    let small = imageops::thumbnail(&photograph(5), 70, 60);
    train.push(folder.save("14.jpg", &small, 1));
    let mirrored = imageops::flip_horizontal(&photograph(5));
    train.push(folder.save("15.jpg", &mirrored, 0));
    let test = [
        folder.save("a.png", &photograph(100), 0),
        folder.save("b.png", &imageops::crop_imm(&photograph(7), 1, 1, 118, 88).to_image(), 0),
        folder.save("c.jpg", &photograph(3), 0),
        folder.save("d.jpg", &photograph(100), 0),
    ];
    let found = folder.find(&train, &test);
    assert_eq!(found.groups, [vec![1, 12], vec![3, 13], vec![5, 14, 15]]);
    assert_eq!(found.likeness, [Likeness::SameFile, Likeness::SamePixels, Likeness::Similar]);
    assert_eq!(found.conflicts, [2]);
    assert_eq!(found.across, [(7, 1), (3, 2)]);
    assert_eq!(found.test_groups, [[0, 3]]);
    assert_eq!(found.least, Some(LEVELS[0]));
    assert_eq!(
        found.lines(&train, &test),
        [
            "7 of 16 training images show the same picture as another (3 groups: 1 of equal files, \
             1 of equal pixels, 1 of similar pictures); they stay on one side of a split",
            "1 group of one picture with different labels: `5.png` and `14.jpg` and `15.jpg`",
            "2 of 4 test images show a picture of the training set: `b.png` is `7.png`, `c.jpg` is \
             `3.png`",
        ]
    );
    // Without mirror images among the augmentations, a mirrored picture is another picture.
    let upright = [Symmetry::IDENTITY];
    let found = find_twins(&train, &test, folder.0.path(), &upright, &()).unwrap();
    assert_eq!(found.groups, [vec![1, 12], vec![3, 13], vec![5, 14]]);
}

#[test]
fn different_pictures_are_no_twins() {
    let folder = Folder::new();
    let blank = |i: u8| RgbImage::from_pixel(50, 40, Rgb([i; 3]));
    let train: Vec<Sample> = (0..200)
        .map(|i| folder.save(&format!("{i}.png"), &photograph(i), 0))
        .chain((0..20).map(|i| folder.save(&format!("blank-{i}.png"), &blank(i), 0)))
        .collect();
    let found = folder.find(&train, &[]);
    let sides: Vec<[usize; 2]> = found.pictures.iter().map(|picture| picture.sides).collect();
    assert_eq!((sides.len(), sides[0], sides[219]), (220, [120, 90], [50, 40]));
    assert_ne!(found.pictures[0].pixels, found.pictures[1].pixels);
    let found = Twins { pictures: Vec::new(), ..found };
    assert_eq!(found, Twins { least: Some(LEVELS[0]), ..Twins::default() });
    assert!(found.lines(&train, &[]).is_empty());
}

#[test]
fn pictures_that_are_alike_by_nature_are_no_heap_of_twins() {
    // The same ring with a little noise: scans of one kind of thing, each of another one.
    let ring = |number: u64| {
        let mut rng = rng::stream(Purpose::Draw, 5, number, 0);
        RgbImage::from_fn(64, 64, |x, y| {
            let radius = (x as f32 - 31.5).hypot(y as f32 - 31.5);
            let light = 120.0 + 100.0 * (radius / 4.0).cos() + rng.random_range(-25.0..25.0);
            Rgb([light as u8; 3])
        })
    };
    let folder = Folder::new();
    let mut train: Vec<Sample> =
        (0..40).map(|i| folder.save(&format!("{i}.png"), &ring(i), 0)).collect();
    train.push(folder.save("again.bmp", &ring(7), 0));
    let found = folder.find(&train, &[]);
    assert_eq!((found.groups, found.least), (vec![vec![7, 40]], None));
}

#[test]
fn a_second_look_reads_no_image() {
    let folder = Folder::new();
    let named = |(name, i): (&str, u64)| folder.save(name, &photograph(i), 0);
    let train = [("a.png", 1), ("b.png", 2), ("c.png", 1)].map(named);
    let first = folder.find(&train, &[]);
    assert_eq!(first.groups, [[0, 2]]);
    // Another file of the same size and time, as `tar -x` and `cp -p` leave it, is another file.
    let time = fs::metadata(&train[1].path).unwrap().modified().unwrap();
    let bytes = vec![0; fs::metadata(&train[1].path).unwrap().len() as usize];
    fs::write_atomic(&train[1].path, bytes).unwrap();
    let spoilt = fs::File::options().write(true).open(&train[1].path).unwrap();
    spoilt.file().set_modified(time).unwrap();
    let error = find_twins(&train, &[], folder.0.path(), &Symmetry::ALL, &()).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("1 of 3 images cannot be used:\n  `"), "{error}");
    assert!(error.contains("\nhint: get these files again"), "{error}");
}

#[test]
fn a_picture_is_known_by_its_bytes_under_any_name() {
    let folder = Folder::new();
    let train = ["a.png", "b.png"].map(|name| folder.save(name, &photograph(1), 0));
    let first = folder.find(&train, &[]);
    let file = folder.path(".kaggle-kit/looks.bin");
    let known = fs::read(&file).unwrap();
    fs::rename(&train[0].path, folder.path("c.png")).unwrap();
    let moved = Sample { path: folder.path("c.png"), ..train[0].clone() };
    assert_eq!(folder.find(&[moved, train[1].clone()], &[]), first);
    assert_eq!(fs::read(&file).unwrap(), known);
}

#[test]
fn a_spoilt_record_is_written_anew() {
    let folder = Folder::new();
    let train = ["a.png", "b.png"].map(|name| folder.save(name, &photograph(1), 0));
    let first = folder.find(&train, &[]);
    let file = folder.path(".kaggle-kit/looks.bin");
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[MIDDLE] ^= 1;
    for bytes in [&whole[..whole.len() - 30], &flipped, b"", b"kaggle-kit looks 1\n"] {
        fs::write_atomic(&file, bytes).unwrap();
        assert_eq!(folder.find(&train, &[]), first);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
}

/// A byte of the first entry's fingerprint.
const MIDDLE: usize = 70;

#[test]
fn a_folder_that_cannot_be_written_to_is_looked_at_each_time() {
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);
    impl Progress for Notes {
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
    let folder = Folder::new();
    let train = ["a.png", "b.png"].map(|name| folder.save(name, &photograph(1), 0));
    // A file where the folder should be: also root, who may write anywhere, cannot make it.
    fs::write_atomic(folder.path(".kaggle-kit"), "").unwrap();
    let notes = Notes::default();
    let found = find_twins(&train, &[], folder.0.path(), &Symmetry::ALL, &notes).unwrap();
    assert_eq!(found.groups, [[0, 1]]);
    let notes = notes.0.into_inner().unwrap();
    assert!(notes.len() == 1 && notes[0].contains("cannot be written to"), "{notes:?}");
}

#[test]
fn a_set_whose_16_bits_are_hardly_used_is_told() {
    let gray = |folder: &Folder, name: &str, brightest: u16| {
        let pixel = |x, y| image::Luma([if x == y { brightest } else { brightest / 2 }]);
        let path = folder.path(name);
        image::ImageBuffer::from_fn(20, 20, pixel).save(&path).unwrap();
        Sample::new(name, path, vec![0])
    };
    for (train, test, expected) in [
        (vec![0, 60_000], vec![200], &["test image with 16 bits is above 200,"][..]),
        (vec![3, 255], vec![40_000], &["2 training images with 16 bits is above 255,"]),
        (vec![256], vec![4095], &["multiply all of them by 64", "multiply all of them by 16"]),
        (vec![16_383], vec![16_384], &["look dark here; multiply all of them by 4"]),
        (vec![65_535], vec![], &[]),
        (vec![], vec![], &[]),
    ] {
        let folder = Folder::new();
        let set = |name: &str, values: &[u16]| -> Vec<Sample> {
            let one = |(i, value): (usize, &u16)| gray(&folder, &format!("{name}{i}.png"), *value);
            values.iter().enumerate().map(one).collect()
        };
        let mut training = set("a", &train);
        // A picture of 8 bits says nothing.
        training.push(folder.save("photograph.png", &photograph(1), 0));
        let tests = set("b", &test);
        let first = folder.find(&training, &tests).warnings;
        assert_eq!(first.len(), expected.len(), "{first:?}");
        for (warning, expected) in first.iter().zip(expected) {
            assert!(warning.contains(expected), "{warning}");
        }
        assert_eq!(folder.find(&training, &tests).warnings, first, "known without decoding");
    }
}
