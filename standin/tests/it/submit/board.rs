//! The history of submissions, and the leaderboard.

use kaggle_kit::fs;
use kaggle_kit_standin::Fault;
use predicates::prelude::*;
use predicates::str::contains;

use super::{Person, json};

#[test]
fn the_history_has_our_run_beside_each_and_late_scores_reach_their_run() {
    let person = Person::new("dogs-vs-cats");
    person.kaggle_kit().arg("submissions").assert().success().stderr(
        contains("no submission to `dogs-vs-cats` yet").and(contains("5 submissions left today")),
    );
    // Never scored while `submit` looks; scored when the list is asked.
    person.fault(vec![Fault::Pending; 20]);
    let mut hasty = person.kaggle_kit();
    hasty.args(["submit", "--csv", &person.csv, "--upload", "-m", "run's", "--wait", "0"]);
    hasty.assert().success().stderr(contains("not scored yet"));
    let kept = || fs::read_to_string(person.run.file("submission.toml")).unwrap();
    assert!(kept().contains("status = \"pending\""), "{}", kept());
    let sample = fs::read_to_string(person.here.path().join(&person.csv)).unwrap();
    person.here.write("other.csv", sample);
    let mut other = person.kaggle_kit();
    other.args(["submit", "--csv", "other.csv", "--upload", "-m", "a\u{1b}[31m b", "--wait", "0"]);
    other.assert().success();

    let shown = person.kaggle_kit().arg("submissions").assert().success();
    let shown = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines[1].contains("other.csv") && lines[2].contains(&person.run.id()), "{shown}");
    assert!(lines[2].contains("0.69315") && lines[2].contains("0.43210"), "{shown}");
    assert!(!shown.contains('\u{1b}') && shown.contains("\u{fffd}[31m b"), "{shown:?}");
    let sent = lines[1].split_whitespace().collect::<Vec<_>>()[1..3].join("T");
    assert!(format!("{sent}:00Z").parse::<jiff::Timestamp>().is_ok(), "{shown}");
    assert!(kept().contains("status = \"complete\"\npublic-score = 0.69315"), "{}", kept());

    let told = json(person.kaggle_kit().args(["submissions", "dogs-vs-cats"]));
    assert_eq!(told["left-today"], 3);
    let rows = told["submissions"].as_array().unwrap();
    assert_eq!((&rows[0]["run"], &rows[0]["file"]), (&().into(), &"other.csv".into()));
    assert_eq!(rows[1]["run"], person.run.id());
    assert_eq!((&rows[1]["message"], &rows[1]["held-out"]), (&"run's".into(), &0.4321.into()));
}

#[test]
fn a_file_named_after_a_run_is_its_run_without_any_record() {
    let person = Person::new("dogs-vs-cats");
    person.sending().assert().success();
    fs::remove_file(person.run.file("submission.toml")).unwrap();
    let told = json(person.kaggle_kit().arg("submissions"));
    assert_eq!(told["submissions"][0]["run"], person.run.id());
}

#[test]
fn the_board_tells_where_we_stand_or_would_stand() {
    let person = Person::new("dogs-vs-cats");
    // The sample is on it as a benchmark; our run, held out, is better.
    let board = person.kaggle_kit().arg("leaderboard").assert().success();
    board.stdout(contains("Sample Submission Benchmark").and(contains(format!(
        "log-loss 0.43210 (run {}, on images held out): place 1 of 1 on the public board",
        person.run.id()
    ))));
    person.sending().assert().success();
    let told = json(person.kaggle_kit().args(["leaderboard", "--top", "1"]));
    assert_eq!((&told["teams"], &told["metric"]), (&2.into(), &"log-loss".into()));
    assert_eq!(told["top"].as_array().unwrap().len(), 1);
    assert_eq!(told["top"][0]["rank"], 1);
    assert_eq!(
        (&told["ours"]["from"], &told["ours"]["place"]),
        (&"submission 4000000".into(), &1.into())
    );

    let told = json(person.kaggle_kit().args(["leaderboard", "--score", "0.7", "--top", "0"]));
    assert_eq!((&told["ours"]["place"], &told["ours"]["teams"]), (&3.into(), &2.into()));
    assert_eq!(told["top"].as_array().unwrap().len(), 0);
    // A higher F2 is better.
    let planet = Person::new("planet");
    let told = json(planet.kaggle_kit().args(["leaderboard", "--score", "1"]));
    assert_eq!(told["ours"]["place"], 1);
    let told = json(planet.kaggle_kit().args(["leaderboard", "--score", "0"]));
    assert_eq!(told["ours"]["place"], 2);
}
