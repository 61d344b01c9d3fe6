//! Fifteen miniatures of real competitions, each opened by a spec of at most 22 lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use kaggle_kit::commands::fetch::{self, Args};
use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::{self, Dataset, SampleSubmission};
use kaggle_kit::fs;
use kaggle_kit::run::Workspace;
use kaggle_kit::target::TargetKind;
use serde::Deserialize;

use crate::support;

/// Those whose images `fetch` makes pictures of first.
const CONVERTED: [&str; 2] = ["digit-recognizer", "rsna-intracranial-hemorrhage-detection"];

/// What a loader must find.
#[derive(Deserialize)]
struct Expected {
    train: Vec<Image>,
    test: Vec<Image>,
    /// Those of a sample that has several an image.
    rows: Vec<String>,
}

#[derive(Deserialize)]
struct Image {
    paths: Vec<String>,
    #[serde(default)]
    target: serde_json::Value,
    group: Option<String>,
    row: Option<String>,
}

#[test]
fn every_miniature_is_found_whole_by_a_short_spec() {
    let Some(script) = support::shared("layouts/make_layouts.py") else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3").arg(&script).arg(folder.path()).output().unwrap();
    if !made.status.success() {
        eprintln!(
            "skipped: {} did not run: {}",
            script.display(),
            String::from_utf8_lossy(&made.stderr)
        );
        return;
    }
    let mut n = 0;
    for entry in fs::read_dir(support::repository().join("tests/specs")).unwrap() {
        let path = entry.unwrap().path();
        let slug = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let is_line = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
        assert!(text.lines().filter(is_line).count() <= 22, "{slug}");
        let competition = Competition::parse(&slug, &text, &path.display().to_string());
        let competition = competition.unwrap_or_else(|error| panic!("{slug}: {error:#}"));
        let mut data = folder.path().join("data").join(&slug);
        if CONVERTED.contains(&slug.as_str()) {
            data = fetched(&path, &data, &folder.path().join("fetched"));
        }
        let found = dataset::open(&competition, &data);
        let found = found.unwrap_or_else(|error| panic!("{slug}: {error:#}"));
        let answers = folder.path().join("answers").join(&slug).join("truth.json");
        let expected: Expected =
            serde_json::from_str(&fs::read_to_string(answers).unwrap()).unwrap();
        check(&slug, &data, &found, &expected);
        let sample = SampleSubmission::find(&competition, &data).unwrap();
        if !expected.rows.is_empty() {
            assert_eq!(sample.ids, expected.rows, "{slug}");
        }
        parted(&slug, &found);
        n += 1;
    }
    assert_eq!(n, 15);
}

/// The data folder that a fetch makes of a miniature.
fn fetched(spec: &Path, from: &Path, root: &Path) -> PathBuf {
    let args = Args {
        competition: spec.display().to_string(),
        from: vec![from.to_owned()],
        ..Args::default()
    };
    fetch::run(&args, &Workspace::new(root)).unwrap();
    Workspace::new(root).data().join(spec.file_stem().unwrap())
}

/// Where an image is by `truth.json`; a picture that was made is there by what it was made of.
fn source_of(data: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(data).unwrap().to_str().unwrap();
    let Some(made) = inside.strip_prefix(".kaggle-kit/converted/images/") else {
        return inside.to_owned();
    };
    let name = made.strip_suffix(".png").unwrap();
    match name.split_once(".csv/") {
        Some((table, row)) => format!("{table}.csv:{row}"),
        None => format!("{name}.dcm"),
    }
}

/// Images, targets, groups and rows are those that are expected.
fn check(slug: &str, data: &Path, found: &Dataset, expected: &Expected) {
    let inside = |path: &Path| source_of(data, path);
    let paths = |sample: &dataset::Sample| -> Vec<String> {
        std::iter::once(&sample.path).chain(&sample.planes).map(|path| inside(path)).collect()
    };
    let train: BTreeMap<Vec<String>, String> =
        found.train.iter().map(|sample| (paths(sample), target(found, sample))).collect();
    let wanted: BTreeMap<Vec<String>, String> =
        expected.train.iter().map(|image| (image.paths.clone(), told(&image.target))).collect();
    assert_eq!(train, wanted, "{slug}");
    let test: Vec<(Vec<String>, &str)> =
        found.test.iter().map(|sample| (paths(sample), sample.id.as_str())).collect();
    let wanted: Vec<(Vec<String>, &str)> = expected
        .test
        .iter()
        .map(|image| (image.paths.clone(), image.row.as_deref().unwrap()))
        .collect();
    assert_eq!(test, wanted, "{slug}");
    // Groups as sets of first paths, those of one image left out.
    let mut of_group: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for image in &expected.train {
        if let Some(group) = &image.group {
            of_group.entry(group).or_default().push(image.paths[0].clone());
        }
    }
    let sorted = |mut groups: Vec<Vec<String>>| {
        for group in &mut groups {
            group.sort();
        }
        groups.retain(|group| group.len() > 1);
        groups.sort();
        groups
    };
    let groups = found
        .groups
        .iter()
        .map(|group| group.iter().map(|&i| inside(&found.train[i].path)).collect::<Vec<String>>());
    assert_eq!(sorted(groups.collect()), sorted(of_group.into_values().collect()), "{slug}");
}

fn target(found: &Dataset, sample: &dataset::Sample) -> String {
    if found.kind == TargetKind::Number {
        return sample.numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
    }
    let names: Vec<&str> =
        sample.target.iter().map(|&class| found.classes.names()[class].as_str()).collect();
    sorted(names)
}

fn told(target: &serde_json::Value) -> String {
    let one = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    match target {
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(one).collect();
            sorted(values.iter().map(String::as_str).collect())
        }
        value => one(value),
    }
}

fn sorted(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.join("+")
}

/// No group is on two sides.
fn parted(slug: &str, found: &Dataset) {
    let Dataset { train, groups, classes, kind, .. } = found;
    for seed in 0..3 {
        let split = dataset::hold_out(train, groups, classes.len(), *kind, 0.2, seed);
        assert!(
            !split.valid.is_empty() && split.valid.len() < train.len() / 2,
            "{slug}: {split:?}"
        );
        let folds = dataset::folds(train, groups, classes.len(), *kind, 5, seed);
        for group in groups {
            let n = group.iter().filter(|i| split.valid.contains(i)).count();
            assert!(n == 0 || n == group.len(), "{slug}");
            assert!(group.iter().all(|&i| folds[i] == folds[group[0]]), "{slug}");
        }
    }
}
