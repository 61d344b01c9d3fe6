//! The whole path with the real binary on drawn competitions: fetch, train, submit, upload, score.

mod bad_input;
mod kept;
mod several;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kaggle_kit::competition;
use kaggle_kit::fs;
use kaggle_kit_standin::miniature::{Miniature, Sizes};
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
