//! `kaggle-kit new` on folders and archives.

mod archives;
mod miniatures;

use std::path::Path;

use kaggle_kit::fs;
use serde_json::Value;

use crate::support::Scratch;

/// A competition of labels: tables and empty files for images.
fn draw(here: &Scratch, folder: &str) {
    let ids = |start: &str| -> Vec<String> { (0..12).map(|i| format!("{start}{i:03}")).collect() };
    let (train, test) = (ids("a"), ids("b"));
    for id in &train {
        here.write(&format!("{folder}/train/{id}.jpg"), "");
    }
    for id in &test {
        here.write(&format!("{folder}/test/{id}.jpg"), "");
    }
    let labels =
        train.iter().enumerate().map(|(i, id)| format!("{id},{}\n", ["rust", "scab"][i % 2]));
    here.write(&format!("{folder}/train.csv"), format!("id,label\n{}", labels.collect::<String>()));
    let sample: String = test.iter().map(|id| format!("{id},rust\n")).collect();
    here.write(&format!("{folder}/sample_submission.csv"), format!("id,label\n{sample}"));
}

fn read(path: &Path) -> toml::Table {
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_folder_becomes_a_spec_that_says_what_is_a_guess() {
    let here = Scratch::new();
    draw(&here, "leaf-disease");
    let run = here.kaggle_kit().args(["new", "leaf-disease", "--yes"]).assert().success();
    let output = run.get_output();
    let (out, told) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out, "leaf-disease.toml\n");
    assert!(told.contains("warning: `metric` is a guess: the likeliest; `macro-f1`"), "{told}");
    assert!(
        told.contains("next: kaggle-kit fetch leaf-disease.toml --from leaf-disease"),
        "{told}"
    );
    let spec = read(&here.path().join("leaf-disease.toml"));
    assert_eq!(spec["metric"].as_str(), Some("accuracy"));
    assert_eq!(spec["submission"]["label"]["column"].as_str(), Some("label"));
    let text = here.read("leaf-disease.toml");
    assert!(text.contains("# A guess: the likeliest; `macro-f1`"), "{text}");
    // What was said beforehand is no guess.
    let args = [
        "new",
        "leaf-disease",
        "--yes",
        "--metric",
        "macro-f1",
        "--slug",
        "leaves",
        "-o",
        "b/a.toml",
    ];
    let run = here.kaggle_kit().args(args).assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(!told.contains("is a guess"), "{told}");
    assert_eq!(read(&here.path().join("b/a.toml"))["metric"].as_str(), Some("macro-f1"));
}

#[test]
fn a_file_with_another_text_stays() {
    let here = Scratch::new();
    draw(&here, "data");
    here.write("mine.toml", "title = \"by hand\"\n");
    let new = |more: &[&str]| {
        let mut command = here.kaggle_kit();
        command.args(["new", "data", "--yes", "--output", "mine.toml"]).args(more);
        command
    };
    let told = new(&[]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains("`--force` writes over it"));
    assert_eq!(here.read("mine.toml"), "title = \"by hand\"\n");
    new(&["--force"]).assert().success();
    // The same once more changes nothing.
    new(&[]).assert().success();
    here.kaggle_kit().args(["new", "data", "--yes", "-o", "mine.txt"]).assert().code(1);
    assert!(!here.path().join("mine.txt").exists());
}

#[test]
fn questions_are_asked_and_answered_by_number_or_word() {
    let here = Scratch::new();
    draw(&here, "data");
    let run =
        here.kaggle_kit().args(["new", "data"]).write_stdin("no-such\n3\n").assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("how is it scored? (--metric)"), "{told}");
    assert!(told.contains("`no-such` is none of them"), "{told}");
    assert_eq!(read(&here.path().join("data.toml"))["metric"].as_str(), Some("balanced-accuracy"));
    // Nobody answers: the likeliest.
    here.kaggle_kit().args(["new", "data", "-o", "b.toml"]).assert().success();
    assert_eq!(read(&here.path().join("b.toml"))["metric"].as_str(), Some("accuracy"));
}

#[test]
fn json_says_why() {
    let here = Scratch::new();
    draw(&here, "data");
    let run = here.kaggle_kit().args(["new", "data", "--json", "-q"]).assert().success();
    let value: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(value["spec"], "data.toml");
    assert_eq!(
        value["images"],
        serde_json::json!({ "train": 12, "test": 12, "rows": 12, "labels": 2 })
    );
    let reasons = value["reasons"].as_array().unwrap();
    let metric = reasons.iter().find(|reason| reason["field"] == "metric").unwrap();
    assert_eq!(metric["guess"], true);
    assert_eq!(value["questions"][0]["flag"], "metric");
}

