//! `kaggle-kit new` on folders and archives.

use std::io::{Cursor, Write};
use std::path::Path;
use std::process;

use kaggle_kit::fs;
use serde_json::Value;

use crate::support::{Scratch, shared};

/// A competition of labels: tables and empty files for images.
fn draw(here: &Scratch, folder: &str) {
    let ids = |start: &str| -> Vec<String> { (0..12).map(|i| format!("{start}{i:03}")).collect() };
    let (train, test) = (ids("a"), ids("b"));
    for id in &train {
        here.write(&format!("{folder}/train/{id}.jpg"), "");
    }
    for id in &test {
        here.write(&format!("{folder}/test/{id}.jpg"), "");
    }
    let labels =
        train.iter().enumerate().map(|(i, id)| format!("{id},{}\n", ["rust", "scab"][i % 2]));
    here.write(&format!("{folder}/train.csv"), format!("id,label\n{}", labels.collect::<String>()));
    let sample: String = test.iter().map(|id| format!("{id},rust\n")).collect();
    here.write(&format!("{folder}/sample_submission.csv"), format!("id,label\n{sample}"));
}

fn read(path: &Path) -> toml::Table {
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_folder_becomes_a_spec_that_says_what_is_a_guess() {
    let here = Scratch::new();
    draw(&here, "leaf-disease");
    let run = here.kaggle_kit().args(["new", "leaf-disease", "--yes"]).assert().success();
    let output = run.get_output();
    let (out, told) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out, "leaf-disease.toml\n");
    assert!(told.contains("warning: `metric` is a guess: the likeliest; `macro-f1`"), "{told}");
    assert!(
        told.contains("next: kaggle-kit fetch leaf-disease.toml --from leaf-disease"),
        "{told}"
    );
    let spec = read(&here.path().join("leaf-disease.toml"));
    assert_eq!(spec["metric"].as_str(), Some("accuracy"));
    assert_eq!(spec["submission"]["label"]["column"].as_str(), Some("label"));
    let text = here.read("leaf-disease.toml");
    assert!(text.contains("# A guess: the likeliest; `macro-f1`"), "{text}");
    // What was said beforehand is no guess.
    let args = [
        "new",
        "leaf-disease",
        "--yes",
        "--metric",
        "macro-f1",
        "--slug",
        "leaves",
        "-o",
        "b/a.toml",
    ];
    let run = here.kaggle_kit().args(args).assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(!told.contains("is a guess"), "{told}");
    assert_eq!(read(&here.path().join("b/a.toml"))["metric"].as_str(), Some("macro-f1"));
}

#[test]
fn a_file_with_another_text_stays() {
    let here = Scratch::new();
    draw(&here, "data");
    here.write("mine.toml", "title = \"by hand\"\n");
    let new = |more: &[&str]| {
        let mut command = here.kaggle_kit();
        command.args(["new", "data", "--yes", "--output", "mine.toml"]).args(more);
        command
    };
    let told = new(&[]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains("`--force` writes over it"));
    assert_eq!(here.read("mine.toml"), "title = \"by hand\"\n");
    new(&["--force"]).assert().success();
    // The same once more changes nothing.
    new(&[]).assert().success();
    here.kaggle_kit().args(["new", "data", "--yes", "-o", "mine.txt"]).assert().code(1);
    assert!(!here.path().join("mine.txt").exists());
}

#[test]
fn questions_are_asked_and_answered_by_number_or_word() {
    let here = Scratch::new();
    draw(&here, "data");
    let run =
        here.kaggle_kit().args(["new", "data"]).write_stdin("no-such\n3\n").assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("how is it scored? (--metric)"), "{told}");
    assert!(told.contains("`no-such` is none of them"), "{told}");
    assert_eq!(read(&here.path().join("data.toml"))["metric"].as_str(), Some("balanced-accuracy"));
    // Nobody answers: the likeliest.
    here.kaggle_kit().args(["new", "data", "-o", "b.toml"]).assert().success();
    assert_eq!(read(&here.path().join("b.toml"))["metric"].as_str(), Some("accuracy"));
}

