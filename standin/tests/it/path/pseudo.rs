//! Test images that are trained on as another run labels them.

use super::*;

#[test]
fn a_run_labels_test_images_for_one_that_holds_out_the_same() {
    let here = with_data("dogs-vs-cats");
    let train = |more: &[&str]| {
        let mut command = here.kaggle_kit();
        command
            .args(["train", "dogs-vs-cats", "--smoke", "--set", "unfreeze.run=false"])
            .args(more);
        command.assert()
    };
    train(&[]).success();
    let first = Run { folder: only(&here.path().join("runs/dogs-vs-cats")) };
    let id = first.id();
    let pseudo = ["--pseudo", id.as_str()];
    let asked = train(&pseudo).code(1);
    asked.stderr(contains(format!("run `kaggle-kit submit --runs {id}`, then this again")));
    here.kaggle_kit().args(["submit", "--runs", &id]).assert().success();

    let told =
        contains(format!("test images as `{id}` labels them")).and(contains("8. whole network"));
    train(&pseudo).success().stderr(told);
    let runs = Run::all(&here.path().join("runs"), Some("dogs-vs-cats")).unwrap();
    let second = runs.iter().find(|run| run.id() != id).unwrap();
    let [before, after] = [&first, second].map(|run| run.summary().unwrap());
    assert_eq!(before.train_images, after.train_images);
    // Other weights came of it, and the same images were held out.
    assert_ne!(before.weights_sha256, after.weights_sha256);
    let split = |run: &Run| fs::read_to_string(run.file("split.csv")).unwrap();
    assert_eq!(split(&first), split(second));

    let other = [pseudo.as_slice(), &["--set", "seed=7"]].concat();
    train(&other).code(1).stderr(contains("its labels would tell about them"));
    train(&["--pseudo", "nobody"]).code(1).stderr(contains("there is no run `nobody`"));
}

#[test]
fn a_network_learns_what_its_teachers_say() {
    let here = with_data("planet");
    let train = |more: &[&str]| {
        let mut command = here.kaggle_kit();
        command.args(["train", "planet", "--smoke", "--set", "unfreeze.run=false"]).args(more);
        command.assert()
    };
    train(&[]).success();
    let teacher = Run { folder: only(&here.path().join("runs/planet")) };
    let id = teacher.id();
    let taught = train(&["--teacher", &id, "--set", "distil.share=0.75"]).success();
    taught.stderr(
        contains("training images").and(contains("0.75 of every target is what 1 teacher said")),
    );
    let runs = Run::all(&here.path().join("runs"), Some("planet")).unwrap();
    let pupil = runs.iter().find(|run| run.id() != id).unwrap();
    let [before, after] = [&teacher, pupil].map(|run| run.summary().unwrap());
    assert_ne!(before.weights_sha256, after.weights_sha256);
    // Where nothing is learnt of it, it is as if there were none.
    train(&["--teacher", &id, "--set", "distil.share=0"]).success();
    let runs = Run::all(&here.path().join("runs"), Some("planet")).unwrap();
    let alone = runs.iter().find(|run| ![id.clone(), pupil.id()].contains(&run.id())).unwrap();
    assert_eq!(alone.summary().unwrap().weights_sha256, before.weights_sha256);
    let other = ["--teacher", id.as_str(), "--set", "seed=7"];
    train(&other).code(1).stderr(contains("its labels would tell about them"));
}
