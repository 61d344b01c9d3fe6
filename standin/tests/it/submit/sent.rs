//! Checked, sent, scored and kept, or stopped in time.

use kaggle_kit::fs;
use kaggle_kit_standin::{Endpoint, Fault, Rules};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use super::{Person, draw, json};

#[test]
fn a_csv_that_does_not_fit_exits_with_8_and_nothing_is_asked() {
    let person = Person::new("dogs-vs-cats");
    person.here.write("mine.csv", "id,label\n1,0.5\n2,nan\n2,7\nx,0.5\n");
    let typed = ["submit", "--csv", "mine.csv", "--upload", "-m", "x", "--json"];
    let done = person.kaggle_kit().args(typed).assert().code(8).stderr(
        contains("`mine.csv` does not fit the sample")
            .and(contains("1 value not finite: line 3: `nan` in `label`"))
            .and(contains("1 value outside [0, 1]: line 4: `7` in `label`"))
            .and(contains("1 repeated id: line 4: `2`, first on line 3"))
            .and(contains("1 unknown id: line 5: `x`"))
            .and(contains("wrong number of rows: 4, expected 12")),
    );
    let told: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!((&told["fits"], &told["csv"]), (&false.into(), &"mine.csv".into()));
    let problems: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["problem"].as_str().unwrap())
        .collect();
    assert_eq!(
        problems,
        ["not-finite", "out-of-range", "row-count", "repeated-id", "unknown-id", "missing-id"]
    );
    assert_eq!(told["findings"][1]["examples"][0]["line"], 4);
    assert_eq!(person.server.requests(), []);
}

#[test]
fn a_csv_made_elsewhere_is_checked_without_credentials_or_network() {
    let person = Person::new("planet");
    let sample = fs::read_to_string(person.here.path().join(&person.csv)).unwrap();
    person.here.write("mine.csv", format!("\u{feff}{sample}"));
    let here = &person.here;
    here.kaggle_kit()
        .args(["submit", "--csv", "mine.csv"])
        .assert()
        .success()
        .stdout("mine.csv\n")
        .stderr(
            contains("competition `planet`, by the header")
                .and(contains("warning: a byte order mark at the start"))
                .and(contains("12 rows in `mine.csv`")),
        );
    // Which tags there are stands in the table of labels.
    here.write("mine.csv", sample.replacen("primary", "primarily", 1));
    let typed = ["submit", "--csv", "mine.csv", "planet"];
    let told = "1 unknown tag: line 2: `primarily`";
    here.kaggle_kit().args(typed).assert().code(8).stderr(contains(told));
}

#[test]
fn a_submission_is_scored_placed_and_kept_in_its_run() {
    let person = Person::new("dogs-vs-cats");
    person.fault([Fault::Pending, Fault::Pending]);
    let told = json(&mut person.sending());
    let [sent] = &person.server.submissions()[..] else { panic!("one submission") };
    assert_eq!(sent.description, "first try");
    assert_eq!((&told["fits"], &told["rows"]), (&true.into(), &12.into()));
    assert_eq!(told["run"], person.run.id());
    let submission = &told["submission"];
    assert_eq!(submission["reference"], sent.reference);
    assert_eq!((&submission["status"], &submission["left-today"]), (&"complete".into(), &4.into()));
    assert_eq!(submission["public-score"].to_string(), "0.69315");
    assert_eq!(submission["place"]["place"], 1);
    assert_eq!(person.n_calls("GetSubmission"), 3);

    let kept = fs::read_to_string(person.run.file("submission.toml")).unwrap();
    let kept: toml::Table = toml::from_str(&kept).unwrap();
    let [kept] = &kept["submission"].as_array().unwrap()[..] else { panic!("one upload") };
    assert_eq!(kept["reference"].as_integer(), Some(sent.reference as i64));
    assert_eq!(kept["status"].as_str(), Some("complete"));
    for score in ["public-score", "private-score"] {
        assert_eq!(kept[score].to_string(), "0.69315");
    }
    assert!(kept["place"]["teams"].as_integer().unwrap() >= 2);
}

