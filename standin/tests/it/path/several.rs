//! More than one run: folds, blends, and the commands that look at runs.

use kaggle_kit::fs;
use kaggle_kit::run::Run;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::Value;

use super::{only, trained, with_data};
use crate::support::shared;

fn json(command: &mut assert_cmd::Command) -> Value {
    let done = command.arg("--json").assert().success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}

#[test]
fn folds_are_trained_once_compared_and_blended() {
    let here = with_data("dogs-vs-cats");
    // Without the whole network, for the seconds; the second fold finds the first one's activations.
    let train = ["train", "dogs-vs-cats", "--smoke", "--set", "unfreeze.run=false", "--folds", "2"];
    let second = here.kaggle_kit().args(train).args(["--fold", "2"]).assert().success();
    second.stderr(contains("fold 2 of 2"));
    let both = here.kaggle_kit().args(train).assert().success();
    both.stderr(
        contains("fold 1 of 2")
            .and(contains("fold 2 is trained"))
            .and(contains("all from the cache")),
    );
    let again = here.kaggle_kit().args(train).assert().success();
    again.stderr(contains("fold 1 is trained").and(contains("fold 2 is trained")));

    let runs = Run::all(&here.path().join("runs"), None).unwrap();
    let summaries: Vec<_> = runs.iter().map(|run| run.summary().unwrap()).collect();
    assert_eq!(summaries.len(), 2);
    assert_eq!(summaries[0].group, summaries[1].group);
    assert_eq!(summaries[0].valid_images + summaries[1].valid_images, 60);

    let told = here.kaggle_kit().arg("submit").assert().success();
    told.stderr(contains("one model, 2 folds on 60 held-out images"));
    let csv = fs::read_dir(here.path().join("submissions")).unwrap();
    let names: Vec<String> =
        csv.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name.starts_with("dogs-vs-cats-blend-")), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with(".blend.toml")), "{names:?}");

    let listed = json(here.kaggle_kit().args(["runs", "--sort", "fold"]));
    let folds: Vec<u64> =
        listed.as_array().unwrap().iter().map(|run| run["fold"].as_u64().unwrap()).collect();
    assert_eq!(folds, [1, 2]);
    let first = here.kaggle_kit().args(["runs", "--filter", "fold=1"]).assert().success();
    first.stdout(contains(runs[1].id()).and(contains(runs[0].id()).not()));

    let compare = ["compare", &runs[0].id(), &runs[1].id(), "--output", "two.html"];
    here.kaggle_kit().args(compare).assert().success();
    let page = here.read("two.html");
    assert!(page.contains("<svg") && page.contains(&runs[0].id()), "{}", page.len());
}

/// Heads of one kind are looked at together, the other alone.
#[test]
fn folds_with_backbones_of_their_own_are_one_model() {
    let Some(weights) = shared("weights/mobilenetv2_100.safetensors") else { return };
    let here = with_data("dogs-vs-cats");
    let weights = format!("weights=,{}", weights.display());
    let train = ["train", "dogs-vs-cats", "--smoke", "--set", "unfreeze.run=false"];
    let both = ["--backbone", "tf_efficientnet_lite0,mobilenetv2_100", "--set", &weights];
    let too_few = here.kaggle_kit().args(train).args(both).assert().failure();
    too_few.stderr(contains("`--folds 2` or `--set folds=2` trains one"));
    let done = here.kaggle_kit().args(train).args(both).args(["--folds", "3"]).assert().success();
    done.stderr(contains("tf_efficientnet_lite0 at").and(contains("mobilenetv2_100 at")));

    let listed = json(here.kaggle_kit().args(["runs", "--sort", "fold"]));
    let listed = listed.as_array().unwrap();
    let own: Vec<&str> = listed.iter().map(|run| run["backbone"].as_str().unwrap()).collect();
    assert_eq!(own, ["tf_efficientnet_lite0", "mobilenetv2_100", "tf_efficientnet_lite0"]);
    assert!(listed.iter().all(|run| run["group"] == listed[0]["group"]), "{listed:?}");
    let told = here.kaggle_kit().arg("submit").assert().success();
    told.stderr(contains("one model, 3 folds").and(contains("2 heads on one backbone")));

    let export = ["export", "--output", "model", "--python", "no-such-python"];
    here.kaggle_kit().args(export).assert().success();
    let model: Value = serde_json::from_str(&here.read("model/model.json")).unwrap();
    let networks = model["networks"].as_array().unwrap().iter();
    let built: Vec<&Value> = networks.map(|network| &network["backbones"][0]["name"]).collect();
    assert_eq!(built, own);
}

