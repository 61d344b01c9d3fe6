//! What a run leaves behind: a folder that suffices, something to go on from after a kill, the same
//! bytes for the same seed.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kaggle_kit::dataset;
use kaggle_kit::fs;
use kaggle_kit::learn::tta;
use kaggle_kit::run::{PartialPredictions, Run, ViewMeans, WEIGHTS};
use predicates::prelude::*;
use predicates::str::contains;

use super::{only, trained, with_data};
use crate::support::cache_in;

#[test]
fn a_run_folder_holds_all_that_it_was_made_with() {
    let here = trained();
    let run = Run::newest(&here.path().join("runs"), None).unwrap();
    for file in [
        "competition.toml",
        "recipe.toml",
        "split.csv",
        "events.jsonl",
        "steps.csv",
        "lr-find.csv",
        "weights.safetensors",
        "decision.toml",
        "valid-predictions.csv",
        "report.html",
        "summary.toml",
    ] {
        assert!(fs::metadata(run.file(file)).unwrap().len() > 0, "{file}");
    }
    assert!(!run.file("checkpoint").exists(), "a finished run has nothing to go on from");
    let summary = run.summary().unwrap();
    assert_eq!((summary.train_images + summary.valid_images, summary.classes.len()), (60, 2));
    let events = fs::read_to_string(run.file("events.jsonl")).unwrap();
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["time"].is_string() && event["event"].is_string(), "{line}");
    }
    let splits = fs::read_to_string(run.file("split.csv")).unwrap();
    assert_eq!(
        splits.lines().filter(|line| line.contains(",valid,")).count(),
        summary.valid_images
    );
}

#[test]
fn the_same_seed_trains_the_same_network() {
    let here = with_data("dogs-vs-cats");
    let weights = || {
        let mut train = here.kaggle_kit();
        train.env("OMP_NUM_THREADS", "1").args(["train", "dogs-vs-cats", "--smoke"]);
        train.args(["--set", "whole-network.run=false"]).assert().success();
        let runs = Run::all(&here.path().join("runs"), None).unwrap();
        fs::read(runs.last().unwrap().file("weights.safetensors")).unwrap()
    };
    let first = weights();
    // Run folders are named by the second.
    sleep(Duration::from_millis(1100));
    assert!(first == weights(), "two runs with one seed differ");
}

#[test]
fn a_killed_training_goes_on_when_the_same_command_is_run_again() {
    let here = with_data("dogs-vs-cats");
    let args = ["train", "dogs-vs-cats", "--smoke", "--checkpoint-every", "0"];
    let mut child = Command::new(here.kaggle_kit().get_program())
        .args(args)
        .current_dir(here.path())
        .env("HOME", here.home())
        .env("KAGGLE_KIT_CACHE", cache_in(&here.home()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Once it has written its first file, it is in the middle of things.
    let (start, runs) = (Instant::now(), here.path().join("runs/dogs-vs-cats"));
    while !runs.exists() && start.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Run { folder: only(&runs) };
    assert!(!killed.is_finished());

    let submit = here.kaggle_kit().arg("submit").assert().code(1);
    submit.stderr(contains("1 unfinished"));
    let listed = here.kaggle_kit().arg("runs").assert().success();
    listed.stderr(contains("to go on: `kaggle-kit train dogs-vs-cats --smoke`"));
    let data = here.path().join("data/dogs-vs-cats/train");
    let [one, other] = [0, 1].map(|i| {
        let mut images: Vec<_> =
            fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
        images.sort();
        images.swap_remove(i)
    });
    let as_it_was = fs::read(&one).unwrap();
    fs::remove_file(&one).unwrap();
    fs::copy(&other, &one).unwrap();
    let changed = here.kaggle_kit().args(args).assert().code(1);
    changed.stderr(contains("the images have changed since").and(contains("1 other file")));
    fs::write_atomic(&one, as_it_was).unwrap();
    let gone_on = here.kaggle_kit().args(args).assert().success();
    gone_on.stderr(contains("going on with run"));
    assert_eq!(only(&runs), killed.folder);
    assert!(killed.is_finished());
    here.kaggle_kit().arg("submit").assert().success();
    let resume = here.kaggle_kit().args(args).arg("--resume").assert().code(1);
    resume.stderr(contains("no unfinished run of `dogs-vs-cats` with this recipe"));
}

#[test]
fn a_submission_that_was_stopped_goes_on_where_it_stood() {
    let here = with_data("dogs-vs-cats");
    let train = ["train", "dogs-vs-cats", "--smoke", "--set", "batch-size=8"];
    here.kaggle_kit().args(train).assert().success();
    here.kaggle_kit().arg("submit").assert().success();
    let run = Run::newest(&here.path().join("runs"), None).unwrap();
    let rows = || fs::read_to_string(run.file("test-predictions.csv")).unwrap();
    let whole = rows();
    fs::remove_file(run.file("test-predictions.csv")).unwrap();
    // What a stopped one leaves: something that no network says, so that it is known again.
    let (recipe, classes) = (run.recipe().unwrap(), run.summary().unwrap().classes);
    let data = here.path().join("data/dogs-vs-cats");
    let samples = dataset::open_test(&run.competition().unwrap(), &data, &classes).unwrap();
    let n_images = recipe.batch_size;
    assert!(samples.len() > n_images);
    let names = tta::Views::of(&recipe).parts();
    let probabilities = vec![[0.25, 0.75].repeat(n_images); names.len()];
    let hash = dataset::digest_of_set(&samples, &()).unwrap().to_string();
    let mut place = PartialPredictions::of(&run, &hash, Duration::ZERO).unwrap();
    place.keep(WEIGHTS, &ViewMeans { names, probabilities, n_images }).unwrap();

    let submit = here.kaggle_kit().arg("submit").assert().success();
    submit.stderr(contains(format!("going on after {n_images} images")));
    let (gone_on, lines) = (rows(), 1 + n_images);
    assert!(
        gone_on.lines().take(lines).skip(1).all(|row| row.ends_with(",0.25,0.75")),
        "{gone_on}"
    );
    assert!(gone_on.lines().skip(lines).eq(whole.lines().skip(lines)), "{gone_on}");
    assert!(!run.file("asked").exists());

    // Another picture is looked at; weights that are not the run's say nothing.
    let picture = fs::read(&samples[1].path).unwrap();
    fs::remove_file(&samples[0].path).unwrap();
    fs::write_atomic(&samples[0].path, picture).unwrap();
    let submit = here.kaggle_kit().arg("submit").assert().success();
    submit.stderr(contains("is taken").not());
    let mut numbers = fs::read(run.file(WEIGHTS)).unwrap();
    let middle = numbers.len() / 2;
    numbers[middle] ^= 0x10;
    run.write(WEIGHTS, numbers).unwrap();
    let submit = here.kaggle_kit().arg("submit").assert().code(1);
    submit.stderr(contains("weights.safetensors` is damaged").and(contains("hint:")));
}
