//! Conversions of whole data folders.

use super::*;
use crate::fs;

const SPEC: &str = r#"
title = "Slices"
slug = "slices"
metric = "log-loss"
[files]
train = ["train"]
test = ["test"]
sample = "sample.csv"
windows = [[40, 80]]
[target]
kind = "single-label"
[target.labels.csv]
file = "train.csv"
id = "id"
label = "label"
[submission.probability-per-class]
id = "id"
"#;

fn spec(text: &str) -> Competition {
    Competition::parse("slices", text, "slices.toml").unwrap()
}

fn slices(data: &Path) -> Vec<Source> {
    let bytes = dicom::tests::file(dicom::tests::EXPLICIT, &[]);
    for name in ["train/1.2.dcm", "train/b/x.1.DCM", "train/plain", "test/c.dcm"] {
        fs::write_atomic(data.join(name), &bytes).unwrap();
    }
    fs::write_atomic(data.join("train/notes.txt"), "of other things").unwrap();
    let source = |place: &str, is_train| {
        let place = RelativePath::new(place).unwrap();
        Source { path: place.under(data), place, is_train }
    };
    vec![source("train", true), source("test", false)]
}

fn names(data: &Path) -> Vec<String> {
    let root = place::images(data);
    let files = fs::below(&root, None).unwrap().files.into_iter();
    files.map(|(path, _)| path.strip_prefix(&root).unwrap().display().to_string()).collect()
}

fn run_all(text: &str, data: &Path) -> Result<Converted> {
    let competition = spec(text);
    run(&competition, &competition.raw().unwrap(), &slices(data), data, &())
}

#[test]
fn slices_are_converted_once_and_again_when_the_spec_changes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let competition = spec(SPEC);
    let error = images_in(&competition, data).unwrap_err().to_string();
    assert!(error.contains("yet\nhint: run `kaggle-kit fetch slices`"), "{error}");
    assert_eq!(run_all(SPEC, data).unwrap().images, 4);
    assert_eq!(images_in(&competition, data).unwrap(), place::images(data));
    assert_eq!(names(data), ["test/c.png", "train/1.2.png", "train/b/x.1.png", "train/plain.png"]);
    let said = fs::read_to_string(table(&competition, data, DICOM).unwrap()).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "id,file,PatientID,StudyInstanceUID");
    assert_eq!(lines[2], "x.1,train/b/x.1.png,patient 7,");
    let pixel = |data: &Path| {
        let image = image::open(place::images(data).join("test/c.png")).unwrap();
        image.into_luma8().into_raw()
    };
    assert_eq!(pixel(data), [0, 0, 126, 129, 255, 255]);

    // The same again writes nothing; what is no whole picture of this source is made again.
    let written =
        |name: &str| fs::metadata(place::images(data).join(name)).unwrap().modified().unwrap();
    let before = written("train/plain.png");
    fs::write_atomic(place::images(data).join("test/c.png"), "half").unwrap();
    fs::write_atomic(place::images(data).join("train/gone.png"), "of a file that is gone").unwrap();
    run_all(SPEC, data).unwrap();
    assert_eq!(written("train/plain.png"), before);
    assert_eq!(pixel(data), [0, 0, 126, 129, 255, 255]);
    assert_eq!(names(data).len(), 4);

    let other = SPEC.replace("[40, 80]", "[40, 1]");
    let error = images_in(&spec(&other), data).unwrap_err().to_string();
    assert!(error.contains("otherwise than the spec says now\nhint: "), "{error}");
    run_all(&other, data).unwrap();
    assert_eq!(pixel(data), [0, 0, 0, 255, 255, 255]);
    assert!(images_in(&competition, data).is_err());
}

#[test]
fn one_damaged_file_is_told_and_stays_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let competition = spec(SPEC);
    let sources = slices(data);
    let bytes = fs::read(data.join("test/c.dcm")).unwrap();
    fs::write_atomic(data.join("train/plain"), &bytes[..bytes.len() - 4]).unwrap();
    let raw = competition.raw().unwrap();
    let converted = run(&competition, &raw, &sources, data, &()).unwrap();
    assert_eq!((converted.images, converted.broken), (4, 1));
    assert!(converted.broken_files[0].contains("plain`: it is cut off"), "{converted:?}");
    let text = fs::read_to_string(place::images(data).join("train/plain.png")).unwrap();
    assert!(text.contains("it is cut off"), "{text}");
    assert_eq!(Converted::read(data).unwrap(), Some(converted));
    // All of them are another matter; what was a text is one more of them now.
    for source in &sources {
        for (path, _) in fs::below(&source.path, None).unwrap().files {
            fs::write_atomic(&path, &bytes[..bytes.len() - 4]).unwrap();
        }
    }
    let error = run(&competition, &raw, &sources, data, &()).unwrap_err().to_string();
    assert!(error.contains("not one of 5 DICOM files gives a picture"), "{error}");
    assert_eq!(Converted::read(data).unwrap(), None);
}

#[test]
fn the_same_bytes_come_of_any_number_of_threads() {
    let all = |threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run_all(SPEC, folder.path())).unwrap();
        let files = fs::below(&folder.path().join(".kaggle-kit/converted"), None).unwrap().files;
        files.into_iter().map(|(path, _)| fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(all(1), all(4));
}