#[test]
fn json_says_why() {
    let here = Scratch::new();
    draw(&here, "data");
    let run = here.kaggle_kit().args(["new", "data", "--json", "-q"]).assert().success();
    let value: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(value["spec"], "data.toml");
    assert_eq!(
        value["images"],
        serde_json::json!({ "train": 12, "test": 12, "rows": 12, "labels": 2 })
    );
    let reasons = value["reasons"].as_array().unwrap();
    let metric = reasons.iter().find(|reason| reason["field"] == "metric").unwrap();
    assert_eq!(metric["guess"], true);
    assert_eq!(value["questions"][0]["flag"], "metric");
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
    let pack = |files: &[(String, Vec<u8>)]| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
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

#[test]
fn what_is_beyond_is_said_in_a_sentence() {
    let here = Scratch::new();
    here.write("wheat/test/a.jpg", "");
    here.write("wheat/sample_submission.csv", "image_id,PredictionString\na,1.0 0 0 50 50\n");
    here.write("cdiscount/train.bson", "");
    here.write("cdiscount/sample_submission.csv", "_id,category_id\n1,2\n");
    for (folder, told) in [
        ("wheat", "asks for boxes or masks (`PredictionString`)"),
        ("cdiscount", "the pictures are in `train.bson`, a dump of MongoDB"),
        ("no-such/folder", "no folder or archive `no-such/folder`"),
    ] {
        let run = here.kaggle_kit().args(["new", folder, "--yes"]).assert().code(1);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(told), "{error}");
    }
    let run = here.kaggle_kit().args(["new", "wheat", "--metric", "loss"]).assert().code(1);
    assert!(
        String::from_utf8_lossy(&run.get_output().stderr)
            .contains("unknown metric `loss`, expected ")
    );
}

/// The fields that matter, of each miniature of `../shared/layouts`.
const FIFTEEN: &[(&str, &str, &str)] = &[
    (
        "UBC-OCEAN",
        "balanced-accuracy",
        r#"
        files.train = ["train_thumbnails/{id}_thumbnail", "train_images"]
        files.test = ["test_thumbnails/{id}_thumbnail", "test_images"]
        target.kind = "single-label"
        target.labels.csv = { file = "train.csv", id = "image_id", label = "label" }
        submission.label = { id = "image_id", column = "label" }"#,
    ),
    (
        "aerial-cactus-identification",
        "auc",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        target.classes = ["0", "1"]
        target.labels.csv = { file = "train.csv", id = "id", label = "has_cactus" }
        submission.probability-of = { id = "id", column = "has_cactus", class = "1" }"#,
    ),
    (
        "aptos2019-blindness-detection",
        "kappa",
        r#"
        files.train = ["train_images"]
        files.test = ["test_images"]
        target.kind = "ordinal"
        target.classes = ["0", "1", "2", "3", "4"]
        target.labels.csv = { file = "train.csv", id = "id_code", label = "diagnosis" }
        submission.label = { id = "id_code", column = "diagnosis" }"#,
    ),
    (
        "cassava-leaf-disease-classification",
        "accuracy",
        r#"
        files.train = ["train_images"]
        files.test = ["test_images"]
        target.kind = "single-label"
        target.names = "label_num_to_disease_map.json"
        target.labels.csv = { file = "train.csv", id = "image_id", label = "label" }
        submission.label = { id = "image_id", column = "label" }"#,
    ),
    (
        "cifar-10",
        "accuracy",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        files.sample = "sampleSubmission.csv"
        target.labels.csv = { file = "trainLabels.csv", id = "id", label = "label" }
        submission.label = { id = "id", column = "label" }"#,
    ),
    (
        "digit-recognizer",
        "accuracy",
        r#"
        files.train = ["train.csv"]
        files.test = ["test.csv"]
        files.pixels = { columns = "pixel*", shape = [28, 28] }
        target.labels.csv = { file = "train.csv", label = "label" }
        submission.label = { id = "ImageId", column = "Label" }"#,
    ),
    (
        "herbarium-2022-fgvc9",
        "macro-f1",
        r#"
        files.test = ["test_images/{file_name}"]
        files.test-table = "test_metadata.json"
        target.kind = "single-label"
        target.labels.json = { file = "train_metadata.json", id = "image_id", label = "category_id" }
        submission.label = { id = "Id", column = "Predicted" }"#,
    ),
    (
        "human-protein-atlas-image-classification",
        "macro-f1",
        r#"
        files.train = ["train/{id}_{channel}"]
        files.test = ["test/{id}_{channel}"]
        files.channels = ["red", "green", "blue", "yellow"]
        target.kind = "multi-label"
        target.labels.csv = { file = "train.csv", id = "Id", label = "Target" }
        submission.tag-list = { id = "Id", column = "Predicted" }"#,
    ),
    (
        "landmark-recognition-2020",
        "gap",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        target.kind = "single-label"
        target.labels.csv = { file = "train.csv", id = "id", label = "landmark_id" }
        submission.scored-label = { id = "id", column = "landmarks" }"#,
    ),
    (
        "petfinder-pawpularity-score",
        "rmse",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        target.kind = "number"
        target.labels.csv = { file = "train.csv", id = "Id", label = "Pawpularity" }
        submission.numbers = { id = "Id" }"#,
    ),
    (
        "plant-pathology-2021-fgvc8",
        "mean-f1",
        r#"
        files.train = ["train_images"]
        files.test = ["test_images"]
        target.kind = "multi-label"
        target.labels.csv = { file = "train.csv", id = "image", label = "labels" }
        submission.tag-list = { id = "image", column = "labels" }"#,
    ),
    (
        "ranzcr-clip-catheter-line-classification",
        "auc",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        target.kind = "multi-label"
        target.labels.csv = { file = "train.csv", id = "StudyInstanceUID" }
        split.group = "PatientID"
        submission.probability-per-class = { id = "StudyInstanceUID" }"#,
    ),
    (
        "rsna-intracranial-hemorrhage-detection",
        "log-loss",
        r#"
        files.train = ["stage_2_train"]
        files.test = ["stage_2_test"]
        files.extension = "dcm"
        target.kind = "multi-label"
        target.labels.csv = { file = "stage_2_train.csv", id = "ID", label = "Label", row = "{id}_{class}" }
        split.group = "dicom:PatientID"
        submission.long = { id = "ID", column = "Label", row = "{id}_{class}" }"#,
    ),
    (
        "state-farm-distracted-driver-detection",
        "log-loss",
        r#"
        files.train = ["imgs/train"]
        files.test = ["imgs/test"]
        target.kind = "single-label"
        target.labels.csv = { file = "driver_imgs_list.csv", id = "img", label = "classname" }
        split.group = "subject"
        submission.probability-per-class = { id = "img" }"#,
    ),
    (
        "whale-categorization-playground",
        "map@5",
        r#"
        files.train = ["train"]
        files.test = ["test"]
        target.kind = "single-label"
        target.unknown = "new_whale"
        target.labels.csv = { file = "train.csv", id = "Image", label = "Id" }
        submission.top-k = { id = "Image", column = "Id" }"#,
    ),
];

