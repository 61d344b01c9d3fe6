//! `pack --upload` and `submit --kernel`: a data set, a notebook, a submission, each made once.

use assert_cmd::Command;
use kaggle_kit::fs;
use kaggle_kit::run::{Run, Summary};
use kaggle_kit_standin::{Fault, Verdict};
use predicates::prelude::*;
use predicates::str::contains;

use super::{Person, json};

impl Person {
    fn submitting(&self) -> Command {
        let mut command = self.kaggle_kit();
        command.args(["submit", "planet", "--kernel", "-m", "by a notebook", "--wait", "20"]);
        command
    }

    /// The run once more, under another name.
    fn copy_run(&self, id: &str) -> Run {
        let other = self.run.folder.with_file_name(id);
        fs::create_dir_all(&other).unwrap();
        for file in fs::read_dir(&self.run.folder).unwrap() {
            let from = file.unwrap().path();
            if from.is_file() {
                fs::copy(&from, other.join(from.file_name().unwrap())).unwrap();
            }
        }
        Run { folder: other }
    }

    fn beside(&self, name: &str) -> std::path::PathBuf {
        self.here.path().join("packs").join(name)
    }
}

/// Lets a run have held out images, and said something of them.
fn hold_out(run: &Run, ids: &str) {
    let Summary { classes, valid_images, .. } = run.summary().unwrap();
    let names = classes.names();
    let rows = |rest: &str| {
        let rows: Vec<String> = (0..valid_images).map(|i| format!("{ids}{i},{rest}\n")).collect();
        rows.concat()
    };
    let split = rows(&format!("valid,{}", names[0]));
    fs::write_atomic(run.file("split.csv"), format!("id,part,labels\n{split}")).unwrap();
    let said = rows(&vec!["0.5"; names.len()].join(","));
    let said = format!("id,{}\n{said}", names.join(","));
    fs::write_atomic(run.file("valid-predictions.csv"), said).unwrap();
}

