//! `train --refit`: once more on all images.

use kaggle_kit::fs;
use kaggle_kit::run::{Run, WEIGHTS};
use kaggle_kit::target::TargetKind;
use predicates::prelude::*;
use predicates::str::contains;

use super::with_data;

fn texts(runs: &[Run], name: &str) -> Vec<Vec<u8>> {
    runs.iter().map(|run| fs::read(run.file(name)).unwrap()).collect()
}

#[test]
fn all_images_are_trained_on_by_the_plan_of_a_run() {
    let here = with_data("planet");
    let train = |more: &[&str]| {
        // Without the whole network, for the seconds.
        let all = ["train", "planet", "--smoke", "--set", "unfreeze.run=false"];
        here.kaggle_kit().args(all).args(more).assert()
    };
    train(&["--folds", "2", "--refit=2"]).code(1).stderr(contains("are for one run"));
    train(&["--max-minutes", "1", "--refit"]).code(1).stderr(contains("leave one of them out"));
    train(&["--set", "refit=nobody"]).code(1).stderr(contains("there is no run `nobody`"));
    // A run that is finished is taken for the first one.
    train(&[]).success();
    let told = train(&["--refit"]).success();
    let runs = Run::all(&here.path().join("runs"), None).unwrap();
    let [first, second] = runs.as_slice() else { panic!("{} runs", runs.len()) };
    told.stderr(
        contains("this is trained")
            .and(contains(format!("by the plan of run `{}`", first.id())))
            .and(contains("once more on all 60 images")),
    );
    let [of_first, of_second] = [first, second].map(|run| run.summary().unwrap());
    assert_eq!((of_first.refit.as_str(), of_second.refit.as_str()), ("", first.id().as_str()));
    assert_eq!(of_first.score, of_second.score);
    assert_eq!((of_first.trained_on(), of_second.trained_on()), (of_first.train_images, 60));
    for same in ["split.csv", "valid-predictions.csv", "decision.toml", "views.toml", "oof.csv"] {
        let [one, other] = &texts(&runs, same)[..] else { unreachable!() };
        assert_eq!(one, other, "{same}");
    }
    let [one, other] = &texts(&runs, WEIGHTS)[..] else { unreachable!() };
    assert_ne!(one, other);
    assert!(fs::read_to_string(second.file("report.html")).unwrap().contains("by whose plan all"));
    // Both are there: nothing is done twice.
    train(&["--refit"]).success().stderr(contains(second.id()));
    assert_eq!(Run::all(&here.path().join("runs"), None).unwrap().len(), 2);
    here.kaggle_kit().arg("submit").assert().success().stderr(contains(second.id()));
    // What it says of the images held out it has learnt from them.
    let by_it = train(&["--refit=never", "--pseudo", &second.id()]).code(1);
    by_it.stderr(contains("has trained on all images").and(contains(first.id())));
    let own = Run::own_predictions(second, &of_first.classes, TargetKind::MultiLabel).unwrap();
    let held_out = first.own_predictions(&of_first.classes, TargetKind::MultiLabel).unwrap();
    assert_eq!(own.ids, held_out.ids, "few as they are");
    assert_ne!(own.rows().next(), held_out.rows().next(), "another network's");

    // Others beside it, each by a seed of its own; all of them are one model.
    let three = train(&["--refit=3"]).success();
    three.stderr(
        contains("network 2 of 3")
            .and(contains("network 3 of 3"))
            .and(contains("network 1 of 3").not()),
    );
    let more = Run::all(&here.path().join("runs"), None).unwrap();
    let seeds: Vec<u64> = more.iter().map(|run| run.recipe().unwrap().seed).collect();
    assert_eq!(seeds, [42, 42, 43, 44]);
    assert_eq!(texts(&more, "split.csv")[2], texts(&more, "split.csv")[1]);
    assert_ne!(texts(&more, WEIGHTS)[2], texts(&more, WEIGHTS)[1]);
    here.kaggle_kit().arg("submit").assert().success().stderr(contains("one model, 3 networks"));
    train(&["--refit=2"]).success().stderr(contains(more[2].id()));
    assert_eq!(Run::all(&here.path().join("runs"), None).unwrap().len(), 4);
    // As if the last had been stopped: the mean is told to be without it, and goes on with it.
    fs::remove_file(more[3].file("summary.toml")).unwrap();
    let told = here.kaggle_kit().arg("submit").assert().success();
    let without = format!("run `{}` of the same plan is unfinished", more[3].id());
    told.stderr(contains("one model, 2 networks").and(contains(without)));
    train(&["--refit=4", "--resume"])
        .success()
        .stderr(contains("going on with run").and(contains("network 4 of 4")));
    train(&["--refit=4", "--resume"]).code(1).stderr(contains("no unfinished run"));
    train(&["--refit=many"]).code(2).stderr(contains("a number from 1 to 100"));

    fs::remove_file(first.file("journal.toml")).unwrap();
    let asked = train(&["--refit", "--set", "seed=42"]);
    asked.code(1).stderr(contains("no `journal.toml`").and(contains("--anew")));
}