#[test]
fn what_is_beyond_is_said_in_a_sentence() {
    let here = Scratch::new();
    here.write("wheat/test/a.jpg", "");
    here.write("wheat/sample_submission.csv", "image_id,PredictionString\na,1.0 0 0 50 50\n");
    here.write("cdiscount/train.bson", "");
    here.write("cdiscount/sample_submission.csv", "_id,category_id\n1,2\n");
    for (folder, told) in [
        ("wheat", "asks for boxes or masks (`PredictionString`)"),
        ("cdiscount", "the pictures are in `train.bson`, a dump of MongoDB"),
        ("no-such/folder", "no folder or archive `no-such/folder`"),
    ] {
        let run = here.kaggle_kit().args(["new", folder, "--yes"]).assert().code(1);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(told), "{error}");
    }
    let run = here.kaggle_kit().args(["new", "wheat", "--metric", "loss"]).assert().code(1);
    assert!(
        String::from_utf8_lossy(&run.get_output().stderr)
            .contains("unknown metric `loss`, expected ")
    );
}

/// A person who names a metric that cannot be gets a file to put right, and is told that it is not right.
#[test]
fn a_metric_that_does_not_fit_is_no_success() {
    let here = Scratch::new();
    draw(&here, "data");
    here.write("data/sample_submission.csv", "id,rust,scab\nb000,0.5,0.5\nb001,0.5,0.5\n");
    let run =
        here.kaggle_kit().args(["new", "data", "--yes", "--metric", "kappa"]).assert().code(1);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("error: the spec does not hold as it is: "), "{told}");
    assert!(told.contains("give another `--metric` or `--kind` with `--force`"), "{told}");
    assert!(!told.contains("next: "), "{told}");
    assert_eq!(read(&here.path().join("data.toml"))["metric"].as_str(), Some("kappa"));
    let run = here.kaggle_kit().args(["new", "data", "--yes", "--label", "lable"]).assert().code(1);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("no table has such a column\nhint: did you mean `label`?"), "{told}");
}

#[test]
fn what_is_called_like_an_archive_and_is_none_is_named() {
    let here = Scratch::new();
    here.write("data.zip", "<html>sign in</html>");
    let run = here.kaggle_kit().args(["new", "data.zip", "--yes"]).assert().code(1);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("but is none by its content: download it again"), "{told}");
    let run = here.kaggle_kit().args(["new", "dowloads", "--yes"]).assert().code(3);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("`dowloads` is no folder or archive here, so Kaggle is asked"), "{told}");
}

/// A folder of 60,000 files is looked at in a moment; the bound is for a slow machine and a build without
/// optimisation.
#[test]
fn a_table_that_nobody_can_read_is_named_where_there_is_no_spec() {
    let here = Scratch::new();
    draw(&here, "leaves");
    // As Excel saves it: `\xe9` alone is no UTF-8.
    here.write("leaves/sample_submission.csv", b"id,esp\xe9ce\nb001,rust\n");
    let run = here.kaggle_kit().args(["new", "leaves", "--yes"]).assert().failure();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("error: `leaves` gives no spec: no sample submission"), "{told}");
    assert!(
        told.contains(
            "hint: not read as a table: `sample_submission.csv`; is it a CSV in UTF-8, with a header?"
        ),
        "{told}"
    );
}

#[test]
fn a_large_folder_takes_a_moment() {
    let here = Scratch::new();
    let n = 30_000;
    for part in ["train", "test"] {
        let folder = here.path().join("data").join(part);
        fs::create_dir_all(&folder).unwrap();
        let first = folder.join(format!("{part}_0.jpg"));
        fs::write_atomic(&first, "").unwrap();
        for i in 1..n {
            let path = folder.join(format!("{part}_{i}.jpg"));
            // Some file systems bound the links of a file.
            if i % 10_000 == 0 || fs::hard_link(&first, &path).is_err() {
                fs::copy(&first, &path).unwrap();
            }
        }
    }
    let rows = |part: &str, value: &dyn Fn(usize) -> String| -> String {
        (0..n).map(|i| format!("{part}_{i},{}\n", value(i))).collect()
    };
    let labels = format!("image_name,tags\n{}", rows("train", &|i| format!("c{}", i % 17)));
    here.write("data/train.csv", labels);
    here.write(
        "data/sample_submission.csv",
        format!("image_name,tags\n{}", rows("test", &|_| "c1".to_owned())),
    );
    let start = std::time::Instant::now();
    here.kaggle_kit().args(["new", "data", "--yes"]).assert().success();
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds < 20.0, "{seconds} s");
}
