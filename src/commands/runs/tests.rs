//! Tables of made-up runs.

use serde_json::json;

use super::row::how_far;
use super::*;
use crate::fs;
use crate::run::{Stage, Standing, Summary};

/// A run's folder with the least that a table needs.
fn make(runs: &Path, competition: &str, id: &str, recipe: &str, score: Option<f64>) {
    let folder = runs.join(competition).join(id);
    let spec = crate::competition::find(competition).unwrap();
    fs::write_atomic(folder.join("competition.toml"), &spec.source).unwrap();
    fs::write_atomic(folder.join("recipe.toml"), recipe).unwrap();
    let Some(score) = score else { return };
    let classes = ["a", "b"].map(str::to_owned).to_vec().into();
    let summary = Summary::made_up(competition, &spec.metric, &classes);
    // Whatever the clock says: one that is not finished is newer.
    let finished = "2016-11-24T06:00:00Z".to_owned();
    Run { folder }.finish(&Summary { finished, score, ..summary }).unwrap();
}

fn some_runs() -> tempfile::TempDir {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), "dog-breed", "1-a", "size = 64\n", Some(0.3));
    make(runs.path(), "dog-breed", "2-b", "size = 224\n", Some(0.2));
    make(runs.path(), "planet", "3-c", "size = 96\nbackbone = \"resnet34\"\n", Some(0.9));
    make(runs.path(), "planet", "4-d", "size = 128\n", Some(0.8));
    make(runs.path(), "planet", "5-e", "[whole-network]\nmax-cycles = 1\n", None);
    runs
}

fn ids(runs: &Path, sort: Option<&str>, filters: &[&str]) -> Vec<String> {
    let args = Args {
        sort: sort.map(str::to_owned),
        filters: filters.iter().map(|&f| f.to_owned()).collect(),
        ..Args::default()
    };
    rows(runs, &args).unwrap().iter().map(|row| row.run.id()).collect()
}

#[test]
fn the_newest_come_first_and_scores_sort_by_what_is_better() {
    let runs = some_runs();
    assert_eq!(ids(runs.path(), None, &[]), ["5-e", "4-d", "3-c", "2-b", "1-a"]);
    // Of log loss less is better, of F2 more.
    assert_eq!(ids(runs.path(), Some("score"), &[]), ["2-b", "1-a", "3-c", "4-d", "5-e"]);
    assert_eq!(ids(runs.path(), Some("size"), &["status=finished"]), ["1-a", "3-c", "4-d", "2-b"]);
    assert_eq!(ids(runs.path(), Some("-size"), &["status=finished"])[0], "2-b");
}

#[test]
fn filters_ask_for_columns_and_settings() {
    let runs = some_runs();
    assert_eq!(ids(runs.path(), None, &["backbone=resnet34"]), ["3-c"]);
    assert_eq!(ids(runs.path(), None, &["competition=planet", "status=unfinished"]), ["5-e"]);
    assert_eq!(ids(runs.path(), None, &["whole-network.max-cycles=1"]), ["5-e"]);
    assert_eq!(ids(runs.path(), None, &["size=1"]), [""; 0]);
}

#[test]
fn an_unfinished_fold_is_known_as_one() {
    let runs = some_runs();
    make(runs.path(), "planet", "6-f", "folds = 5\nfold = 2\n", None);
    assert_eq!(ids(runs.path(), None, &["fold=2", "folds=5"]), ["6-f"]);
    let rows = rows(runs.path(), &Args::default()).unwrap();
    assert_eq!(rows[0].cells(false)[5], "2/5");
    assert_eq!([&rows[0], &rows[1]].map(|row| row.to_json()["folds"].clone()), [5, 0]);
}

