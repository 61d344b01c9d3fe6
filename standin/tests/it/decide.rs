//! `decide` with the real binary on runs that were made up: nothing here computes a network.

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::{self, Sample};
use kaggle_kit::decide::tags::Method;
use kaggle_kit::decide::{Decision, Judged, Options};
use kaggle_kit::fs;
use kaggle_kit::recipe;
use kaggle_kit::run::{Run, Side, SplitRow, SplitTable, Summary};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Classes, Predictions, TargetKind, Truth};
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::support::Scratch;

/// A person with planet's data, drawn, and a run that has looked at it.
struct Person {
    here: Scratch,
    run: Run,
    miniature: Miniature,
}

impl Person {
    fn new() -> Self {
        Self::with_spec(|source| source)
    }

    /// The same with a spec of their own.
    fn with_spec(change: impl Fn(String) -> String) -> Self {
        let here = Scratch::new();
        let planet = competition::find("planet").unwrap();
        let planet = Competition::parse("planet", &change(planet.source), "planet.toml").unwrap();
        let sizes = Sizes { train: 360, test: 40, ..Sizes::TINY };
        let miniature = Miniature::generate(&planet, sizes, 3).unwrap();
        let data = here.path().join("data/planet");
        miniature.write(&data).unwrap();
        let dataset = dataset::open(&planet, &data).unwrap();
        let run = Run::create(&here.path().join("runs"), &planet, &recipe::resolve(&[]).unwrap());
        let run = run.unwrap();
        let classes = &dataset.classes;

        let row = |(i, sample): (usize, &Sample)| SplitRow {
            id: sample.id.clone(),
            side: if i % 2 == 0 { Side::Valid } else { Side::Train },
            labels: sample.target.iter().map(|&tag| classes.names()[tag].clone()).collect(),
            numbers: Vec::new(),
            set: None,
        };
        let rows = dataset.train.iter().enumerate().map(row).collect();
        SplitTable { columns: Vec::new(), rows }.write(&run).unwrap();
        let valid: Vec<Sample> = dataset.train.iter().step_by(2).cloned().collect();
        let said = predictions(&valid, classes);
        run.write_valid_predictions(&said, TargetKind::MultiLabel).unwrap();
        let truth = Truth::Classes(valid.iter().map(|sample| sample.target.clone()).collect());
        let images = Judged::new(planet.target.kind, &said, &truth);
        let decision = Decision::quick(&planet.metric, &images, &Options::default()).unwrap();
        run.write_toml("decision.toml", &decision).unwrap();
        run.finish(&Summary {
            score: 0.1,
            train_images: 180,
            valid_images: valid.len(),
            ..Summary::made_up("planet", &planet.metric, classes)
        })
        .unwrap();
        run.write("report.html", "<body><section id=\"tags\">as it was</section></body>").unwrap();
        let hash = dataset::digest_of_set(&dataset.test, &()).unwrap().to_string();
        let said = predictions(&dataset.test, classes);
        run.write_test_predictions(&hash, &said, TargetKind::MultiLabel).unwrap();
        Self { here, run, miniature }
    }

    fn decide(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = self.here.kaggle_kit();
        command.arg("decide").args(args);
        command
    }

    fn csv(&self) -> String {
        let name = format!("planet-{}.csv", self.run.id());
        fs::read_to_string(self.here.path().join("submissions").join(name)).unwrap()
    }
}