#[test]
fn each_fold_is_trained_once_more_by_its_own_plan() {
    let here = with_data("planet");
    let train = |more: &[&str]| {
        let all = ["train", "planet", "--smoke", "--set", "unfreeze.run=false", "--folds", "2"];
        here.kaggle_kit().args(all).args(more).assert().success()
    };
    let runs = || Run::all(&here.path().join("runs"), None).unwrap();
    train(&["--fold", "2", "--refit"]).stderr(contains("by the plan of run"));
    // One of the two is there, with what follows it.
    train(&["--refit"]).stderr(contains("fold 2 is trained"));
    let of = |run: &Run| {
        let summary = run.summary().unwrap();
        (summary.refit.clone(), summary.fold, summary.trained_on())
    };
    let (all, again): (Vec<Run>, Vec<Run>) =
        runs().into_iter().partition(|run| of(run).0.is_empty());
    let mut found: Vec<_> = again.iter().map(of).collect();
    let mut wanted: Vec<_> = all.iter().map(|run| (run.id(), of(run).1, 60)).collect();
    found.sort();
    wanted.sort();
    assert_eq!((found, all.len()), (wanted, 2));
    let submit = || here.kaggle_kit().arg("submit").assert().success();
    let whole = contains("one model, 2 folds once more on 60 held-out images");
    submit().stderr(whole.clone().and(contains("2 heads on one backbone")));
    // A plan is for its own fold and seed.
    let of_plan = format!("refit={}", all[0].id());
    let by_plan = |more: &[&str]| {
        let all = ["train", "planet", "--smoke", "--set", "unfreeze.run=false", "--folds", "2"];
        here.kaggle_kit().args(all).args(["--set", &of_plan]).args(more).assert()
    };
    let fold = of(&all[0]).1;
    let (own, other) = (fold.to_string(), (3 - fold).to_string());
    by_plan(&["--fold", &other]).code(1).stderr(contains(format!("give `--fold {own}`")));
    let other_seed = ["--fold", &own, "--set", "seed=9"];
    by_plan(&other_seed).code(1).stderr(contains("`--set seed=42`"));
    by_plan(&["--fold", &own]).success().stderr(contains("once more is trained"));
    // By ranks, and nothing is done twice.
    let told = train(&["--refit", "--ranks", "2", "--device", "cpu"]);
    told.stderr(contains("fold 1 is trained").and(contains("network 2 of 2 is trained")));
    assert_eq!(runs().len(), 4);
    // As if one of those on all images had been stopped.
    fs::remove_file(again[0].file("summary.toml")).unwrap();
    let without = || contains("1 of 2 folds once more are trained, and predict without the others");
    submit().stderr(without());
    here.kaggle_kit().arg("decide").assert().success().stderr(without());
    let resumed = train(&["--refit", "--resume", "--ranks", "2", "--device", "cpu"]);
    resumed.stderr(contains("going on with run"));
    submit().stderr(whole.clone());
    // A fold that is trained anew makes a new plan.
    train(&["--fold", "1", "--anew"]).stderr(contains("once more on all").not());
    train(&["--refit"]).stderr(contains("fold 2 is trained"));
    assert_eq!(runs().len(), 6);
    submit().stderr(whole);
}

#[test]
fn what_is_finished_is_taken_but_not_what_had_no_time_for_its_end() {
    let here = with_data("dogs-vs-cats");
    let asked = |more: &[&str]| {
        let mut command = here.kaggle_kit();
        command.args(["train", "dogs-vs-cats", "--set", "size=64", "--set", "unfreeze.run=false"]);
        command.args(["--set", "head-on-activations.min-steps=20", "--set", "batch-size=16"]);
        command.args(more).assert()
    };
    let train = |more: &[&str]| asked(more).success();
    let runs = || Run::all(&here.path().join("runs"), None).unwrap();
    let says_so = "then once more on all 60 images";
    train(&[]).stderr(contains(says_so).not());
    train(&["--refit=never"]).stderr(contains("`--anew` trains it again"));
    assert_eq!(runs().len(), 1);
    train(&["--refit", "--anew"]).stderr(contains(says_so).and(contains("is trained").not()));
    train(&["--refit"]).stderr(contains("this is trained"));
    assert_eq!(runs().len(), 3);
    train(&["--folds", "2"]).stderr(contains(says_so).not());
    assert_eq!(runs().len(), 5);
    asked(&["--folds", "2", "--resume"]).code(1).stderr(contains("no unfinished run"));

    let hurried = ["--set", "seed=8", "--max-minutes", "0.00001"];
    asked(&hurried).code(1).stderr(contains("the time is over before an epoch was trained"));
    let minutes = ["--set", "seed=8", "--max-minutes", "9"];
    train(&minutes).stderr(contains("going on with run"));
    train(&minutes).stderr(contains("this is trained"));
    assert_eq!(runs().len(), 6);
    // As if the nine minutes had been too few.
    let ended = runs().into_iter().find(|run| run.recipe().unwrap().seed == 8).unwrap();
    let journal = ended.file("journal.toml");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write_atomic(&journal, format!("was-stopped = true\n{text}")).unwrap();
    train(&minutes).stderr(contains("this is trained"));
    train(&["--set", "seed=8"]).stderr(contains("this is trained").not());
    assert_eq!(runs().len(), 7);

    let of_plan = format!("refit={}", runs()[0].id());
    let picture = fs::read_dir(here.path().join("data/dogs-vs-cats/train")).unwrap().next();
    fs::remove_file(picture.unwrap().unwrap().path()).unwrap();
    let changed = contains("the images have changed since run");
    let trains = contains("the golden rule");
    asked(&["--set", &of_plan]).code(1).stderr(changed.and(trains.not()));
}
