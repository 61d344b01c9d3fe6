//! Competitions whose images are no picture files: fetch makes some.

use super::*;

const SPEC: &str = r#"
title = "Digits"
slug = "digits"
metric = "accuracy"
[files]
train = ["train.csv"]
test = ["test.csv"]
sample = "sample.csv"
pixels = { columns = "pixel*" }
[target]
kind = "single-label"
[target.labels.csv]
file = "train.csv"
id = "ImageId"
label = "label"
[submission.label]
id = "ImageId"
column = "Label"
"#;

fn digits() -> Place {
    let mut place = Place::new("digits");
    place.write("source/train.csv", "label,pixel0,pixel1,pixel2,pixel3\n7,0,9,18,255\n1,1,2,3,4\n");
    place.write("source/test.csv", "pixel0,pixel1,pixel2,pixel3\n4,3,2,1\n");
    place.write("source/sample.csv", "ImageId,Label\n1,0\n");
    place.args.from = vec![place.folder.path().join("source")];
    with_spec(&mut place, SPEC);
    place
}

fn with_spec(place: &mut Place, spec: &str) {
    place.args.competition = place.write("digits.toml", spec).to_string_lossy().into_owned();
}

fn data(place: &Place) -> PathBuf {
    place.workspace().data().join("digits")
}

fn pixels(place: &Place, name: &str) -> Vec<u8> {
    let path = data(place).join(".kaggle-kit/converted/images").join(name);
    image::open(path).unwrap().into_luma8().into_raw()
}

#[test]
fn rows_of_tables_become_pictures() {
    let mut place = digits();
    place.fetch().unwrap();
    let fetched = Fetched::read(&data(&place)).unwrap().unwrap();
    assert_eq!((fetched.train_images, fetched.test_images, fetched.classes), (2, 1, 2));
    let parts: Vec<_> = fetched.parts.iter().map(|part| (part.name.as_str(), part.files)).collect();
    let tables = [("train.csv", 1), ("sample.csv", 1), ("test.csv", 1)];
    // Three pictures, two tables without their pixels, and the record of them.
    assert_eq!(parts, [&tables[..], &[(".kaggle-kit/converted", 6)]].concat());
    assert_eq!(pixels(&place, "train.csv/1.png"), [0, 9, 18, 255]);
    assert_eq!(pixels(&place, "test.csv/1.png"), [4, 3, 2, 1]);
    let source = place.folder.path().join("source");
    assert_eq!(fs::read_dir(source).unwrap().count(), 3);

    // What is gone or changed is found, and told as the pictures that they are.
    place.args.from.clear();
    place.args.mode = Mode { check: true, ..Mode::default() };
    place.fetch().unwrap();
    fs::remove_file(data(&place).join(".kaggle-kit/converted/images/train.csv/2.png")).unwrap();
    let (message, _) = place.fetch().unwrap_err();
    assert!(
        message.contains("1 file missing: `.kaggle-kit/converted/images/train.csv/2.png`"),
        "{message}"
    );
}

#[test]
fn another_spec_or_source_makes_them_anew_and_downloads_nothing() {
    let mut place = digits();
    place.fetch().unwrap();
    place.args.from.clear();
    // Nobody is asked: there is no Kaggle here.
    place.args.endpoint = Some("http://127.0.0.1:1".to_owned());
    with_spec(&mut place, &SPEC.replace("\"pixel*\"", "\"pixel*\", range = [0, 18]"));
    let competition = kaggle_kit::competition::find(&place.args.competition).unwrap();
    let error = kaggle_kit::dataset::open(&competition, &data(&place)).unwrap_err();
    let (message, hints) = term::describe(&error);
    assert!(message.contains("otherwise than the spec says now"), "{message}");
    assert!(hints[0].contains("fetch") && hints[0].contains("digits.toml"), "{hints:?}");
    place.fetch().unwrap();
    assert_eq!(pixels(&place, "train.csv/1.png"), [0, 128, 255, 255]);
    kaggle_kit::dataset::open(&competition, &data(&place)).unwrap();

    let table = data(&place).join("train.csv");
    fs::write_atomic(&table, "label,pixel0,pixel1,pixel2,pixel3\n3,18,18,0,0\n").unwrap();
    place.fetch().unwrap();
    assert_eq!(pixels(&place, "train.csv/1.png"), [255, 255, 0, 0]);
    assert_eq!(Fetched::read(&data(&place)).unwrap().unwrap().train_images, 1);
    let images = data(&place).join(".kaggle-kit/converted/images/train.csv");
    assert_eq!(fs::read_dir(images).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_made_a_picture_is_told_with_its_line() {
    let place = digits();
    place.write("source/test.csv", "pixel0,pixel1,pixel2,pixel3\n4,3,2,1\n1,,3,4\n");
    let (message, _) = place.fetch().unwrap_err();
    assert!(message.contains("test.csv`, line 3"), "{message}");
    assert!(place.fetched().is_none());
}