#[test]
fn a_run_is_packed_uploaded_run_there_and_submitted() {
    let person = Person::before("planet", |options| options.notebooks_only = true);
    person.here.write("dist/kaggle_kit-0.2.0-py3-none-any.whl", "a wheel");
    person.submitting().assert().success().stderr(
        contains("data set standin/kaggle-kit-planet, private")
            .and(contains("notebook standin/kaggle-kit-planet-submit, version 1"))
            .and(contains("it ran to its end"))
            .and(contains("submission 4000000"))
            .and(contains("public score")),
    );
    let [data_set] = &person.server.data_sets()[..] else { panic!("one data set is there") };
    assert!(data_set.is_private && data_set.versions.len() == 1);
    let files: Vec<String> =
        data_set.versions[0].files().into_iter().map(|(path, _)| path).collect();
    let run = format!("runs/planet/{}/summary.toml", person.run.id());
    for expected in ["competition.toml", "kaggle_kit-0.2.0-py3-none-any.whl", "submit.ipynb", &run]
    {
        assert!(files.iter().any(|file| file == expected), "no {expected} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.ends_with("submission.toml")), "{files:?}");
    let [kernel] = &person.server.kernels()[..] else { panic!("one notebook is there") };
    let version = &kernel.versions[0];
    assert!(!version.has_internet);
    assert_eq!(version.data_sets, ["standin/kaggle-kit-planet"]);
    assert_eq!(version.competitions, [person.run.competition().unwrap().slug]);
    assert_eq!(version.machine, "NvidiaTeslaT4");
    assert!(version.text.contains(r#"PACK = \"kaggle-kit-planet\""#));
    let [submission] = &person.server.submissions()[..] else { panic!("one submission") };
    assert_eq!(submission.description, "by a notebook");
    assert!(matches!(submission.verdict, Verdict::Complete { .. }));
    let kept = fs::read_to_string(person.run.file("submission.toml")).unwrap();
    assert!(kept.contains("standin/kaggle-kit-planet-submit, version 1"), "{kept}");

    // The same again: all of it is there. What tells of the submission is no part of it.
    fs::write_atomic(person.run.file("report.html"), "a page, told anew").unwrap();
    person.submitting().assert().success().stderr(
        contains("has these very files already").and(contains("is submission 4000000 already")),
    );
    let told = json(person.submitting().args(["--again", "--machine", "NvidiaTeslaT4"]));
    assert_eq!(told["submission"]["reference"], 4_000_001);
    assert_eq!(told["notebook"], "standin/kaggle-kit-planet-submit");
    assert_eq!(person.n_calls("SaveKernel"), 1, "the version is submitted again, not made again");
    assert_eq!(person.n_calls("CreateDataset"), 1);
    // Another wheel is another version of both.
    person.here.write("dist/kaggle_kit-0.2.0-py3-none-any.whl", "another wheel");
    person.submitting().assert().success();
    assert_eq!(person.server.data_sets()[0].versions.len(), 2);
    assert_eq!(person.server.kernels()[0].versions.len(), 2);
    assert_eq!(person.server.submissions().len(), 3);
    // What is at Kaggle is nobody else's to read here.
    let secrets = fs::read_to_string(person.beside(".planet.upload.toml")).unwrap();
    assert!(!secrets.contains("upload_id"), "{secrets}");
}

#[test]
fn lost_answers_and_lines_make_nothing_twice() {
    let person = Person::new("planet");
    person.fault([Fault::UploadCut(100), Fault::LostDataset, Fault::LostKernel, Fault::LostAnswer]);
    person.submitting().assert().success().stderr(
        contains("Kaggle has the version: it was not made twice")
            .and(contains("Kaggle's list has it: it was not sent twice")),
    );
    assert_eq!(person.n_calls("CreateDataset"), 1);
    assert_eq!(person.n_calls("SaveKernel"), 1);
    assert_eq!(person.n_calls("CreateCodeSubmission"), 1);
    assert_eq!(person.server.submissions().len(), 1);
}

#[test]
fn a_notebook_that_fails_is_told_with_what_it_printed_and_pushed_anew() {
    let person = Person::new("planet");
    person.fault([Fault::KernelFails]);
    person.submitting().assert().code(1).stderr(
        contains("version 1 of the notebook `standin/kaggle-kit-planet-submit` failed")
            .and(contains("notebook: the stand-in runs no notebooks")),
    );
    assert_eq!(person.server.submissions().len(), 0);
    person.submitting().assert().success().stderr(contains("version 2"));
    assert_eq!(person.n_calls("CreateDataset"), 1);
}

#[test]
fn a_data_set_is_uploaded_alone_with_a_token_and_goes_on_where_it_was_cut() {
    let person = Person::new("planet");
    person.here.write("other.whl", "no wheel");
    let packing = || {
        let mut command = person.here.kaggle_kit();
        command.env("KAGGLE_API_ENDPOINT", person.server.url());
        command.env("KAGGLE_API_TOKEN", &person.server.account().token);
        command.args(["pack", "planet", "--upload"]);
        command
    };
    // Kaggle is down after some files.
    person.fault(std::iter::repeat_n(
        Fault::Status {
            endpoint: kaggle_kit_standin::Endpoint::Dataset,
            status: 403,
            retry_after: None,
        },
        1,
    ));
    packing().assert().code(4);
    let n = person.n_calls("StartBlobUpload");
    packing().assert().success().stderr(contains("data set standin/kaggle-kit-planet"));
    assert!(person.n_calls("StartBlobUpload") > n, "what was refused is uploaded anew");
    let told = json(&mut packing());
    assert_eq!(told["data-set"]["ref"], "standin/kaggle-kit-planet");
    assert_eq!(told["data-set"]["sent-now"], false);
    assert_eq!(person.server.data_sets()[0].versions.len(), 1);
    // And back, on another machine; of a wheel there is one file.
    let fetching = |name: &str| {
        let mut command = person.kaggle_kit();
        command.args(["fetch", "--data-set", name]);
        command
    };
    person.fault([Fault::Cut(1000)]);
    fetching("standin/kaggle-kit-planet").assert().success().stderr(contains("version 1"));
    let fetched = person.here.path().join("data-sets/standin/kaggle-kit-planet");
    let run = format!("runs/planet/{}/summary.toml", person.run.id());
    assert_eq!(
        fs::read(fetched.join(&run)).unwrap(),
        fs::read(person.run.file("summary.toml")).unwrap()
    );
    assert!(fetched.join("submit.ipynb").is_file());
    let told = json(&mut fetching("https://www.kaggle.com/datasets/standin/kaggle-kit-planet"));
    assert_eq!((&told["version"], person.n_calls("DownloadDataset")), (&1.into(), 1));
    fetching("standin/nothing-here").assert().code(5);
    fetching("nothing").assert().code(1).stderr(contains("`owner/name`"));
    // Without `--upload` a folder that is there is left alone.
    person.here.kaggle_kit().args(["pack", "planet"]).assert().code(1);
    person.fault([Fault::DatasetFails]);
    fs::write_atomic(person.run.file("class-names.toml"), "").unwrap();
    packing().assert().code(1).stderr(contains("could not use the files"));
}

#[test]
fn a_blend_is_packed_with_a_notebook_that_names_its_runs() {
    let person = Person::new("planet");
    let other = person.copy_run("20200101-000000-beef");
    hold_out(&person.run, "a");
    hold_out(&other, "a");
    let submitting = || {
        let mut command = person.kaggle_kit();
        command.args(["submit", "planet", "--kernel", "--best", "2", "-m", "a blend"]);
        command.assert().success()
    };
    submitting().stderr(contains("2 runs in").and(contains("submission 4000000")));
    let [data_set] = &person.server.data_sets()[..] else { panic!("one data set is there") };
    let files = data_set.versions[0].files();
    let [kernel] = &person.server.kernels()[..] else { panic!("one notebook is there") };
    for id in [person.run.id().as_str(), "20200101-000000-beef"] {
        let summary = format!("runs/planet/{id}/summary.toml");
        assert!(files.iter().any(|(path, _)| *path == summary), "no {summary}");
        assert!(kernel.versions[0].text.contains(id), "{id}");
    }
    // What was sent of a blend is remembered as that of a run is.
    submitting().stderr(contains("is submission 4000000 already"));
    assert_eq!(person.server.submissions().len(), 1);
}

#[test]
fn what_cannot_be_blended_is_not_packed() {
    let person = Person::new("planet");
    let other = person.copy_run("20200101-000000-beef");
    hold_out(&person.run, "a");
    hold_out(&other, "b");
    let told = person.kaggle_kit().args(["pack", "planet", "--best", "2"]).assert().code(1);
    told.stderr(contains("no held-out image in common"));
    assert!(!person.here.path().join("packs").exists());
}

#[test]
fn what_does_not_go_together_is_refused() {
    let person = Person::new("planet");
    let refused = |words: &[&str]| person.kaggle_kit().args(words).assert().code(2);
    refused(&["submit", "planet", "--kernel"]);
    refused(&["submit", "planet", "--kernel", "--upload", "-m", "x"]);
    refused(&["submit", "planet", "-m", "x"]);
    refused(&["submit", "planet", "--machine", "none"]);
    let mut nobody = person.here.kaggle_kit();
    nobody.args(["submit", "planet", "--kernel", "-m", "x"]).assert().code(3);
}
