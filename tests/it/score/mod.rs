//! `score` tells what Kaggle would: the same formulas, the same precision, the same refusals.

#![allow(clippy::print_stderr, reason = "a test says that it was skipped")]

mod miniatures;
mod shapes;

use std::process::Output;

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::fs;
use kaggle_kit::submission::{self, Score};

use crate::support::{self, Scratch};

fn dogs_vs_cats() -> Competition {
    competition::find("dogs-vs-cats").unwrap()
}

fn dog_breed() -> Competition {
    competition::find("dog-breed").unwrap()
}

fn planet() -> Competition {
    competition::find("planet").unwrap()
}

fn score(csv: &str, solution: &str, competition: &Competition) -> Score {
    submission::score_bytes(csv.as_bytes(), solution.as_bytes(), competition).unwrap()
}

fn refusal(csv: &str, solution: &str, competition: &Competition) -> String {
    let error = submission::score_bytes(csv.as_bytes(), solution.as_bytes(), competition);
    format!("{:#}", error.unwrap_err())
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

#[test]
fn the_example_of_kaggles_wiki() {
    let csv = "id,c1,c2\n1,.5,.5\n2,.1,.9\n3,.01,.99\n4,.9,.1\n5,.75,.25\n6,.001,.999\n";
    let solution = "id,breed\n6,c2\n5,c2\n4,c2\n3,c1\n2,c1\n1,c1\n";
    let scored = score(csv, solution, &dog_breed());
    assert_near(scored.value, 1.881_797_068_998_267);
    assert_eq!((scored.n_rows, scored.accuracy), (6, Some(2.0 / 6.0)));
}

#[test]
fn rows_are_scaled_before_they_are_scored() {
    let csv = "id,c1,c2,c3\n1,0.2,0.1,0.1\n";
    assert_near(score(csv, "id,breed\n1,c1\n", &dog_breed()).value, 2f64.ln());
}

#[test]
fn one_probability_scores_by_zero_and_one_or_by_name() {
    let csv = "id,label\n1,0.9\n2,0.2\n10,0.4\n";
    let expected = -(0.9f64.ln() + 0.8f64.ln() + 0.4f64.ln()) / 3.0;
    for solution in ["id,label\n1,1\n2,0\n10,1\n", "id,label\n10,dog\n2,cat\n1,dog\n"] {
        let scored = score(csv, solution, &dogs_vs_cats());
        assert_near(scored.value, expected);
        assert_eq!(scored.accuracy, Some(2.0 / 3.0));
    }
}

#[test]
fn probabilities_keep_the_precision_of_the_file() {
    // In single precision the first would be 1, and cost 34.5.
    let scored = score("id,label\n1,0.9999999999\n", "id,label\n1,0\n", &dogs_vs_cats());
    assert!((scored.value - 1e10f64.ln()).abs() < 1e-5, "{scored:?}");
    let scored = score("id,label\n1,1\n", "id,label\n1,0\n", &dogs_vs_cats());
    assert!((scored.value - 1e15f64.ln()).abs() < 0.1, "{scored:?}");
}

#[test]
fn tags_score_by_mean_f2() {
    let csv = "image_name,tags\na,clear primary\nb,clear road\nc,\nd,unheard_of water\n";
    let solution = "image_name,tags\nd,water\na,clear primary\nb,clear water road\nc,cloudy\n";
    // All right; 2 of 3 with none wrong; nothing; 1 of 1 with one wrong.
    let expected = (1.0 + 10.0 / 14.0 + 0.0 + 5.0 / 6.0) / 4.0;
    assert_near(score(csv, solution, &planet()).value, expected);
}

#[test]
fn planets_sample_row_on_all_training_images() {
    let Some(train) = support::shared("data/real-csv/planet_train_v2.csv") else { return };
    let solution = fs::read_to_string(train).unwrap();
    let mut csv = String::from("image_name,tags\n");
    for line in solution.lines().skip(1) {
        csv.push_str(line.split_once(',').unwrap().0);
        csv.push_str(",primary clear agriculture road water\n");
    }
    // Python: fmean(5 * len(t & p) / (4 * len(t) + len(p)) for t in truth)
    assert_near(score(&csv, &solution, &planet()).value, 0.674_643_664_758_955_4);
}

#[test]
fn ids_that_differ_are_counted_and_named() {
    let error = refusal("id,label\n1,0.5\n7,0.5\n", "id,label\n1,1\n2,0\n3,0\n", &dogs_vs_cats());
    insta::assert_snapshot!(error, @r"
    the submission does not fit the solution
      - wrong number of rows: 2, expected 3
      - 1 unknown id: line 3: `7`
      - 2 missing ids: `2`; `3`
    ");
}

#[test]
fn a_solution_that_makes_no_sense_is_told_with_its_line() {
    let csv = "id,label\n1,0.5\n2,0.5\n";
    for (solution, expected) in [
        ("id,label\n1,1\n2,horse\n", "the solution, line 3: `horse` is not 0, 1 or a class's name"),
        ("id,label\n1,1\n1,0\n", "line 3: id `1` is also on line 2"),
        ("name,label\n1,1\n2,0\n", "its header is `name,label`, without the id column `id`"),
        ("id,truth,why\n1,1,x\n2,0,y\n", "`id,truth,why`: which column holds the labels?"),
        ("id,label\n", "failed to read the solution: it has no rows"),
    ] {
        let error = refusal(csv, solution, &dogs_vs_cats());
        assert!(error.contains(expected), "{error}");
    }
    let error = refusal("id,c1,c2\n1,0.5,0.5\n", "id,breed\n1,c3\n", &dog_breed());
    assert_eq!(error, "the solution, line 2: the submission has no column `c3`");
}

#[test]
fn kaggles_usage_column_is_passed_over() {
    let csv = "id,label\n1,0.5\n2,0.5\n";
    let solution = "id,Usage,label\n1,Public,1\n2,Private,0\n";
    assert_near(score(csv, solution, &dogs_vs_cats()).value, 2f64.ln());
}

/// Runs `kaggle-kit score` in a folder that holds `a.csv` and `solution.csv`.
fn run(csv: &str, solution: &str, arguments: &[&str]) -> Output {
    let scratch = Scratch::new();
    scratch.write("a.csv", csv);
    scratch.write("solution.csv", solution);
    let mut command = scratch.kaggle_kit();
    command.args(["score", "a.csv", "--solution", "solution.csv"]).args(arguments);
    command.output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn the_last_line_is_metric_and_value() {
    let output = run("id,label\n1,0.9\n2,0.2\n", "id,label\n1,1\n2,0\n", &[]);
    assert_eq!(stdout(&output), "rows 2\naccuracy 1.00000\nlog-loss 0.16425\n");
    assert_eq!(stderr(&output), "competition `dogs-vs-cats`, by the header\n");
    assert!(output.status.success());

    let output = run("image_name,tags\na,clear\n", "image_name,tags\na,clear haze\n", &[]);
    assert_eq!(stdout(&output), "rows 1\nmean-f2 0.55556\n");
}

#[test]
fn a_program_reads_the_score_as_json() {
    let csv = "id,c1,c2\n1,1,0\n";
    let output = run(csv, "id,breed\n1,c1\n", &["--competition", "dog-breed", "--json"]);
    let json: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(json["metric"], "log-loss");
    assert_eq!(json["competition"], "dog-breed");
    assert_eq!((&json["rows"], &json["accuracy"]), (&1.into(), &1.0.into()));
    assert!(json["value"].as_f64().unwrap() < 1e-12);
}

#[test]
fn a_header_of_no_competition_asks_for_its_name() {
    let output = run("name,label\n1,0.5\n", "id,label\n1,1\n", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    insta::assert_snapshot!(stderr(&output), @r"
    error: `a.csv` has the header of no known competition
    hint: name it with `--competition`: `dog-breed`, `dogs-vs-cats`, `invasive-species`, `paddy-disease`, `planet`, `plant-seedlings`, `state-farm`
    ");
}

#[test]
fn a_csv_that_does_not_fit_is_refused() {
    let output = run("id,label\n1,NaN\n3,0.5\n", "id,label\n1,1\n2,0\n", &[]);
    assert_eq!(output.status.code(), Some(8));
    assert_eq!(stdout(&output), "");
    insta::assert_snapshot!(stderr(&output), @r"
    competition `dogs-vs-cats`, by the header
    error: `a.csv` does not fit `solution.csv`
      - 1 value not finite: line 2: `NaN` in `label`
      - 1 unknown id: line 3: `3`
      - 1 missing id: `2`
    ");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let arguments = ["score", "a.csv", "--solution", "b.csv"];
    let output = Scratch::new().kaggle_kit().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`a.csv`"), "{}", stderr(&output));
}

/// Kaggle's metric takes any word, so it is a word of warning, and the score stands; `submit --csv`
/// refuses what the competition does not have.
#[test]
fn tags_that_there_are_not_are_told_beside_the_score() {
    let csv = "image_name,tags\na,CLEAR primary\nb,\"clear,road\"\nc,\nd,water\n";
    let solution = "image_name,tags\na,clear primary\nb,clear road\nc,cloudy\nd,water\n";
    let output = run(csv, solution, &[]);
    assert!(output.status.success());
    assert_eq!(stdout(&output), "rows 4\nmean-f2 0.37500\n");
    insta::assert_snapshot!(stderr(&output), @r"
    competition `planet`, by the header
    warning: 2 unknown tags, each scored as a wrong one: line 2: `CLEAR`; line 3: `clear,road`
    warning: 1 row without a tag, which `submit --csv` would refuse: line 4
    hint: `CLEAR`: did you mean `clear`?
    hint: tags are separated by blanks, not by `,`
    ");
    let output = run(csv, solution, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(json["findings"][0]["problem"], "strange-tag");
    assert_eq!(json["findings"][0]["severity"], "note");
    // A tag of the competition that no image of the solution has is no slip.
    let scratch = Scratch::new();
    scratch.write("a.csv", "image_name,tags\na,clear habitation\n");
    scratch.write("solution.csv", "image_name,tags\na,clear\n");
    scratch.write("data/planet/train_v2.csv", "image_name,tags\nt,clear habitation\n");
    let mut command = scratch.kaggle_kit();
    let output = command.args(["score", "a.csv", "--solution", "solution.csv"]).output().unwrap();
    assert!(!stderr(&output).contains("warning"), "{}", stderr(&output));
}