#[test]
fn the_same_file_is_not_sent_twice_unless_asked() {
    let person = Person::new("dogs-vs-cats");
    let first = person.sending().assert().success();
    first
        .stderr(contains("5 submissions left today, 0 sent").and(contains("public score 0.69315")));
    let second = person.sending().assert().success();
    second.stderr(contains("is submission 4000000 already").and(contains("public score 0.69315")));
    assert_eq!(
        (person.server.submissions().len(), person.n_calls("StartSubmissionUpload")),
        (1, 1)
    );
    person.sending().arg("--again").assert().success().stderr(contains("submission 4000001: "));
    // A Kaggle that does not know the number is sent the file.
    let elsewhere = Person::new("dogs-vs-cats");
    fs::copy(person.run.file("submission.toml"), elsewhere.run.file("submission.toml")).unwrap();
    elsewhere.sending().assert().success();
    assert_eq!(elsewhere.server.submissions().len(), 1);
}

#[test]
fn with_nothing_left_today_nothing_is_uploaded() {
    let person = Person::before("dogs-vs-cats", |options| options.daily_submissions = 1);
    person.sending().assert().success().stderr(contains("0 submissions left today"));
    person.sending().arg("--again").assert().code(6).stderr(
        contains("no submission to `dogs-vs-cats-redux-kernels-edition` is left today: 1 sent")
            .and(contains("hint: Kaggle's day ends at midnight UTC")),
    );
    assert_eq!(person.n_calls("StartSubmissionUpload"), 1);
}

#[test]
fn what_was_cut_off_goes_on_even_with_nothing_left() {
    let person = Person::before("dogs-vs-cats", |options| options.daily_submissions = 0);
    person.sending().assert().code(6).stderr(contains("is left today: 0 sent"));
    assert_eq!(person.n_calls("StartSubmissionUpload"), 0);
    // It may be the one that was counted: only Kaggle can tell.
    let name = person.csv.trim_start_matches("submissions/");
    person.here.write(&format!("submissions/.{name}.upload.toml"), "");
    person.sending().assert().code(6).stderr(contains("maximum number of submissions"));
    assert_eq!(person.n_calls("CreateSubmission"), 1);
}

#[test]
fn a_lost_answer_costs_no_second_submission() {
    let person = Person::new("dogs-vs-cats");
    person.fault([Fault::LostAnswer]);
    person.sending().assert().success().stderr(contains("it was not sent twice"));
    assert_eq!((person.server.submissions().len(), person.n_calls("CreateSubmission")), (1, 1));
    let kept = fs::read_to_string(person.run.file("submission.toml")).unwrap();
    assert!(kept.contains("reference = 4000000\n"), "{kept}");
}

#[test]
fn trouble_with_asking_for_the_score_is_no_failure() {
    let person = Person::new("dogs-vs-cats");
    let refused = Fault::Status { endpoint: Endpoint::Score, status: 400, retry_after: None };
    person.fault([refused, refused]);
    let sending = person.sending().assert().success();
    sending.stderr(
        contains("the score cannot be asked for now").and(contains("public score 0.69315")),
    );
}

#[test]
fn what_kaggle_turns_down_is_an_error_that_is_kept() {
    // This Kaggle has other test images than the data at hand.
    let other = draw("dog-breed", 6);
    let person = Person::before_one_that_serves(other, "dog-breed", |_| {});
    let sending = person.sending().assert().code(1);
    sending.stderr(contains("Kaggle turned submission 4000000 down: "));
    let kept = fs::read_to_string(person.run.file("submission.toml")).unwrap();
    assert!(kept.contains("status = \"error\"\nerror = "), "{kept}");
}

#[test]
fn what_goes_wrong_has_its_exit_code() {
    let person = Person::new("dogs-vs-cats");
    let typed = ["submit", "--csv", &person.csv, "--upload", "-m", "x"];
    person.here.kaggle_kit().args(typed).assert().code(3).stderr(contains("no Kaggle credentials"));
    let mut nobody = person.here.kaggle_kit();
    nobody.envs([("KAGGLE_USERNAME", "a"), ("KAGGLE_KEY", "b")]);
    nobody.args(typed).args(["--endpoint", &person.server.url()]).assert().code(3);
    let strict = Person::before("dogs-vs-cats", |options| options.rules = Rules::NotAccepted);
    strict.sending().assert().code(4).stderr(contains("accept them on"));
    let mut other = person.kaggle_kit();
    other.args(["submissions", "planet"]).assert().code(4);
}
