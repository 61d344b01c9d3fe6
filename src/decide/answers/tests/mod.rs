//! What is fitted against brute force and theory, on metrics of the tests' own.

mod every;
mod kept;
mod made;

use rand::Rng;

use self::made::{AREA, ERROR, HIT, KAPPA, MACRO, MICRO, RECALL};
use self::made::{classes, levels, said, skewed, tagged};
use super::*;
use crate::decide::Decision;
use crate::decide::answers::cut_points::{class_at, halves};
use crate::metric::Family;
use crate::rng::{Purpose, stream};
use crate::table::Table;
use crate::target::{Answers, Said, TargetKind, Truth};

fn rule_of(way: Way, family: &'static Family, images: &Judged) -> Rule {
    fit::rule(way, &Metric::made(family), images, &Options::default())
}

fn score(family: &'static Family, images: &Judged, rule: &Rule) -> f64 {
    let answers = rule.answers(images.kind, images.predictions.clone(), None);
    images.score(&Metric::made(family), &answers).unwrap()
}

#[test]
fn cut_points_are_as_good_as_brute_force() {
    for seed in 0..6 {
        let (predictions, truth) = levels(60, 3, seed);
        let images = Judged::new(TargetKind::Ordinal, &predictions, &truth);
        let found = score(&KAPPA, &images, &rule_of(Way::CutPoints, &KAPPA, &images));
        let mut places: Vec<f64> =
            predictions.probabilities.as_slice().iter().map(|&level| f64::from(level)).collect();
        places.push(9.0);
        let mut brute = f64::NEG_INFINITY;
        for &low in &places {
            for &high in places.iter().filter(|&&high| high >= low) {
                let points = vec![low, high];
                brute = brute.max(score(&KAPPA, &images, &Rule::CutPoints { points }));
            }
        }
        assert!(found <= brute + 1e-9 && found > brute - 0.01, "{seed}: {found} {brute}");
        let halves = score(&KAPPA, &images, &Rule::CutPoints { points: halves(3) });
        assert!(found > halves + 0.05, "{found} {halves}");
    }
}

#[test]
fn levels_between_limits_are_classes() {
    let at = |level| class_at(level, &halves(4));
    let found = [-3.0, 0.49, 0.5, 1.2, 2.5, 7.0].map(at);
    assert_eq!(found, [0, 0, 1, 1, 3, 3]);
}

#[test]
fn one_threshold_is_that_of_brute_force() {
    for seed in 0..6 {
        let (predictions, truth) = tagged(20, &[0.0, 1.0, -1.0], seed);
        let images = Judged::new(TargetKind::MultiLabel, &predictions, &truth);
        let found = rule_of(Way::Threshold, &MICRO, &images);
        let Rule::Above { never_empty, .. } = found else { panic!("{found:?}") };
        let brute = (0..=1000).map(|i| {
            let threshold = f64::from(i) / 1000.0;
            let rule = Rule::Above { threshold, never_empty, calibration: None };
            score(&MICRO, &images, &rule)
        });
        let brute = brute.fold(0.0, f64::max);
        assert!(score(&MICRO, &images, &found) >= brute - 1e-12, "{found} {brute}");
    }
    // Of two classes, it is on the second.
    let (predictions, truth) = skewed(40, 2, 3);
    let images = Judged::new(TargetKind::SingleLabel, &predictions, &truth);
    let found = rule_of(Way::Threshold, &RECALL, &images);
    let brute = (0..=1000).map(|i| {
        let threshold = f64::from(i) / 1000.0;
        let rule = Rule::Above { threshold, never_empty: false, calibration: None };
        score(&RECALL, &images, &rule)
    });
    assert!(score(&RECALL, &images, &found) >= brute.fold(0.0, f64::max) - 1e-12);
}

#[test]
fn the_power_of_shares_is_about_one_where_probabilities_are_calibrated() {
    let (predictions, truth) = skewed(6000, 4, 1);
    let images = Judged::new(TargetKind::SingleLabel, &predictions, &truth);
    let found = rule_of(Way::Priors, &RECALL, &images);
    let Rule::Priors { shares, power } = &found else { panic!("{found:?}") };
    assert!((0.8..=1.2).contains(power) && shares.is_sorted_by(|a, b| a > b), "{found:?}");
    let decided =
        AnswerDecision::fit(&Metric::made(&RECALL), &images, &Options::default()).unwrap();
    assert_eq!(decided.chosen.way, Way::Priors);
    let told = decided.to_string();
    assert!(told.starts_with("the class with the largest probability / share^"), "{told}");
    assert!(told.contains(" nested, ") && told.contains("with the likeliest, gain +"), "{told}");
    // Accuracy gains nothing by it.
    assert_eq!(ways_of(&HIT, TargetKind::SingleLabel, &Options::default()), [Way::Largest]);
}

fn ways_of(family: &'static Family, kind: TargetKind, options: &Options) -> Vec<Way> {
    way::ways(&Metric::made(family), kind, &classes(3), options)
}