#[test]
fn the_finder_shows_its_curves() {
    let here = trained();
    let run = only(&here.path().join("runs/dogs-vs-cats"));
    let told = here.kaggle_kit().args(["lr-find", "--out", "curves", "--run"]).arg(&run).assert();
    told.success().stdout(starts_with("find-head-rate.rate="));
    let curves = fs::read_dir(here.path().join("curves")).unwrap().count();
    assert_eq!(curves, 2, "an SVG of each sweep");

    let mut find = here.kaggle_kit();
    find.args(["lr-find", "dogs-vs-cats", "--smoke"]);
    let found = json(&mut find);
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert!(found[0]["rate"].as_f64().unwrap() > 0.0, "{found}");
    assert_eq!(only(&here.path().join("runs/dogs-vs-cats")), run, "no run was made");
}

/// Each fold scales numbers by its own training images: heads that share a backbone answer in units of their own.
#[test]
fn folds_about_numbers_say_the_same_together_as_alone() {
    let here = with_data("dogs-vs-cats");
    let pictures = fs::read_dir(here.path().join("kaggle/train")).unwrap();
    let mut ids: Vec<String> = pictures
        .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".jpg", ""))
        .collect();
    ids.sort_unstable();
    let rows: Vec<String> =
        ids.iter().enumerate().map(|(i, id)| format!("{id},{}", i * i)).collect();
    here.write("n/train.csv", format!("id,n\n{}\n", rows.join("\n")));
    fs::create_dir_all(here.path().join("n/test")).unwrap();
    fs::rename(here.path().join("kaggle/train"), here.path().join("n/train")).unwrap();
    for id in &ids[..4] {
        let [from, to] =
            ["train", "test"].map(|part| here.path().join(format!("n/{part}/{id}.jpg")));
        fs::copy(from, to).unwrap();
    }
    let sample: Vec<String> = ids[..4].iter().map(|id| format!("{id},0")).collect();
    here.write("n/sample_submission.csv", format!("id,n\n{}\n", sample.join("\n")));
    here.kaggle_kit()
        .args(["new", "n", "--yes", "--metric", "rmse", "-o", "n.toml"])
        .assert()
        .success();
    let spec: String = here
        .read("n.toml")
        .lines()
        .filter(|line| !line.starts_with("range"))
        .collect::<Vec<_>>()
        .join("\n");
    here.write("n.toml", spec);
    here.kaggle_kit().args(["fetch", "./n.toml", "--from", "n"]).assert().success();
    let train = ["train", "./n.toml", "--smoke", "--set", "unfreeze.run=false", "--folds", "2"];
    here.kaggle_kit().args(train).assert().success();
    let runs = Run::all(&here.path().join("runs"), None).unwrap();
    let said = || -> Vec<String> {
        let kept = runs.iter().map(|run| run.file("test-predictions.csv"));
        kept.map(|path| {
            fs::read_to_string(&path).inspect(|_| fs::remove_file(&path).unwrap()).unwrap()
        })
        .collect()
    };
    here.kaggle_kit().args(["submit", "./n.toml"]).assert().success();
    let together = said();
    for run in &runs {
        here.kaggle_kit().arg("submit").arg("--run").arg(&run.folder).assert().success();
    }
    assert_eq!(said(), together);
}
