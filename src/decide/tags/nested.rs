//! Every method fitted without a fold and asked about that fold, and the choice between them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rule::Prepared;
use super::{Approach, Frame, HeldOut, Method, Rule};
use crate::decide::interval::{self, Interval};
use crate::table::Table;

/// With fewer images nothing is said about other images, and a single threshold is used.
pub(super) const MIN_IMAGES: usize = 50;
/// Resamplings of an interval.
const DRAWS: usize = 1000;
/// Resamplings where a choice is only repeated without a fold.
const FEW_DRAWS: usize = 200;

/// An approach, and how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Candidate {
    /// Which.
    #[serde(flatten)]
    pub approach: Approach,
    /// The score on the images that it was fitted on.
    pub in_sample: f64,
    /// The score on images that it has not seen.
    pub nested: f64,
    /// By how much `nested` is better than that of the first candidate, a single threshold.
    pub gain: f64,
    /// Where that gain lies, by paired bootstrap, in 95 of 100 cases.
    pub interval: Interval,
}

/// All approaches, fitted on all images, and what speaks for each.
pub(super) struct Comparison {
    pub(super) candidates: Vec<Candidate>,
    /// In the order of `candidates`.
    pub(super) rules: Vec<Rule>,
    /// The place of the best.
    pub(super) chosen: usize,
    /// The score that choosing itself reaches: every fold decided by what is chosen without it.
    pub(super) of_choice: f64,
    /// Folds of the nested scores; 0: there were too few images for them.
    pub(super) folds: usize,
    /// Probabilities, each calibrated without its image's fold.
    pub(super) calibrated: Table,
}

/// Compares `approaches`, of which the first is the one to beat; one of method `only` is chosen, if
/// that is given.
pub(super) fn compare(
    images: &HeldOut,
    frame: &Frame,
    approaches: &[Approach],
    only: Option<Method>,
) -> Comparison {
    let prepared = frame.prepare(images);
    let rules = frame.fit_all(approaches, &prepared);
    let in_sample: Vec<Vec<f64>> = rules.iter().map(|rule| frame.scores(rule, images)).collect();
    let Prepared { calibrated, .. } = prepared;
    let dealt = images.clone().with_folds();
    let folds: Vec<usize> = match images.len() {
        ..MIN_IMAGES => Vec::new(),
        _ => dealt.fold_set().into_iter().collect(),
    };
    let nested = match folds.len() {
        0 => in_sample.clone(),
        _ => cross_fit(&dealt, &folds, frame, approaches),
    };
    let gains: Vec<Vec<f64>> =
        nested.iter().map(|scores| differences(scores, &nested[0])).collect();
    let intervals = interval::bootstrap(&gains, DRAWS);
    let candidates = approaches.iter().enumerate().map(|(i, &approach)| Candidate {
        approach,
        in_sample: mean(&in_sample[i]),
        nested: mean(&nested[i]),
        gain: mean(&gains[i]),
        interval: intervals[i],
    });
    let is_eligible = |&i: &usize| only.is_none_or(|only| approaches[i].method == only);
    let contest = Contest { eligible: (0..approaches.len()).filter(is_eligible).collect() };
    let (chosen, of_choice) = if folds.is_empty() {
        let chosen = contest.first();
        (chosen, mean(&nested[chosen]))
    } else {
        (contest.winner(&nested, DRAWS), contest.score_without(&dealt, &folds, &nested))
    };
    let candidates = candidates.collect();
    Comparison { candidates, rules, chosen, of_choice, folds: folds.len(), calibrated }
}

/// The nested score of each image, a list an approach.
fn cross_fit(
    images: &HeldOut,
    folds: &[usize],
    frame: &Frame,
    approaches: &[Approach],
) -> Vec<Vec<f64>> {
    let of_fold = |&fold: &usize| -> Vec<Vec<f64>> {
        let (seen, unseen) = (images.part(|f| f != fold), images.part(|f| f == fold));
        let rules = frame.rules(&seen, approaches);
        rules.iter().map(|rule| frame.scores(rule, &unseen)).collect()
    };
    let by_fold: Vec<Vec<Vec<f64>>> = folds.par_iter().map(of_fold).collect();
    let mut nested = vec![vec![0.0; images.len()]; approaches.len()];
    for (fold, scores) in folds.iter().zip(&by_fold) {
        let places = (0..images.len()).filter(|&i| images.folds[i] == *fold);
        for (i, place) in places.enumerate() {
            for (all, scores) in nested.iter_mut().zip(scores) {
                all[place] = scores[i];
            }
        }
    }
    nested
}

/// The places of the approaches that may win.
struct Contest {
    eligible: Vec<usize>,
}

impl Contest {
    /// The first, which needs no score.
    fn first(&self) -> usize {
        self.eligible.first().copied().unwrap_or_default()
    }

    /// The best approach if it clearly beats the first, else that.
    fn winner(&self, nested: &[Vec<f64>], n_draws: usize) -> usize {
        let first = self.first();
        let score = |i: usize| mean(&nested[i]);
        let by_score = |&a: &usize, &b: &usize| score(a).total_cmp(&score(b)).then(b.cmp(&a));
        let best = self.eligible.iter().copied().max_by(by_score).unwrap_or(first);
        let gain = differences(&nested[best], &nested[first]);
        let is_clear = interval::bootstrap(&[gain], n_draws)[0].is_above_zero();
        if is_clear { best } else { first }
    }

    /// The score of the contest itself: every fold scored by the winner on the others.
    fn score_without(&self, images: &HeldOut, folds: &[usize], nested: &[Vec<f64>]) -> f64 {
        let of_fold = |&fold: &usize| -> f64 {
            let part = |scores: &Vec<f64>, is_own: bool| -> Vec<f64> {
                let of_images = scores.iter().zip(&images.folds);
                of_images
                    .filter(|&(_, &f)| (f == fold) == is_own)
                    .map(|(score, _)| *score)
                    .collect()
            };
            let others: Vec<Vec<f64>> = nested.iter().map(|s| part(s, false)).collect();
            part(&nested[self.winner(&others, FEW_DRAWS)], true).iter().sum()
        };
        // Summed in order, so that the same images give the same bytes.
        let sums: Vec<f64> = folds.par_iter().map(of_fold).collect();
        sums.iter().sum::<f64>() / images.len().max(1) as f64
    }
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}