#[test]
fn the_first_way_stands_unless_another_clearly_beats_it() {
    let metric = Metric::made(&KAPPA);
    let options = Options::default();
    let (predictions, truth) = levels(300, 5, 1);
    let images = Judged::new(TargetKind::Ordinal, &predictions, &truth);
    let shrunk = AnswerDecision::fit(&metric, &images, &options).unwrap();
    assert_eq!((shrunk.chosen.way, shrunk.folds, shrunk.images), (Way::CutPoints, 5, 300));
    let chosen = shrunk.candidate().unwrap();
    assert!(chosen.gain > 0.05 && chosen.in_sample >= chosen.nested - 0.02, "{chosen:?}");
    assert!((chosen.gain - (chosen.nested - shrunk.candidates[0].nested)).abs() < 1e-12);
    // Where levels are right, limits have nothing to gain.
    let mut right = predictions.clone();
    for (level, truth) in right.probabilities.as_mut_slice().iter_mut().zip(truth.classes()) {
        *level = truth[0] as f32 + 0.2 * (*level - 2.0);
    }
    let images = Judged { predictions: &right, ..images };
    let kept = AnswerDecision::fit(&metric, &images, &options).unwrap();
    assert_eq!(kept.chosen.way, Way::Nearest, "{:?}", kept.candidates);
    // With few images nothing is compared.
    let (predictions, truth) = levels(30, 5, 1);
    let few = Judged::new(TargetKind::Ordinal, &predictions, &truth);
    let few = AnswerDecision::fit(&metric, &few, &options).unwrap();
    assert_eq!((few.chosen.way, few.folds), (Way::Nearest, 0));
    // What somebody asks for is used.
    let options = Options { only_way: Some(Way::CutPoints), ..options };
    let asked = AnswerDecision::fit(&metric, &images, &options).unwrap();
    assert_eq!(asked.chosen.way, Way::CutPoints);
}

#[test]
fn a_threshold_a_tag_pays_where_tags_are_biased() {
    let metric = Metric::made(&MACRO);
    let fit = |bias: &[f64]| {
        let (predictions, truth) = tagged(1500, bias, 4);
        let images = Judged::new(TargetKind::MultiLabel, &predictions, &truth);
        AnswerDecision::fit(&metric, &images, &Options::default()).unwrap()
    };
    let biased = fit(&[0.0, 2.5, -2.5, 1.0]);
    assert_eq!(biased.chosen.way, Way::ThresholdPerClass, "{:?}", biased.candidates);
    let Rule::AboveEach { thresholds, never_empty: false } = &biased.rule else {
        panic!("{:?}", biased.rule)
    };
    assert!(thresholds[1] > thresholds[0] && thresholds[2] < thresholds[0], "{thresholds:?}");
    let curves = |bias: &[f64]| {
        let (predictions, truth) = tagged(1500, bias, 4);
        let images = Judged::new(TargetKind::MultiLabel, &predictions, &truth);
        let decided = AnswerDecision::fit(&Metric::made(&MICRO), &images, &Options::default());
        decided.unwrap().chosen.way
    };
    assert_eq!(curves(&[0.0, 2.5, -2.5, 1.0]), Way::CurvesAndThreshold);
    assert_eq!(curves(&[0.0; 4]), Way::Threshold);
}

#[test]
fn unknown_is_answered_where_nothing_is_likely() {
    // Of the images of class 2, which is "unknown", no class is likely; it has a small probability.
    let (mut cells, mut truth) = (Vec::new(), Vec::new());
    for i in 0..300_usize {
        let class = i % 3;
        let p = if class == 2 { 0.5 + (i % 7) as f32 / 100.0 } else { 0.8 + (i % 9) as f32 / 50.0 };
        let mut row = [0.02, 0.02, 0.02];
        row[i % 2] = p;
        if class < 2 {
            row = [0.02; 3];
            row[class] = p;
        }
        row[2] = 1.0 - row[0] - row[1];
        cells.extend(row.map(|p| p.min(0.45).max(if p > 0.45 { p } else { 0.0 })));
        truth.push(vec![class]);
    }
    let (predictions, truth) = (said(cells, 3, 3), Truth::Classes(truth));
    let images = Judged::new(TargetKind::SingleLabel, &predictions, &truth);
    let options = Options { unknown: Some("2".to_owned()), ..Options::default() };
    let decided = AnswerDecision::fit(&Metric::made(&HIT), &images, &options).unwrap();
    assert_eq!(decided.chosen.way, Way::LargestOrUnknown, "{:?}", decided.candidates);
    assert!(decided.score() > 0.99, "{decided}");
    let Rule::Largest { k: 1, unknown: Some(likely) } = decided.rule else { panic!("{decided}") };
    assert!((0.56..0.8).contains(&likely), "{likely}");
    // A name that no training image has is answered by a rule, but nothing is fitted for it.
    let others = Options { unknown: Some("Other".to_owned()), ..Options::default() };
    assert_eq!(ways_of(&HIT, TargetKind::SingleLabel, &others), [Way::Largest]);
    let decided = AnswerDecision::fit(&Metric::made(&HIT), &images, &others).unwrap();
    let told = decided.to_string();
    assert!(
        told.ends_with("; `Other` is never answered, since no training image has it"),
        "{told}"
    );
    let rule = Rule::Largest { k: 3, unknown: Some(0.3) };
    let answers = rule.answers(
        TargetKind::SingleLabel,
        said(vec![0.5, 0.1, 0.4, 0.2, 0.1, 0.15], 3, 3),
        Some("Other"),
    );
    assert_eq!(answers.said, Said::Lists(vec![vec![0, 2, 3], vec![3, 0, 2]]));
    assert_eq!(answers.classes.names()[3], "Other");
}

