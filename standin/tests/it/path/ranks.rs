//! Several ranks on this machine, as people start them: the same losses as one, and nobody left behind.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kaggle_kit::fs;
use kaggle_kit::run::Run;
use kaggle_kit::target::TargetKind;
use predicates::prelude::*;
use predicates::str::contains;

use super::{only, trained, with_data};
use crate::support::{Scratch, cache_in};

/// Losses of steps may differ by so much: gradients are added up in another order, and `AdamW` makes whole
/// steps of what rounding leaves of a gradient that is zero.
const MOST_APART: f64 = 2e-4;
const TRAIN: [&str; 5] = ["train", "dogs-vs-cats", "--smoke", "--device", "cpu"];

/// Each step's loss; of one that was made twice the last.
fn losses(run: &Run) -> BTreeMap<u64, f64> {
    run.training().unwrap().steps.iter().map(|step| (step.step, step.loss)).collect()
}

fn assert_same_losses(run: &Run, other: &Run) {
    let (ours, theirs) = (losses(run), losses(other));
    assert_eq!(ours.len(), theirs.len());
    let apart = ours.iter().map(|(step, loss)| (loss - theirs[step]).abs()).fold(0.0, f64::max);
    assert!(apart < MOST_APART, "{apart}");
}

fn newest(here: &Scratch) -> Run {
    Run::newest(&here.path().join("runs"), None).unwrap()
}

#[test]
fn three_ranks_train_and_predict_as_one() {
    let here = with_data("dogs-vs-cats");
    let train = here.kaggle_kit().args(TRAIN).args(["--ranks", "3", "--json"]).assert().success();
    let told = &train.get_output().stdout;
    let told: serde_json::Value = serde_json::from_slice(told).unwrap();
    assert!(told["device"].as_str().unwrap().starts_with("3 ranks"), "{told}");
    let run = newest(&here);
    assert_same_losses(&run, &newest(trained()));
    let summary = run.summary().unwrap();
    let predicted = run.valid_predictions(&summary.classes, kind_of(&run)).unwrap();
    assert_eq!(predicted.ids.len(), summary.valid_images, "each once");

    let csv = || fs::read(only(&here.path().join("submissions"))).unwrap();
    here.kaggle_kit().arg("submit").assert().success();
    let alone = csv();
    fs::remove_file(run.file("test-predictions.csv")).unwrap();
    fs::remove_dir_all(here.path().join("submissions")).unwrap();
    let submit = ["submit", "--ranks", "2", "--device", "cpu"];
    here.kaggle_kit().args(submit).assert().success().stderr(contains("2 ranks"));
    assert!(csv() == alone, "`submit` in shares writes another file");
}

#[test]
fn ranks_train_several_networks_on_all_images_by_one_plan() {
    let here = with_data("dogs-vs-cats");
    let train = |refit: &str| {
        let more = ["--ranks", "2", "--group-timeout", "60", "--set", "unfreeze.run=false", refit];
        here.kaggle_kit().args(TRAIN).args(more).assert().success()
    };
    let seeds = || -> Vec<u64> {
        let runs = Run::all(&here.path().join("runs"), None).unwrap();
        runs.iter().map(|run| run.summary().unwrap().seed).collect()
    };
    // Both train each of the two runs together.
    train("--refit").stderr(contains("2 ranks").and(contains("once more on all 60 images")));
    assert_eq!(seeds(), [42, 42]);
    // Of three networks the first is there, and the others are trained side by side.
    let told = train("--refit=3");
    told.stderr(
        contains("3 networks, 2 at a time")
            .and(contains("network 1 of 3 is trained"))
            .and(contains("network 3 of 3: done:")),
    );
    let mut all = seeds();
    all.sort_unstable();
    assert_eq!(all, [42, 42, 43, 44]);
    let told = here.kaggle_kit().arg("submit").assert().success();
    told.stderr(contains("one model, 3 networks"));
}

fn kind_of(run: &Run) -> TargetKind {
    run.competition().unwrap().target.kind
}

