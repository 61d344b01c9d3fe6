//! Bad input: a clear error, exit code 1, nothing lost.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use kaggle_kit::fs;
use kaggle_kit::run::Run;
use predicates::prelude::*;
use predicates::str::contains;

use super::{only, serve, trained, with_data};
use crate::support::Scratch;

/// `train` in a folder whose data were changed: fails with these words, and makes no run.
fn refused(here: &Scratch, name: &str, words: &[&str]) {
    let assert = here.kaggle_kit().args(["train", name, "--smoke"]).assert().code(1);
    let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    for word in words {
        assert!(told.contains(word), "no `{word}` in:\n{told}");
    }
    assert!(!here.path().join("runs").exists(), "a run was made");
}

fn first_image(folder: &Path) -> PathBuf {
    let mut images: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    images.sort();
    images.remove(0)
}

/// Replaces a file: data may be linked to their source, which must not change.
fn replace(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::remove_file(path).unwrap();
    fs::write_atomic(path, bytes).unwrap();
}

#[test]
fn images_that_are_missing_cut_or_web_pages() {
    let here = with_data("dog-breed");
    let data = here.path().join("data/dog-breed");
    let image = first_image(&data.join("train"));
    let name = image.file_name().unwrap().to_str().unwrap().to_owned();
    let bytes = fs::read(&image).unwrap();

    replace(&image, &bytes[..bytes.len() / 2]);
    refused(&here, "dog-breed", &[&name, "cut", "hint:"]);
    replace(&image, "<!DOCTYPE html><html><body>Sign in to Kaggle</body></html>");
    refused(&here, "dog-breed", &[&name, "HTML", "hint:"]);
    fs::remove_file(&image).unwrap();
    refused(&here, "dog-breed", &[name.trim_end_matches(".jpg"), "hint:"]);
    // The source that `fetch --from` linked is as it was.
    assert_eq!(fs::read(here.path().join("kaggle/train").join(&name)).unwrap(), bytes);
}

#[test]
fn labels_with_a_wrong_header_a_duplicate_or_an_unknown_tag() {
    let here = with_data("dog-breed");
    let labels = here.path().join("data/dog-breed/labels.csv");
    let good = fs::read_to_string(&labels).unwrap();
    let first = good.lines().nth(1).unwrap();
    let (id, breed) = first.split_once(',').unwrap();
    let mut breeds = good.lines().skip(1).map(|line| line.split_once(',').unwrap().1);
    let other = breeds.find(|&other| other != breed).unwrap();

    replace(&labels, good.replacen("id,breed", "id,race", 1));
    refused(&here, "dog-breed", &["labels.csv", "expected `id,breed`", "hint:"]);
    // The same row twice would count once.
    replace(&labels, format!("{good}{id},{other}\n"));
    refused(&here, "dog-breed", &["labels.csv", id, "hint:"]);
    replace(&labels, good.replacen(first, &format!("{id},great_dragon"), 1));
    refused(&here, "dog-breed", &["great_dragon", "line 2", "hint:"]);
}

#[test]
fn a_sample_with_other_ids() {
    let here = with_data("dog-breed");
    let sample = here.path().join("data/dog-breed/sample_submission.csv");
    let text = fs::read_to_string(&sample).unwrap();
    let (id, _) = text.lines().nth(1).unwrap().split_once(',').unwrap();
    replace(&sample, text.replacen(id, "ffffffffffffffffffffffffffffffff", 1));
    refused(&here, "dog-breed", &["ffffffffffffffffffffffffffffffff", "hint:"]);
}

#[test]
fn weights_of_another_architecture() {
    let here = trained();
    let run = Run::newest(&here.path().join("runs"), None).unwrap();
    let weights = run.file("weights.safetensors").display().to_string();
    let other = Scratch::new();
    let root = here.path().to_str().unwrap();
    let mut train = other.kaggle_kit();
    train.args(["train", "dogs-vs-cats", "--smoke", "--root", root, "--backbone", "resnet18"]);
    train.args(["--weights", &weights]);
    train.assert().code(1).stderr(contains("do not fit `resnet18`").and(contains("hint:")));
}

#[test]
fn credentials_that_cannot_be_read() {
    let here = Scratch::new();
    here.write("home/.kaggle/kaggle.json", "{\"username\": \"someone\", ");
    let fetch = here.kaggle_kit().args(["fetch", "dog-breed"]).assert().code(3);
    fetch.stderr(contains("kaggle.json").and(contains("hint:")));
    fs::remove_file(here.path().join("home/.kaggle/kaggle.json")).unwrap();
    let fetch = here.kaggle_kit().args(["fetch", "dog-breed"]).assert().code(3);
    fetch.stderr(contains("credentials").and(contains("hint:")));
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let here = Scratch::new();
    let demo = here.kaggle_kit().args(["demo", "--port", &port]).assert().code(1);
    demo.stderr(contains(&port).and(contains("in use")).and(contains("hint:")));
}

#[test]
fn a_csv_that_does_not_fit() {
    let here = Scratch::new();
    let solution = here.write("solution.csv", "id,label\n1,1\n2,0\n");
    let csv = here.write("mine.csv", "id,label\n1,0.5\n3,1.5\n");
    let mut score = here.kaggle_kit();
    score.arg("score").arg(csv).arg("--solution").arg(solution);
    score.assert().code(8).stderr(contains("mine.csv").and(contains("1.5")).and(contains("3")));
}

#[test]
fn test_images_that_are_broken_or_went_away_after_training() {
    let here = with_data("dogs-vs-cats");
    let server = serve("dogs-vs-cats");
    let broken = first_image(&here.path().join("data/dogs-vs-cats/test"));
    let id = broken.file_stem().unwrap().to_str().unwrap().to_owned();
    replace(&broken, "");
    // Training needs no test images, and says so.
    let args = ["train", "dogs-vs-cats", "--smoke", "--set", "unfreeze.run=false"];
    let trained = here.kaggle_kit().args(args).assert().success();
    trained.stderr(contains("1 test image cannot be used").and(contains("is empty")));

    let submit = |args: &[&str]| {
        let mut command = here.kaggle_kit();
        command.env("KAGGLE_API_ENDPOINT", server.url());
        command.env("KAGGLE_USERNAME", &server.account().username);
        command.env("KAGGLE_KEY", &server.account().key);
        command.arg("submit").args(args).assert()
    };
    let told = submit(&["--json"]).success();
    let told: serde_json::Value = serde_json::from_slice(&told.get_output().stdout).unwrap();
    assert_eq!(told["broken"][0]["id"], id.as_str(), "{told}");
    let csv = fs::read_to_string(only(&here.path().join("submissions"))).unwrap();
    // Half of the training images are dogs; the network says no such thing of any picture.
    assert!(csv.lines().any(|line| line == format!("{id},0.5")), "{csv}");
    // Sending that has to be asked for.
    let upload = ["--upload", "-m", "one is broken"];
    submit(&upload).code(1).stderr(contains("nothing was sent").and(contains("`--skip-broken`")));
    assert_eq!(server.submissions().len(), 0);
    submit(&[&upload[..], &["--skip-broken"]].concat()).success().stderr(contains(&id));
    assert_eq!(server.submissions().len(), 1);

    fs::remove_dir_all(here.path().join("submissions")).unwrap();
    fs::remove_file(&broken).unwrap();
    here.kaggle_kit().arg("submit").assert().code(1).stderr(contains("hint:"));
    assert!(!here.path().join("submissions").exists(), "half a submission was written");
}