#[test]
fn what_orders_is_left_as_it_is_and_two_are_compared_by_resampling() {
    let (predictions, truth) = skewed(400, 2, 7);
    let images = Judged::new(TargetKind::SingleLabel, &predictions, &truth);
    let metric = Metric::made(&AREA);
    let decided = Decision::fit(&metric, &images, &Options::default()).unwrap();
    let Decision::Answers(answers) = &decided else { panic!("{decided}") };
    assert_eq!((answers.folds, answers.chosen.way), (0, Way::AsTheyAre));
    let better = decided.apply(predictions.clone()).unwrap();
    assert_eq!(better.said, Said::Probabilities(predictions.probabilities.wide()));
    let mut worse = better.clone();
    if let Said::Probabilities(rows) = &mut worse.said {
        let mut rng = stream(Purpose::Draw, 9, 0, 0);
        rows.as_mut_slice().iter_mut().for_each(|p| *p += rng.random_range(-0.6..0.6));
    }
    let (loss, spread) = crate::decide::difference(&metric, &images, &better, &worse).unwrap();
    let compare::Spread::Interval(interval) = spread else { panic!("{spread}") };
    assert!(loss < -0.03 && interval.low < loss && loss < interval.high, "{loss} {spread}");
    assert!(interval.high < 0.0 && interval.high - interval.low < 0.2, "{spread}");
    let (none, spread) = crate::decide::difference(&metric, &images, &better, &better).unwrap();
    assert_eq!((none, spread.to_string().as_str()), (0.0, "[+0.00000, +0.00000]"));
    // The same of a mean over images: a standard error.
    let kept = Answers { said: Said::Lists(vec![vec![0]; 400]), ..better };
    let (_, spread) =
        crate::decide::difference(&Metric::made(&HIT), &images, &kept, &kept).unwrap();
    assert_eq!(spread, compare::Spread::StandardError(0.0));
}

#[test]
fn numbers_stay_within_their_range() {
    let predictions = said(vec![-3.0, 50.0, 120.0], 1, 1);
    let truth = Truth::Numbers(Table::new(vec![1.0, 60.0, 100.0], 1));
    let images = Judged::new(TargetKind::Number, &predictions, &truth);
    let options = Options { range: Some([1.0, 100.0]), ..Options::default() };
    let decided = Decision::fit(&Metric::made(&ERROR), &images, &options).unwrap();
    let answers = decided.apply(predictions.clone()).unwrap();
    assert_eq!(answers.said, Said::Numbers(Table::new(vec![1.0, 50.0, 100.0], 1)));
    assert!((decided.score() - (100.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{decided}");
    let told = decided.to_string();
    assert_eq!(told, "numbers from 1 to 100: test-error 5.77350 on held-out images");
    let free = Decision::fit(&Metric::made(&ERROR), &images, &Options::default()).unwrap();
    assert_eq!(
        free.apply(predictions.clone()).unwrap().said,
        Said::Numbers(predictions.probabilities.wide())
    );
}

#[test]
fn columns_of_tags_are_calibrated_where_that_pays() {
    let fit = |bias: &[f64]| {
        let (predictions, truth) = tagged(2000, bias, 5);
        let images = Judged::new(TargetKind::MultiLabel, &predictions, &truth);
        AnswerDecision::fit(&Metric::log_loss(), &images, &Options::default()).unwrap()
    };
    let biased = fit(&[0.0, 1.5, -1.5]);
    assert_eq!(biased.chosen.way, Way::Calibrated, "{:?}", biased.candidates);
    assert!(biased.score() < biased.candidates[0].nested - 0.05, "{biased}");
    assert_eq!(fit(&[0.0; 3]).chosen.way, Way::Clipped);
    let (predictions, truth) = tagged(100, &[0.0; 3], 6);
    let images = Judged::new(TargetKind::MultiLabel, &predictions, &truth);
    let decision = Decision::fit(&Metric::log_loss(), &images, &Options::default()).unwrap();
    assert!(matches!(decision, Decision::Answers(_)), "{decision}");
}
