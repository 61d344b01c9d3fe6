//! The whole path with the real binary on drawn competitions: fetch, train, submit, upload, score.

mod bad_input;
mod enter;
mod kept;
mod pooled;
mod pseudo;
mod ranks;
mod refit;
mod several;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kaggle_kit::competition;
use kaggle_kit::fs;
use kaggle_kit::run::Run;
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::own;
use kaggle_kit_standin::{Options, Server};
use predicates::prelude::*;
use predicates::str::contains;

use crate::support::Scratch;

/// A stand-in with one small drawn competition.
fn serve(name: &str) -> Server {
    let miniature = draw(name);
    kaggle_kit_standin::start(vec![miniature], Options::default()).unwrap()
}

fn draw(name: &str) -> Miniature {
    let competition = competition::find(name).unwrap();
    Miniature::generate(&competition, Sizes { train: 60, ..Sizes::TINY }, 5).unwrap()
}

/// A folder with a drawn competition's data, as `fetch --from` takes it.
fn with_data(name: &str) -> Scratch {
    let here = Scratch::new();
    draw(name).write(&here.path().join("kaggle")).unwrap();
    here.kaggle_kit().args(["fetch", name, "--from", "kaggle"]).assert().success();
    here
}

/// The only file or folder in a folder.
fn only(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).unwrap();
    let entry = entries.next().expect("something in the folder").unwrap().path();
    assert!(entries.next().is_none(), "more than one thing in {}", folder.display());
    entry
}

/// One finished smoke run on drawn cats and dogs, made once for all tests that only read it.
fn trained() -> &'static Scratch {
    static TRAINED: OnceLock<Scratch> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let here = with_data("dogs-vs-cats");
        here.kaggle_kit().args(["train", "dogs-vs-cats", "--smoke"]).assert().success();
        here
    })
}

#[test]
fn each_competition_goes_from_kaggle_to_a_score() {
    for (name, metric) in
        [("dogs-vs-cats", "log-loss"), ("dog-breed", "log-loss"), ("planet", "mean-f2")]
    {
        let server = serve(name);
        let here = Scratch::new();
        let kaggle_kit = || {
            let mut command = here.kaggle_kit();
            command.env("KAGGLE_API_ENDPOINT", server.url());
            command.env("KAGGLE_USERNAME", &server.account().username);
            command.env("KAGGLE_KEY", &server.account().key);
            command
        };
        kaggle_kit().args(["fetch", name]).assert().success();
        let training = kaggle_kit().args(["train", name, "--smoke"]).assert().success();
        training.stderr(contains("1. precompute activations").and(contains("8. whole network")));
        let upload = ["submit", "--upload", "-m", "first try"];
        kaggle_kit().args(upload).assert().success().stderr(contains("public score"));

        let csv = only(&here.path().join("submissions"));
        let solution = server.miniatures().next().unwrap().solution_csv().unwrap();
        here.write("solution.csv", solution);
        let mut score = kaggle_kit();
        score.arg("score").arg(&csv).args(["--solution", "solution.csv"]);
        let told = score.assert().success();
        let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
        let last = told.lines().last().unwrap();
        assert!(last.starts_with(&format!("{metric} ")), "{told}");
        assert_eq!(server.submissions().len(), 1);
        kaggle_kit().arg("list").assert().success().stdout(contains(format!("{metric} ")));
    }
}

