//! Decisions about made-up images, on which it is known what should be chosen.

use rand::Rng;

use super::*;
use crate::decide::compare::Spread;
use crate::decide::interval::Interval;
use crate::decide::tags::calibrate::Kind;
use crate::decide::tags::rules::{Group, One, TagRules};
use crate::rng::{Purpose, stream};
use crate::table::Table;
use crate::target::{Classes, Predictions};

const BETA: f64 = 2.0;

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// About normal.
fn noise(rng: &mut impl Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// Images with one of three weathers, of which the last stands alone, and three other tags; every
/// tag is seen through a noise of its own, as sharp as `sharpness` says.
fn weather(n: usize, sharpness: f64, seed: u64) -> HeldOut {
    let mut rng = stream(Purpose::Draw, seed, 0, 0);
    let (mut probabilities, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let weather = [0, 0, 0, 1, 1, 2][rng.random_range(0..6)];
        let others = [0.7, 0.3, 0.2].map(|share| weather != 2 && rng.random_bool(share));
        let tags = [weather == 0, weather == 1, weather == 2, others[0], others[1], others[2]];
        for (tag, share) in tags.into_iter().zip([0.5, 0.33, 0.17, 0.58, 0.25, 0.17f64]) {
            let sign = if tag { 0.5 } else { -0.5 };
            let seen = sign * sharpness * sharpness + sharpness * noise(&mut rng);
            probabilities.push(sigmoid((share / (1.0 - share)).ln() + seen) as f32);
            truth.push(tag);
        }
    }
    let (probabilities, truth) = (Table::new(probabilities, 6), Table::new(truth, 6));
    HeldOut { probabilities, truth, folds: vec![0; n] }
}

fn rules() -> TagRules {
    let group = Group { members: vec![0, 1, 2], one: One::Exactly };
    TagRules::new(vec![group], vec![2], Vec::new(), 6).unwrap()
}

fn settings(structure: TagRules) -> Settings {
    Settings::new(BETA, structure, Rows::Any, Kind::Platt)
}

fn classes() -> Classes {
    let names = ["clear", "hazy", "cloudy", "forest", "road", "water"];
    names.map(str::to_owned).to_vec().into()
}

fn candidate(found: &Found, method: Method, rows: Rows) -> &Candidate {
    let wanted = Tried { method, rows };
    found.candidates.iter().find(|candidate| candidate.what == wanted).unwrap()
}

fn chosen(found: &Found) -> Tried {
    found.candidates[found.chosen].what
}

fn interval(candidate: &Candidate) -> Interval {
    let Spread::Interval(interval) = candidate.spread else { panic!("{candidate:?}") };
    interval
}

#[test]
fn groups_are_used_where_they_clearly_pay() {
    let found = fit(&weather(3000, 2.0, 1), &settings(rules()), None);
    assert_eq!(chosen(&found).method, Method::ExpectedF, "{:?}", found.candidates);
    let threshold = candidate(&found, Method::Threshold, Rows::Any);
    assert!(threshold.gain < -0.01 && interval(threshold).high < -0.005, "{threshold:?}");
    // What a nested score promises is kept on images that are new altogether.
    let new = weather(3000, 2.0, 2);
    let scores = settings(rules()).scores(&found.fitted[found.chosen], &new);
    let on_new = scores.iter().sum::<f64>() / scores.len() as f64;
    let promised = found.candidates[found.chosen].nested;
    assert!((on_new - promised).abs() < 0.01, "{on_new} {promised}");
    assert!((found.of_choice - promised).abs() < 0.01, "{}", found.of_choice);
}

#[test]
fn a_single_threshold_is_kept_unless_something_clearly_beats_it() {
    // Next to nothing to find: tags are independent, and calibrated.
    let images = |seed| {
        let mut rng = stream(Purpose::Draw, seed, 1, 0);
        let (mut probabilities, mut truth) = (Vec::new(), Vec::new());
        for _ in 0..300 * 6 {
            let p = sigmoid(rng.random_range(-5.0..3.0));
            probabilities.push(p as f32);
            truth.push(rng.random_bool(p));
        }
        let (probabilities, truth) = (Table::new(probabilities, 6), Table::new(truth, 6));
        HeldOut { probabilities, truth, folds: vec![0; 300] }
    };
    let mut n_kept = 0;
    for seed in 0..10 {
        let found = fit(&images(seed), &settings(TagRules::default()), None);
        let chosen = &found.candidates[found.chosen];
        let is_kept = chosen.what.method == Method::Threshold;
        assert!(is_kept || interval(chosen).is_above_zero(), "{chosen:?}");
        n_kept += usize::from(is_kept);
    }
    assert!(n_kept > 5, "{n_kept} of 10");
}

#[test]
fn expected_f_stands_where_the_spec_has_rules_unless_something_clearly_beats_it() {
    for seed in 0..10 {
        let found = fit(&weather(120, 1.5, 30 + seed), &settings(rules()), None);
        assert_eq!(found.candidates[0].what.method, Method::ExpectedF);
        let chosen = &found.candidates[found.chosen];
        let is_kept = chosen.what.method == Method::ExpectedF;
        assert!(is_kept || interval(chosen).is_above_zero(), "{chosen:?}");
    }
    // Rules that do not hold: what should stand alone never does, so whatever trusts that answers too little.
    let mut images = weather(400, 3.0, 50);
    for image in 0..images.len() {
        if images.truth.row_mut(image)[2] {
            images.truth.row_mut(image)[3..].fill(true);
            images.probabilities.row_mut(image)[3..].fill(0.9);
        }
    }
    let found = fit(&images, &settings(rules()), None);
    assert_ne!(chosen(&found).method, Method::ExpectedF, "{:?}", found.candidates);
}

#[test]
fn no_row_is_empty_and_none_is_impossible_unless_that_is_asked_for() {
    let images = weather(200, 1.0, 3);
    for rows in [Rows::Possible, Rows::Any] {
        let settings = Settings::new(BETA, rules(), rows, Kind::Platt);
        for fitted in settings.fit(&images) {
            for tags in settings.decide(&fitted, &images.probabilities) {
                let n_weathers = tags.iter().filter(|&&tag| tag < 3).count();
                assert!(n_weathers >= 1, "{fitted:?} {tags:?}");
                let is_possible = settings.structure.admits(&tags);
                assert!(is_possible || rows == Rows::Any, "{fitted:?} {tags:?}");
            }
        }
    }
}

#[test]
fn only_possible_rows_are_tried_where_they_are_asked_for() {
    let tried = |structure| {
        let settings = Settings::new(BETA, structure, Rows::Possible, Kind::Platt);
        fit(&weather(300, 1.2, 4), &settings, None).candidates
    };
    assert!(tried(rules()).iter().all(|c| c.what.rows == Rows::Possible));
    // Without rules every row is possible.
    assert!(tried(TagRules::default()).iter().all(|c| c.what.rows == Rows::Any));
}

#[test]
fn a_method_can_be_asked_for() {
    let images = weather(100, 2.0, 6);
    let only = Some(Method::ThresholdPerTag);
    let fitted = fit(&images, &settings(rules()), only);
    assert_eq!(chosen(&fitted).method, Method::ThresholdPerTag);
}

#[test]
fn few_images_are_given_a_single_threshold_without_a_nested_score() {
    for n in [0, 1, 49] {
        let fitted = fit(&weather(n, 2.0, 7), &settings(rules()), None);
        assert_eq!((chosen(&fitted).method, fitted.folds), (Method::Threshold, 0));
    }
    assert_eq!(fit(&weather(50, 2.0, 7), &settings(rules()), None).folds, 5);
}

#[test]
fn an_image_is_decided_by_what_was_fitted_without_its_fold() {
    // All images of a fold are turned around: whatever is fitted on the others is wrong about it.
    let mut images = weather(400, 3.0, 8);
    images.folds = (0..400).map(|i| i % 4).collect();
    let honest = fit(&images, &settings(rules()), None);
    for (i, truth) in images.truth.rows_mut().enumerate() {
        if i % 4 == 0 {
            for tag in truth {
                *tag = !*tag;
            }
        }
    }
    let turned = fit(&images, &settings(rules()), None);
    for (honest, turned) in honest.candidates.iter().zip(&turned.candidates) {
        assert!(turned.nested < honest.nested - 0.1, "{honest:?} {turned:?}");
    }
}

#[test]
fn a_decision_is_kept_by_name() {
    let images = weather(60, 2.0, 9);
    let settings = settings(rules());
    let found = fit(&images, &settings, Some(Method::ExpectedF));
    let decision = TagDecision::new(found, &settings, &classes(), &[30, 20, 10, 35, 15, 10], 60);
    let text = toml::to_string(&decision).unwrap();
    let back: TagDecision = toml::from_str(&text).unwrap();
    assert_eq!(back, decision);
    assert_eq!(
        decision.structure.lines(),
        ["exactly one of clear, hazy, cloudy", "cloudy without any other tag"]
    );

    let predictions = Predictions {
        ids: (0..60).map(|i| i.to_string()).collect(),
        probabilities: images.probabilities,
        classes: classes(),
    };
    let names = classes().names().to_vec();
    let mut turned = predictions.clone();
    turned.classes = names.iter().rev().cloned().collect::<Vec<_>>().into();
    turned.probabilities.rows_mut().for_each(<[f32]>::reverse);
    let told = |predictions: &Predictions| -> Vec<Vec<String>> {
        let names = |tags: &Vec<usize>| {
            let mut names: Vec<String> =
                tags.iter().map(|&tag| predictions.classes.names()[tag].clone()).collect();
            names.sort();
            names
        };
        back.tags(predictions).unwrap().iter().map(names).collect()
    };
    assert_eq!(told(&predictions), told(&turned));
    turned.classes = vec!["other".to_owned(); 6].into();
    let error = back.tags(&turned).unwrap_err().to_string();
    assert!(error.contains("`clear`"), "{error}");
}

#[test]
fn a_decision_by_a_method_that_is_gone_says_what_to_do() {
    let fitted = fit(&weather(60, 2.0, 9), &settings(rules()), None);
    let decision = TagDecision::new(fitted, &settings(rules()), &classes(), &[10; 6], 60);
    let text = toml::to_string(&decision).unwrap();
    for (gone, _) in Method::GONE {
        let text = text.replace("\"threshold-per-tag\"", &format!("\"{gone}\""));
        let error = toml::from_str::<TagDecision>(&text).unwrap_err().to_string();
        assert!(
            error.contains(gone) && error.contains("\nhint: run `kaggle-kit decide`"),
            "{error}"
        );
    }
}

#[test]
fn rules_are_told_by_a_spec() {
    use crate::competition::TagGroups;
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let told = |told: TagGroups| rules_of_spec(&told, &classes());
    assert!(told(TagGroups::default()).unwrap().is_empty());
    let weathers = TagGroups {
        exclusive: vec![names(&["clear", "hazy", "cloudy"])],
        alone: names(&["cloudy"]),
        ..TagGroups::default()
    };
    assert_eq!(told(weathers.clone()).unwrap(), rules());
    let implies = vec![["road".to_owned(), "forest".to_owned()]];
    let found = told(TagGroups { implies, ..TagGroups::default() }).unwrap();
    assert_eq!(found.implies, [(4, 3)]);
    let implies = vec![["rod".to_owned(), "forest".to_owned()]];
    let error = told(TagGroups { implies, ..TagGroups::default() }).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("`rod`; did you mean `road`?"), "{error}");

    // Few images may have no fog, and one kind of weather only.
    let mut more = weathers.clone();
    more.exclusive[0].push("fog".to_owned());
    more.alone.push("fog".to_owned());
    assert_eq!(told(more).unwrap(), rules());
    let two: Classes = names(&["clear", "forest"]).into();
    assert!(rules_of_spec(&weathers, &two).unwrap().is_empty());
}
