//! Archives are looked into as fetch would unpack them.

use std::io::{Cursor, Write};

use super::*;

fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn archives_are_looked_into_and_not_unpacked() {
    let here = Scratch::new();
    draw(&here, "data");
    let file =
        |name: &str| (name.to_owned(), fs::read(here.path().join("data").join(name)).unwrap());
    let images = |folder: &str, start: &str| -> Vec<(String, Vec<u8>)> {
        (0..12)
            .map(|i| format!("{folder}{start}{i:03}.jpg"))
            .map(|name| (name, Vec::new()))
            .collect()
    };
    let (train, test) = (pack(&images("", "a")), pack(&images("", "b")));
    let tables = [file("train.csv"), file("sample_submission.csv")];
    let wanted = |path: &str| {
        let mut spec = read(&here.path().join(path));
        spec.remove("title");
        spec.remove("slug");
        spec
    };
    here.kaggle_kit().args(["new", "data", "--yes"]).assert().success();
    let spec = wanted("data.toml");
    // Archives beside tables in a folder.
    here.write("packed/train.zip", &train);
    here.write("packed/test.zip", &test);
    for (name, bytes) in &tables {
        here.write(&format!("packed/{name}"), bytes);
    }
    here.kaggle_kit().args(["new", "packed", "--yes"]).assert().success();
    assert_eq!(wanted("packed.toml"), spec);
    assert_eq!(fs::read_dir(here.path().join("packed")).unwrap().count(), 4);
    // One archive of everything, with archives in it.
    let inside = [("train.zip".to_owned(), train), ("test.zip".to_owned(), test)];
    here.write("all.zip", pack(&[&inside[..], &tables[..]].concat()));
    here.kaggle_kit().args(["new", "all.zip", "--yes"]).assert().success();
    assert_eq!(wanted("all.toml"), spec);
}

/// As dogs-vs-cats comes: what a picture shows is said by its name in a packed archive, and nowhere else.
#[test]
fn labels_may_be_names_in_an_archive() {
    let here = Scratch::new();
    let name = |i: usize| format!("train/{}.{}.jpg", ["cat", "dog"][i % 2], i / 2);
    let train: Vec<(String, Vec<u8>)> = (0..24).map(|i| (name(i), vec![i as u8])).collect();
    let test: Vec<(String, Vec<u8>)> =
        (1..=12).map(|i| (format!("test1/{i}.jpg"), vec![100 + i])).collect();
    let sample: String = (1..=12).map(|i| format!("{i},0\n")).collect();
    let sample = format!("id,label\n{sample}");
    here.write("dogs/train.zip", pack(&train));
    here.write("dogs/test1.zip", pack(&test));
    here.write("dogs/sampleSubmission.csv", &sample);
    // All of it in one archive, and one of its archives in three pieces.
    let inner = [("train.zip".to_owned(), pack(&train)), ("test1.zip".to_owned(), pack(&test))];
    let table = ("sampleSubmission.csv".to_owned(), sample.clone().into_bytes());
    here.write("whole.zip", pack(&[&inner[..], &[table]].concat()));
    let bytes = pack(&train);
    let third = bytes.len() / 3;
    for (n, piece) in
        [&bytes[..third], &bytes[third..2 * third], &bytes[2 * third..]].iter().enumerate()
    {
        here.write(&format!("split/train.zip.{:03}", n + 1), piece);
    }
    here.write("split/test1.zip", pack(&test));
    here.write("split/sampleSubmission.csv", &sample);
    for from in ["dogs", "whole.zip", "split"] {
        let args = ["new", from, "--yes", "--metric", "log-loss", "-o", "s.toml", "--force"];
        let run = here.kaggle_kit().args(args).assert().success();
        let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(told.contains("file names begin with the label: `cat`, `dog`"), "{from}: {told}");
        let mut spec = read(&here.path().join("s.toml"));
        for name in ["title", "slug", "metric"] {
            spec.remove(name);
        }
        let wanted: toml::Table = toml::from_str(
            r#"
            files = { train = ["train"], test = ["test1"], sample = "sampleSubmission.csv" }
            target = { kind = "single-label", classes = ["cat", "dog"], labels.file-name.separator = "." }
            submission.probability-of = { id = "id", column = "label", class = "dog" }"#,
        )
        .unwrap();
        assert_eq!(spec, wanted, "{from}");
        here.kaggle_kit().args(["fetch", "./s.toml", "--from", from]).assert().success();
        let fetched = here.path().join("data/s/train");
        assert_eq!(fs::read_dir(&fetched).unwrap().count(), 24, "{from}");
        fs::remove_dir_all(here.path().join("data")).unwrap();
    }
    // A piece that is missing is named, and the rest guessed by names: there is nothing to read labels from.
    fs::remove_file(here.path().join("split/train.zip.002")).unwrap();
    let run = here.kaggle_kit().args(["new", "split", "--yes"]).assert().code(1);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("train.zip.002` is missing"), "{told}");
    assert!(told.contains("what files are called in `train` is not known"), "{told}");
}

/// As galaxy-zoo comes: a table in an archive of its name without the ending.
#[test]
fn a_table_may_be_packed_under_another_name() {
    let here = Scratch::new();
    draw(&here, "data");
    let table = |name: &str| {
        let bytes = fs::read(here.path().join("data").join(name)).unwrap();
        fs::remove_file(here.path().join("data").join(name)).unwrap();
        pack(&[(name.to_owned(), bytes)])
    };
    let (labels, sample) = (table("train.csv"), table("sample_submission.csv"));
    here.write("data/labels_rev1.zip", labels);
    here.write("data/sample_submission.zip", sample);
    let args = ["new", "data", "--yes", "--metric", "accuracy", "-o", "leaves.toml"];
    here.kaggle_kit().args(args).assert().success();
    let spec = read(&here.path().join("leaves.toml"));
    assert_eq!(spec["target"]["labels"]["csv"]["file"].as_str(), Some("train.csv"));
    here.kaggle_kit().args(["fetch", "./leaves.toml", "--from", "data"]).assert().success();
    for name in ["train.csv", "sample_submission.csv", "train/a000.jpg"] {
        assert!(here.path().join("data/leaves").join(name).is_file(), "{name}");
    }
}