#[test]
fn the_fifteen_miniatures_have_their_fields() {
    let Some(script) = shared("layouts/make_layouts.py") else { return };
    let here = Scratch::new();
    let made = process::Command::new("python3").arg(script).arg(here.path()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        shared("layouts/ (python3 with Pillow)");
        return;
    }
    for (slug, metric, wanted) in FIFTEEN {
        let args = [
            "new",
            &format!("data/{slug}"),
            "--yes",
            "--metric",
            metric,
            "--output",
            "spec.toml",
            "--force",
        ];
        let run = here.kaggle_kit().args(args).assert().success();
        let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        // Pixels in tables are another's part of the language.
        assert!(*slug == "digit-recognizer" || !told.contains("does not hold"), "{slug}: {told}");
        let spec = read(&here.path().join("spec.toml"));
        let wanted: toml::Table = toml::from_str(wanted).unwrap();
        assert_contains(slug, &spec, &wanted);
        // Comments aside.
        let text = here.read("spec.toml");
        let n_lines =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert!(n_lines <= 22, "{slug}: {n_lines} lines\n{text}");
    }
}

/// Whether a table has all that another has: whole values, but of `files` and `target` the fields.
fn assert_contains(slug: &str, spec: &toml::Table, wanted: &toml::Table) {
    for (key, value) in wanted {
        let found = spec.get(key);
        match (value, found) {
            (toml::Value::Table(wanted), Some(toml::Value::Table(found)))
                if ["files", "target"].contains(&key.as_str()) =>
            {
                assert_contains(slug, found, wanted);
            }
            _ => assert_eq!(Some(value), found, "{slug}: `{key}`\n{spec}"),
        }
    }
}

/// A folder of 60,000 files is looked at in a moment; the bound is for a slow machine and a build without
/// optimisation.
#[test]
fn a_large_folder_takes_a_moment() {
    let here = Scratch::new();
    let n = 30_000;
    for part in ["train", "test"] {
        let folder = here.path().join("data").join(part);
        fs::create_dir_all(&folder).unwrap();
        let first = folder.join(format!("{part}_0.jpg"));
        fs::write_atomic(&first, "").unwrap();
        for i in 1..n {
            let path = folder.join(format!("{part}_{i}.jpg"));
            // Some file systems bound the links of a file.
            if i % 10_000 == 0 || fs::hard_link(&first, &path).is_err() {
                fs::copy(&first, &path).unwrap();
            }
        }
    }
    let rows = |part: &str, value: &dyn Fn(usize) -> String| -> String {
        (0..n).map(|i| format!("{part}_{i},{}\n", value(i))).collect()
    };
    let labels = format!("image_name,tags\n{}", rows("train", &|i| format!("c{}", i % 17)));
    here.write("data/train.csv", labels);
    here.write(
        "data/sample_submission.csv",
        format!("image_name,tags\n{}", rows("test", &|_| "c1".to_owned())),
    );
    let start = std::time::Instant::now();
    here.kaggle_kit().args(["new", "data", "--yes"]).assert().success();
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds < 20.0, "{seconds} s");
}