#[test]
fn ranks_that_are_ended_leave_nobody_and_another_number_goes_on() {
    let here = with_data("dogs-vs-cats");
    let mut ranks = Ranks::start(&here, 2);
    let children = ranks.children();
    assert_eq!(children.len(), 2);
    kill("-9", children[1]);
    assert_eq!(ranks.ended(), Some(1));
    let told = ranks.told();
    assert!(told.contains("error: rank 1 was ended by SIGKILL"), "{told}");
    assert!(
        told.contains("hint: run the same command again") && !told.contains("rank 0"),
        "{told}"
    );

    // Another number goes on. Whoever started them is ended, then a rank by Ctrl-C for itself alone.
    let mut ranks = Ranks::start(&here, 3);
    let children = ranks.children();
    ranks.parent.kill().unwrap();
    ranks.parent.wait().unwrap();
    let start = Instant::now();
    while children.iter().any(|&child| is_there(child)) {
        assert!(start.elapsed() < Duration::from_secs(20), "ranks were left behind");
        sleep(Duration::from_millis(20));
    }
    let mut ranks = Ranks::start(&here, 2);
    kill("-INT", ranks.children()[1]);
    assert_eq!(ranks.ended(), Some(130));
    let told = ranks.told();
    assert!(
        told.contains("hint: run the same command again, without `--anew`, to go on from step"),
        "{told}"
    );

    let train = here.kaggle_kit().args(TRAIN).args(["--checkpoint-every", "0"]).assert().success();
    train.stderr(contains("going on after step"));
    let run = Run { folder: only(&here.path().join("runs/dogs-vs-cats")) };
    assert_same_losses(&run, &newest(trained()));
}

#[test]
fn several_processes_are_measured_beside_one() {
    let here = Scratch::new();
    let bench = ["models", "resnet18", "--bench", "--size", "32", "--device", "cpu"];
    let several = here.kaggle_kit().args(bench).args(["--ranks", "2", "--json"]).assert().success();
    let told: serde_json::Value = serde_json::from_slice(&several.get_output().stdout).unwrap();
    let works: Vec<&str> =
        told.as_array().unwrap().iter().map(|row| row["work"].as_str().unwrap()).collect();
    assert_eq!(works, ["predict", "train everything"], "{told}");
    for row in told.as_array().unwrap() {
        assert!(row["ranks"] == 2 && row["size"] == 32 && row["backbone"] == "resnet18", "{row}");
        assert!(row["alone"].as_f64() > Some(0.0) && row["together"].as_f64() > Some(0.0), "{row}");
    }
}

#[test]
fn folds_are_trained_side_by_side() {
    let here = with_data("dogs-vs-cats");
    let folds = |of: [&str; 2]| {
        let more = ["--ranks", "2", "--json", "--set", "unfreeze.run=false"];
        here.kaggle_kit().args(TRAIN).args(of).args(more).assert().success()
    };
    // As a preset or a spec says it, too.
    let train = folds(["--set", "folds=3"]);
    let told = &train.get_output();
    let runs: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let of: Vec<u64> =
        runs.as_array().unwrap().iter().map(|r| r["fold"].as_u64().unwrap()).collect();
    assert_eq!(of, [1, 2, 3]);
    let story = String::from_utf8_lossy(&told.stderr);
    assert!(story.contains("3 folds, 2 at a time") && story.contains("fold 3: "), "{story}");
    // What is trained is not trained again.
    let again = folds(["--folds", "3"]);
    again.stderr(contains("fold 3 is trained").and(contains("8. whole").not()));
    here.kaggle_kit().arg("submit").assert().success().stderr(contains("3 folds"));
}

/// Ranks that were started, and write checkpoints all the time.
struct Ranks {
    parent: Child,
    log: PathBuf,
}

impl Ranks {
    /// Waits until they are in the middle of things: some checkpoints further than where they began.
    fn start(here: &Scratch, n: usize) -> Self {
        // The shell becomes the program.
        let parent = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 2>stderr.txt"])
            .arg(here.kaggle_kit().get_program())
            .args(TRAIN)
            .args(["--checkpoint-every", "0", "--ranks", &n.to_string()])
            .current_dir(here.path())
            .env("HOME", here.home())
            .env("KAGGLE_KIT_CACHE", cache_in(&here.home()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut ranks = Self { parent, log: here.path().join("stderr.txt") };
        let (start, runs) = (Instant::now(), here.path().join("runs/dogs-vs-cats"));
        let before = newest_checkpoint(&runs);
        while newest_checkpoint(&runs) < before + 4 {
            let ended = ranks.parent.try_wait().unwrap();
            assert!(ended.is_none(), "{}", ranks.told());
            assert!(start.elapsed() < Duration::from_secs(120), "{}", ranks.told());
            sleep(Duration::from_millis(20));
        }
        ranks
    }

    fn children(&self) -> Vec<u32> {
        let parent = self.parent.id().to_string();
        let listed = Command::new("pgrep").args(["-P", &parent]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn ended(&mut self) -> Option<i32> {
        let children = self.children();
        let code = self.parent.wait().unwrap().code();
        assert!(!children.iter().any(|&child| is_there(child)), "ranks were left behind");
        code
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

/// The number of the newest one of all runs.
fn newest_checkpoint(runs: &Path) -> u64 {
    let Ok(folders) = fs::read_dir(runs) else { return 0 };
    let folders = folders.map(|entry| entry.unwrap().path().join("checkpoint"));
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".toml")?.parse().ok()).max().unwrap_or_default()
}

fn kill(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// Whether a process is there, and not only waits for its parent to look after it.
fn is_there(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