#[test]
fn a_typo_is_answered_with_what_is_there() {
    let runs = some_runs();
    for (sort, filter, part) in [
        (Some("scroe"), None, "did you mean `score`?"),
        (None, Some("whole-network.max-cycle=2"), "did you mean `whole-network.max-cycles`?"),
        (None, Some("resnet34"), "has no `=`"),
    ] {
        let args = Args {
            sort: sort.map(str::to_owned),
            filters: filter.into_iter().map(str::to_owned).collect(),
            ..Args::default()
        };
        let error = rows(runs.path(), &args).err().unwrap();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_best_of_each_competition_is_marked() {
    let runs = some_runs();
    let rows = rows(runs.path(), &Args::default()).unwrap();
    let marked: Vec<String> = best(&rows).iter().map(|&i| rows[i].run.id()).collect();
    assert_eq!(marked, ["3-c", "2-b"]);
    assert_eq!(rows[0].cells(false)[2], "unfinished");
    // A run whose recipe does not tell of it has no linear layer.
    assert_eq!(rows[0].cells(false)[8], "head.linear=false whole-network.max-cycles=1");
    assert_eq!(rows[2].to_json()["backbone"], "resnet34");
    assert_eq!(rows[2].to_json()["size"], 96);
    let changed = &rows[2].to_json()["not-default"];
    // The crop is the backbone's own: nobody has changed it.
    assert_eq!(*changed, json!({ "backbone": "resnet34", "size": 96, "head.linear": false }));
}

#[test]
fn a_folder_that_is_no_run_breaks_no_table() {
    let runs = some_runs();
    fs::create_dir_all(runs.path().join("planet/0-odd")).unwrap();
    make(runs.path(), "planet", "6-newer", "setting-of-another-version = 1\n", Some(0.1));
    assert_eq!(ids(runs.path(), None, &["competition=planet"]).len(), 5);
}

#[test]
fn a_run_whose_summary_cannot_be_read_is_no_unfinished_one() {
    let runs = some_runs();
    let summary = runs.path().join("planet/4-d/summary.toml");
    fs::write_atomic(summary, "version = 99\n").unwrap();
    assert_eq!(ids(runs.path(), None, &["status=damaged"]), ["4-d"]);
    assert_eq!(ids(runs.path(), None, &["status=unfinished"]), ["5-e"]);
    let rows = rows(runs.path(), &Args::default()).unwrap();
    let damaged = rows.iter().find(|row| row.run.id() == "4-d").unwrap();
    assert_eq!(damaged.cells(false)[2], "damaged");
    assert!(damaged.fault.as_ref().unwrap().contains("summary.toml`, line 1 is of version 99"));
}

#[test]
fn runs_of_a_spec_are_found_by_its_name_alone() {
    let runs = some_runs();
    let of = |name: &str| {
        let args = Args { competition: Some(name.to_owned()), ..Args::default() };
        rows(runs.path(), &args).map(|rows| rows.iter().map(|row| row.run.id()).collect::<Vec<_>>())
    };
    let folder = runs.path().join("tiny/7-f");
    let planet = crate::competition::find("planet").unwrap();
    let spec = planet.source.replace(&planet.slug, "a-tiny-one");
    fs::write_atomic(folder.join("competition.toml"), spec).unwrap();
    fs::write_atomic(folder.join("recipe.toml"), "").unwrap();
    for name in ["tiny", "a-tiny-one", folder.join("competition.toml").to_str().unwrap()] {
        assert_eq!(of(name).unwrap(), ["7-f"], "{name}");
    }
    let error = format!("{:#}", of("tinny").unwrap_err());
    assert!(error.contains("did you mean `tiny`") && error.contains("`tinny`"), "{error}");
    assert!(of("./tiny.toml").unwrap_err().to_string().contains("no competition spec at"));
}

#[test]
fn columns_that_tell_no_run_from_another_go_first_where_there_is_little_room() {
    let row = |competition: &str, size: &str| {
        let cells = ["1-a", competition, "0.1", "resnet18", size, "-", "9", "1 s", "seed=1"];
        cells.map(str::to_owned).to_vec()
    };
    let same = gives(&[row("planet", "64"), row("planet", "96")]);
    assert_eq!(same[..3], [Give::Drop(1), Give::Drop(5), Give::Drop(3)]);
    assert_eq!(same[3..], GIVES);
    let other = gives(&[row("planet", "64"), row("tiny", "64")]);
    assert_eq!(other[..3], [Give::Drop(5), Give::Drop(4), Give::Drop(3)]);
}

#[test]
fn an_unfinished_run_says_how_far_it_is_and_how_to_go_on() {
    let runs = some_runs();
    let args = Args { filters: vec!["status=unfinished".to_owned()], ..Args::default() };
    let rows = rows(runs.path(), &args).unwrap();
    let told = rows[0].unfinished().unwrap();
    assert!(told.starts_with("5-e stopped: before its first step, nothing kept yet"), "{told}");
    assert!(told.contains("to go on: `kaggle-kit train planet --recipe "), "{told}");
    let stands =
        Standing { stage: Some((Stage::WholeNetwork, 2)), kept: Some(1200), is_trained: false };
    assert_eq!(
        how_far(&stands),
        "in step 8 of 9, whole network, after epoch 2, 1,200 training steps kept"
    );
    assert!(rows[0].to_json()["go-on"].is_string());
}
