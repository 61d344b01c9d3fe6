//! What `new` writes about the miniatures of `../shared/layouts`: fields, and what submissions score by it.

use std::process;

use super::*;
use crate::support::shared;

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

/// A folder with the miniatures, where this machine can draw them.
fn drawn() -> Option<Scratch> {
    let script = shared("layouts/make_layouts.py")?;
    let here = Scratch::new();
    let made = process::Command::new("python3").arg(script).arg(here.path()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        shared("layouts/ (python3 with Pillow)");
        return None;
    }
    Some(here)
}

/// Writes `spec.toml`; gives what was told.
fn new(here: &Scratch, slug: &str, metric: &str, more: &[&str]) -> String {
    let data = format!("data/{slug}");
    let args = ["new", &data, "--yes", "--metric", metric, "--output", "spec.toml", "--force"];
    let run = here.kaggle_kit().args(args).args(more).assert().success();
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

#[test]
fn the_fifteen_miniatures_have_their_fields() {
    let Some(here) = drawn() else { return };
    for (slug, metric, wanted) in FIFTEEN {
        let told = new(&here, slug, metric, &[]);
        assert!(!told.contains("does not hold"), "{slug}: {told}");
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

/// What the data do not tell, and a person says: a weight in the spec, the number of classes.
const BY_HAND: &[(&str, &str, &str)] = &[(
    "rsna-intracranial-hemorrhage-detection",
    r#"metric = "log-loss""#,
    r#"metric = { name = "log-loss", weights = { any = 2 } }"#,
)];
const CLASSES: &[(&str, &str)] = &[("human-protein-atlas-image-classification", "28")];

#[test]
fn submissions_score_by_what_was_written_as_the_table_says() {
    let Some(here) = drawn() else { return };
    let Some(readme) = shared("layouts/README.md") else { return };
    let readme = fs::read_to_string(readme).unwrap();
    let mut n = 0;
    for (slug, metric, _) in FIFTEEN {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {slug} |"))).unwrap();
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let classes = CLASSES.iter().find(|(name, _)| name == slug);
        let more = classes.map_or(Vec::new(), |(_, classes)| vec!["--classes", classes]);
        new(&here, slug, metric, &more);
        let mut spec = here.read("spec.toml");
        for (_, from, to) in BY_HAND.iter().filter(|(name, ..)| name == slug) {
            assert!(spec.contains(from), "{spec}");
            spec = spec.replace(from, to);
            here.write("spec.toml", &spec);
        }
        let files: toml::Table = toml::from_str(&spec).unwrap();
        let sample = files["files"]["sample"].as_str().unwrap();
        let answers = format!("answers/{slug}");
        let csvs = [
            format!("data/{slug}/{sample}"),
            format!("{answers}/noisy.csv"),
            format!("{answers}/perfect.csv"),
        ];
        for (csv, expected) in csvs.iter().zip(&cells[2..]) {
            let solution = format!("{answers}/solution.csv");
            let args =
                ["score", csv, "--solution", &solution, "--competition", "spec.toml", "--json"];
            let run = here.kaggle_kit().args(args).assert().success();
            let told: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
            let (found, expected) = (told["value"].as_f64().unwrap(), expected.parse::<f64>());
            assert!((found - expected.unwrap()).abs() < 1e-9, "{csv}: {found}, {row}");
            n += 1;
        }
    }
    assert_eq!(n, 45);
}