/// Kinds that no built-in spec is of: out of what Kaggle lists, before the download, to a place on its
/// leaderboard.
#[test]
fn a_spec_that_was_found_out_goes_the_whole_way() {
    for (name, metric, kind) in
        [("leaf-blight", "accuracy", "single-label"), ("eye-damage", "kappa", "ordinal")]
    {
        let competition = own::find(name).unwrap().unwrap();
        let sizes = Sizes { train: 60, ..Sizes::TINY };
        let miniature = Miniature::generate(&competition, sizes, 5).unwrap();
        let solution = miniature.solution_csv().unwrap();
        let server = kaggle_kit_standin::start(vec![miniature], Options::default()).unwrap();
        let here = Scratch::new();
        let kaggle_kit = || {
            let mut command = here.kaggle_kit();
            command.env("KAGGLE_API_ENDPOINT", server.url());
            command.env("KAGGLE_API_TOKEN", &server.account().token);
            command
        };
        kaggle_kit().args(["new", name, "--yes"]).assert().success();
        let spec: toml::Table = toml::from_str(&here.read(&format!("{name}.toml"))).unwrap();
        assert_eq!(spec["metric"].as_str(), Some(metric));
        assert_eq!(spec["target"]["kind"].as_str(), Some(kind));
        let path = format!("./{name}.toml");
        kaggle_kit().args(["fetch", &path]).assert().success();
        kaggle_kit().args(["train", &path, "--smoke"]).assert().success();
        let upload = ["submit", "--upload", "-m", "first try"];
        kaggle_kit().args(upload).assert().success().stderr(contains("public score"));
        let csv = only(&here.path().join("submissions"));
        here.write("solution.csv", solution);
        let mut score = kaggle_kit();
        score.arg("score").arg(&csv).args(["--solution", "solution.csv", "--competition", &path]);
        score.assert().success().stdout(contains(format!("{metric} ")));
        if metric == "accuracy" {
            // What people call the classes stands in the report, and in the run for later.
            let run = only(&here.path().join("runs").join(name));
            let report = fs::read_to_string(run.join("report.html")).unwrap();
            assert!(report.contains("mosaic (3)"));
            let called = Run { folder: run }.class_names().unwrap();
            assert_eq!(called.get("3").map(String::as_str), Some("mosaic"));
        }
        let run = only(&here.path().join("runs").join(name));
        let report = fs::read_to_string(run.join("report.html")).unwrap();
        assert!(report.contains("public score on Kaggle"), "the page has what Kaggle said");
    }
}

/// Kaggle takes no CSV there: the plan says so before hours are spent.
#[test]
fn the_plan_says_that_only_notebooks_are_taken() {
    let here = with_data("dogs-vs-cats");
    let spec = competition::find("dogs-vs-cats").unwrap().source;
    let spec = spec.replace("[files]", "upload = \"notebook\"\n\n[files]");
    here.write("mine.toml", spec);
    fs::rename(here.path().join("data/dogs-vs-cats"), here.path().join("data/mine")).unwrap();
    let args = ["train", "./mine.toml", "--smoke", "--set", "unfreeze.run=false"];
    let told = here.kaggle_kit().args(args).assert().success().get_output().stderr.clone();
    let told = String::from_utf8(told).unwrap();
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("no `{text}` in {told}"));
    assert!(at("takes notebooks only") < at("the golden rule"), "{told}");
}

#[test]
fn a_fourth_competition_is_a_spec_and_nothing_else() {
    let here = Scratch::new();
    // Planet's layout under other names, from a file that the program has never seen.
    let planet = competition::find("planet").unwrap();
    let spec = planet
        .source
        .replace("planet-understanding-the-amazon-from-space", "my-own-tiles")
        .replace("train_v2.csv", "tags.csv")
        .replace("train-jpg", "tiles");
    let spec = here.write("mine.toml", spec);
    let mine = competition::find(spec.to_str().unwrap()).unwrap();
    let miniature = Miniature::generate(&mine, Sizes { train: 60, ..Sizes::TINY }, 6).unwrap();
    miniature.write(&here.path().join("kaggle")).unwrap();
    for typed in [
        vec!["fetch", "./mine.toml", "--from", "kaggle"],
        vec!["train", "./mine.toml", "--smoke"],
        vec!["submit"],
    ] {
        here.kaggle_kit().args(typed).assert().success();
    }
    let csv = only(&here.path().join("submissions"));
    assert!(csv.file_name().unwrap().to_str().unwrap().starts_with("mine-"), "{}", csv.display());
    here.kaggle_kit().arg("list").assert().success().stdout(contains("my-own-tiles"));
}