/// What a middling network would say: right about most tags, in doubt about weather.
fn predictions(samples: &[Sample], classes: &Classes) -> Predictions {
    let mut probabilities = Vec::new();
    for (i, sample) in samples.iter().enumerate() {
        for tag in 0..classes.len() {
            let noise = ((i * 31 + tag * 17) % 13) as f32 / 13.0;
            let is_set = sample.target.contains(&tag);
            probabilities.push(if is_set { 0.3 + 0.6 * noise } else { 0.4 * noise * noise });
        }
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    let probabilities = Table::new(probabilities, classes.len());
    Predictions { ids, probabilities, classes: classes.clone() }
}

fn json(mut command: assert_cmd::Command) -> Value {
    let done = command.arg("--json").assert().success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}

#[test]
fn every_method_is_told_and_the_best_ones_csv_is_written() {
    let person = Person::new();
    let told = person.decide(&[]).assert().success();
    told.stderr(
        contains("exactly one of clear, cloudy, haze, partly_cloudy")
            .and(contains("expected F"))
            .and(contains("gain over expected F"))
            .and(contains("rows in `submissions/planet-")),
    );
    assert_eq!(person.csv().lines().count(), 41);
    let told = json(person.decide(&[&person.run.id()]));
    let tags = &told["decision"]["tags"];
    let n = tags["candidates"].as_array().unwrap().len();
    assert_eq!((n, tags["folds"].as_u64(), tags["images"].as_u64()), (3, Some(5), Some(180)));
    assert_eq!(told["submission"]["fits"], true);

    // The run and its page go by it from now on.
    let page = fs::read_to_string(person.run.file("report.html")).unwrap();
    assert!(
        page.contains("<section id=\"decision\">") && page.contains("a threshold a tag"),
        "{page}"
    );
    assert!(page.starts_with("<body>") && !page.contains("as it was"), "{page}");
    let score = tags["candidates"].as_array().unwrap().iter().find(|candidate| {
        candidate["method"] == tags["chosen"]["method"]
            && candidate["rows"] == tags["chosen"]["rows"]
    });
    let score = score.unwrap()["nested"].as_f64().unwrap();
    assert!((person.run.summary().unwrap().score - score).abs() < 1e-12);
    let kept: Decision = person.run.read_toml("decision.toml").unwrap();
    assert!((kept.score() - score).abs() < 1e-12);
}

#[test]
fn rows_and_method_can_be_asked_for() {
    let person = Person::new();
    let told = json(person.decide(&["planet", "--rows", "possible", "--method", "threshold"]));
    let chosen = &told["decision"]["tags"]["chosen"];
    assert_eq!((&chosen["method"], &chosen["rows"]), (&"threshold".into(), &"possible".into()));
    for line in person.csv().lines().skip(1) {
        let tags: Vec<&str> = line.split(',').nth(1).unwrap().split(' ').collect();
        let weathers = ["clear", "cloudy", "haze", "partly_cloudy"];
        let n_weathers = tags.iter().filter(|tag| weathers.contains(tag)).count();
        assert!(n_weathers == 1 && (!tags.contains(&"cloudy") || tags.len() == 1), "{line}");
    }
    let told = json(person.decide(&["planet", "--calibration", "temperature"]));
    assert_eq!(told["decision"]["tags"]["calibration"], "temperature");
    person
        .decide(&["planet", "--method", "guess"])
        .assert()
        .code(2)
        .stderr(contains("threshold-per-tag"));
    for (gone, instead) in Method::GONE {
        let told = person.decide(&["planet", "--method", gone]).assert().code(2);
        told.stderr(contains(format!("`{gone}` is gone, use `{instead}`")));
    }
    let told = person.decide(&["planet", "--rows", "auto"]).assert().code(2);
    told.stderr(contains("`auto` is gone, use `any`"));
    let told = person.decide(&["planet", "--calibration", "isotonic"]).assert().code(2);
    told.stderr(contains("`isotonic` is gone, use `platt`"));
}

#[test]
fn each_method_is_scored_if_the_truth_is_given() {
    let person = Person::new();
    person.here.write("solution.csv", person.miniature.solution_csv().unwrap());
    let told = json(person.decide(&["planet", "--solution", "solution.csv"]));
    let on_test = told["test"].as_array().unwrap();
    let n = told["decision"]["tags"]["candidates"].as_array().unwrap().len();
    assert_eq!(on_test.len(), n);
    // The chosen one's is that of the CSV.
    let csv = told["submission"]["csv"].as_str().unwrap();
    let mut score = person.here.kaggle_kit();
    let scored = json({
        score.args(["score", csv, "--solution", "solution.csv"]);
        score
    });
    assert!(on_test.contains(&scored["value"]), "{scored} {on_test:?}");
    person.decide(&["planet", "--solution", "no.csv"]).assert().code(1).stderr(contains("no.csv"));
}

#[test]
fn rules_among_tags_are_taken_from_the_spec() {
    let weathers = "exclusive = [[\"clear\", \"cloudy\", \"haze\", \"partly_cloudy\"]]";
    let implies = "implies = [[\"road\", \"primary\"]]";
    let person = Person::with_spec(|source| source.replace(weathers, implies));
    let told = json(person.decide(&["planet"]));
    let structure = &told["decision"]["tags"]["structure"];
    assert_eq!(structure["exclusive"], Value::Array(Vec::new()));
    assert_eq!(structure["implies"], serde_json::json!([["road", "primary"]]));

    let wrong = |source: String| source.replace("alone = [\"cloudy\"]", "alone = [\"clowdy\"]");
    let person = Person::with_spec(wrong);
    person.decide(&["planet"]).assert().code(1).stderr(contains("did you mean `cloudy`?"));
}

#[test]
fn without_test_images_the_table_is_all() {
    let person = Person::new();
    fs::remove_dir_all(person.here.path().join("data")).unwrap();
    let told = person.decide(&["planet"]).assert().success();
    told.stderr(contains("no CSV was written").and(contains("expected F")));
    assert!(!person.here.path().join("submissions").exists());
}

#[test]
fn predictions_of_other_images_are_not_taken() {
    let person = Person::new();
    let tests: Vec<_> = {
        let planet = person.run.competition().unwrap();
        dataset::open(&planet, &person.here.path().join("data/planet")).unwrap().test
    };
    let is_there = |tests: &[Sample]| {
        let hash = dataset::digest_of_set(tests, &()).unwrap().to_string();
        person.run.has_test_predictions(&hash).unwrap()
    };
    assert!(is_there(&tests));
    assert!(!is_there(&tests[1..]));
    // Of the same size: bitmaps all are.
    let mut picture = fs::read(&tests[3].path).unwrap();
    let as_it_was = picture.clone();
    picture[300] ^= 1;
    fs::write_atomic(&tests[3].path, &picture).unwrap();
    assert!(!is_there(&tests));
    fs::write_atomic(&tests[3].path, &as_it_was).unwrap();
    assert!(is_there(&tests));
}

/// What they follow from, and the file itself: whatever changes, they are made again.
#[test]
fn predictions_by_another_run_are_not_taken() {
    let person = Person::new();
    let planet = person.run.competition().unwrap();
    let tests = dataset::open(&planet, &person.here.path().join("data/planet")).unwrap().test;
    let hash = dataset::digest_of_set(&tests, &()).unwrap().to_string();
    let is_there = || person.run.has_test_predictions(&hash).unwrap();
    assert!(is_there());
    let precision = |precision: &str| {
        let typed = format!("optimizer.precision={precision}");
        let layers = [recipe::Layer::assignment(&typed).unwrap()];
        toml::to_string(&recipe::resolve(&layers).unwrap()).unwrap()
    };
    for (file, other) in [
        ("recipe.toml", precision("bf16")),
        ("views.toml", "chosen = \"one view\"\n".to_owned()),
        ("weights.safetensors", "other numbers".to_owned()),
        ("test-predictions.csv", "id,clear\n".to_owned()),
        ("test-predictions.toml", "version = 1\n".to_owned()),
    ] {
        let path = person.run.file(file);
        let as_it_was = fs::read(&path).ok();
        fs::write_atomic(&path, other).unwrap();
        assert!(!is_there(), "{file}");
        match as_it_was {
            Some(bytes) => fs::write_atomic(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert!(is_there(), "{file}");
    }
}

#[test]
fn a_decision_or_predictions_that_were_edited_are_refused_in_words() {
    let person = Person::new();
    let valid = person.run.file("valid-predictions.csv");
    let whole = fs::read_to_string(&valid).unwrap();
    let some: Vec<&str> = whole.lines().take(4).collect();
    fs::write_atomic(&valid, some.join("\n")).unwrap();
    let told = person.decide(&["planet"]).assert().code(1);
    told.stderr(
        contains("has 3 of the 180 images that `split.csv` holds out").and(contains("hint:")),
    );
    fs::write_atomic(&valid, whole).unwrap();
    let decision = person.run.file("decision.toml");
    let text = fs::read_to_string(&decision).unwrap();
    fs::write_atomic(&decision, text.replace("beta = 2.0", "beta = nan")).unwrap();
    let mut submit = person.here.kaggle_kit();
    let told = submit.arg("submit").assert().code(1);
    told.stderr(contains("decision.toml`, line 2: `tags.beta` is NaN").and(contains("hint:")));
    // The hint's own command mends it.
    person.decide(&[&person.run.id()]).assert().success();
    let mut submit = person.here.kaggle_kit();
    submit.arg("submit").assert().success();
}
