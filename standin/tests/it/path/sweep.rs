//! `sweep`: trials fold by fold, the better half of them further; and what it leaves.

use super::*;

const SWEEP: [&str; 16] = [
    "sweep",
    "dogs-vs-cats",
    "--try",
    "head.width=0,16",
    "--try",
    "seed=1,2",
    "--set",
    "size=64",
    "--set",
    "unfreeze.run=false",
    "--set",
    "head-with-augmentation.run=false",
    "--set",
    "head-on-activations.min-steps=20",
    "--set",
    "batch-size=16",
];

#[test]
fn half_of_the_trials_go_on_and_none_is_trained_twice() {
    let here = with_data("dogs-vs-cats");
    let sweep = || {
        let output =
            here.kaggle_kit().args(SWEEP).args(["--folds", "2", "--json"]).assert().success();
        let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        json
    };
    let first = sweep();
    let folds = |trial: &serde_json::Value| trial["scores"].as_array().unwrap().len();
    let trials = first["trials"].as_array().unwrap();
    assert_eq!(trials.iter().map(folds).collect::<Vec<_>>(), [2, 2, 1, 1]);
    let mean = |at: usize| trials[at]["mean"].as_f64().unwrap();
    assert!(mean(0) <= mean(1) && mean(2) <= mean(3), "a log loss, the best first: {first}");
    let runs = || fs::read_dir(here.path().join("runs/dogs-vs-cats")).unwrap().count();
    assert_eq!(runs(), 6);
    assert_eq!(sweep(), first);
    assert_eq!(runs(), 6, "all was trained before");
    let table = here.read(first["table"].as_str().unwrap());
    assert!(
        table.starts_with("settings,folds,log-loss,deviation,seconds,run\nhead.width="),
        "{table}"
    );
    let page = here.read(first["page"].as_str().unwrap());
    assert!(page.contains("Went furthest: head.width=") && page.contains("<svg"));
}

#[test]
fn a_trial_that_cannot_be_is_told_before_any_is_trained() {
    let here = with_data("dogs-vs-cats");
    let refused = |tried: &str, told: &str| {
        let mut sweep = here.kaggle_kit();
        sweep.args(["sweep", "dogs-vs-cats", "--try", tried]);
        sweep.assert().code(1).stderr(contains(told));
    };
    refused("size=96,4", "the trial `size=4` cannot be trained");
    refused("size=96", "one trial is no sweep");
    refused("folds=2,3", "`folds` is no setting to try");
    refused("widths=1,2", "unknown setting `widths`");
    assert!(!here.path().join("runs").exists());
}

#[test]
fn a_trial_that_fails_is_left_out_once_another_was_trained() {
    let here = with_data("dogs-vs-cats");
    let sweep = |tried: &str| {
        let mut sweep = here.kaggle_kit();
        sweep.args(SWEEP).args(["--folds", "2", "--json", "--try", tried]);
        sweep.assert().code(1)
    };
    // Four trials are trained, the four that want such a run are not.
    let output = sweep(r#"distil.teacher="","no-such-run""#)
        .stderr(contains(r#"no-such-run"` is left out: it could not be trained"#));
    let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let trials = json["trials"].as_array().unwrap();
    let failed = |trial: &serde_json::Value| trial["failed"].as_bool().unwrap();
    let n_failed = |trials: &[serde_json::Value]| trials.iter().filter(|t| failed(t)).count();
    assert_eq!((trials.len(), n_failed(&trials[..4]), n_failed(&trials[4..])), (8, 0, 4), "{json}");
    assert!(trials[7]["mean"].is_null() && trials[0]["scores"].as_array().unwrap().len() == 2);
    // Where the first cannot be trained none is tried after it.
    sweep(r#"distil.teacher="no-such-run","""#).stdout("");
}
