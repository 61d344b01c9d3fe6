//! Candidates compared by a metric that is no mean over images, such as the area under a curve or
//! kappa: what is scored are all answers at once, each given by what was fitted without its fold.
//!
//! How far a gain can be trusted is told by resampling images (Efron 1979), the same for all
//! candidates: the interval is of the difference of two scores of the same images.

use anyhow::Result;
use rand::Rng;
use rayon::prelude::*;

use super::compare::{Candidate, Clear, Folds, Spread};
use super::interval::Interval;
use super::judged::Judged;
use crate::metric::{Metric, Misfit, Scoring};
use crate::rng::{self, Purpose};
use crate::target::Answers;

/// So many cells of answers are scored in all, about ten seconds on two cores where they are sorted.
const CELLS: usize = 40_000_000;
/// The fewest and the most resamplings.
const DRAWS: (usize, usize) = (100, 1000);
/// What is cut off at either end: intervals are of 95 %.
const TAIL: f64 = 0.025;
/// Any number; the same images give the same interval.
const SEED: u64 = 18;

/// Candidates fitted on all images, and what each scores.
pub(super) struct Whole<Fitted> {
    pub(super) fitted: Vec<Fitted>,
    in_sample: Vec<f64>,
    nested: Vec<f64>,
    /// The nested scores of each resampling, candidate by candidate.
    draws: Vec<Vec<f64>>,
    n_folds: usize,
    higher_is_better: bool,
}

/// Fits and scores. `fit` gets images and gives what each candidate learns from them, `answer` gives
/// the answers about images by one of these.
pub(super) fn whole<Fitted: Send + Sync>(
    metric: &Metric,
    images: &Judged,
    folds: &Folds,
    nests: bool,
    fit: impl Fn(&[usize]) -> Result<Vec<Fitted>> + Sync,
    answer: impl Fn(&Fitted, &[usize]) -> Result<Answers> + Sync,
) -> Result<Whole<Fitted>> {
    let all: Vec<usize> = (0..images.truth.len()).collect();
    let mut splits = vec![[all.clone(), all]];
    if nests {
        splits.extend(folds.splits());
    }
    let of_split = |[seen, unseen]: &[Vec<usize>; 2]| -> Result<(Vec<Fitted>, Vec<Answers>)> {
        let fitted = fit(seen)?;
        let answers = fitted.iter().map(|fitted| answer(fitted, unseen)).collect::<Result<_>>()?;
        Ok((fitted, answers))
    };
    let mut by_split: Vec<(Vec<Fitted>, Vec<Answers>)> =
        splits.par_iter().map(of_split).collect::<Result<_>>()?;
    let (fitted, seen) = by_split.remove(0);
    let score = |answers: &Answers| Ok(number(images.score(metric, answers)?));
    let in_sample = seen.iter().map(score).collect::<Result<Vec<f64>, Misfit>>()?;
    let unseen: Vec<Answers> = if by_split.is_empty() {
        seen
    } else {
        let places: Vec<&[usize]> = splits[1..].iter().map(|[_, unseen]| &unseen[..]).collect();
        let of = |i: usize| in_order(&places, by_split.iter().map(|(_, answers)| &answers[i]));
        (0..fitted.len()).map(of).collect()
    };
    Ok(Whole {
        in_sample,
        nested: unseen.iter().map(score).collect::<Result<_, Misfit>>()?,
        draws: resampled(metric, images, &unseen.iter().collect::<Vec<_>>())?,
        fitted,
        n_folds: splits.len() - 1,
        higher_is_better: metric.better(1.0, 0.0),
    })
}

/// Answers of folds as answers to all images, in the order of images.
fn in_order<'a>(places: &[&[usize]], answers: impl Iterator<Item = &'a Answers>) -> Answers {
    let mut joined: Option<Answers> = None;
    for of_fold in answers {
        match &mut joined {
            None => joined = Some(of_fold.clone()),
            Some(joined) => joined.append(of_fold),
        }
    }
    let mut order: Vec<(usize, usize)> =
        places.iter().copied().flatten().copied().enumerate().map(|(row, i)| (i, row)).collect();
    order.sort_unstable();
    let rows: Vec<usize> = order.into_iter().map(|(_, row)| row).collect();
    joined.expect("there is a fold").select(&rows)
}

/// The scores of several answers to the same images over resamplings of these: `[draws][answers]`;
/// nothing where there is nothing to compare.
fn resampled(metric: &Metric, images: &Judged, answers: &[&Answers]) -> Result<Vec<Vec<f64>>> {
    let n = images.truth.len();
    if answers.len() < 2 || n < 2 {
        return Ok(Vec::new());
    }
    let width = answers.iter().map(|answers| answers.said.width()).max().unwrap_or(1);
    let n_draws = (CELLS / (n * width * answers.len())).clamp(DRAWS.0, DRAWS.1);
    // Texts are many to copy, and few metrics look at them.
    let asks_ids = !metric.options().weight.is_empty();
    let no_ids = vec![String::new(); n];
    let draw = |number: usize| -> Result<Vec<f64>> {
        let mut rng = rng::stream(Purpose::Resample, SEED, 0, number as u64);
        let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..n as u32) as usize).collect();
        let truth = images.truth.select(&drawn);
        let ids: Vec<String> = if asks_ids {
            drawn.iter().map(|&i| images.predictions.ids[i].clone()).collect()
        } else {
            Vec::new()
        };
        let ids = if asks_ids { &ids } else { &no_ids };
        let of = |answers: &&Answers| -> Result<f64> {
            let said = &answers.said.select(&drawn);
            let classes = &answers.classes;
            Ok(metric.score(&Scoring { kind: images.kind, ids, classes, truth: &truth, said })?)
        };
        answers.iter().map(of).collect()
    };
    (0..n_draws).into_par_iter().map(draw).collect()
}

/// What the second answers score more than the first, and where that lies in 95 of 100 resamplings.
pub(super) fn difference(
    metric: &Metric,
    images: &Judged,
    first: &Answers,
    second: &Answers,
) -> Result<(f64, Spread)> {
    let scores = [images.score(metric, first)?, images.score(metric, second)?];
    let draws = resampled(metric, images, &[first, second])?;
    let spread = interval(draws.iter().map(|scores| scores[1] - scores[0]));
    Ok((number(scores[1]) - number(scores[0]), Spread::Interval(spread)))
}

/// Where most of them lie; draws that no score is known of, such as those without an image of a
/// class, say nothing.
fn interval(differences: impl Iterator<Item = f64>) -> Interval {
    let mut known: Vec<f64> = differences.filter(|difference| difference.is_finite()).collect();
    if known.is_empty() {
        return Interval::default();
    }
    known.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| known[((known.len() - 1) as f64 * share).round() as usize];
    Interval { low: at(TAIL), high: at(1.0 - TAIL) }
}

/// A score that a file may keep: none, where images have no two classes, is 0.
fn number(score: f64) -> f64 {
    if score.is_finite() { score } else { 0.0 }
}

impl<Fitted> Whole<Fitted> {
    /// How many folds the nested scores have; 0: they are those in sample.
    pub(super) fn n_folds(&self) -> usize {
        self.n_folds
    }

    /// A line for each candidate, in their order.
    pub(super) fn candidates<What>(
        &self,
        whats: impl IntoIterator<Item = What>,
    ) -> Vec<Candidate<What>> {
        let line = |(i, what): (usize, What)| Candidate {
            what,
            in_sample: self.in_sample[i],
            nested: self.nested[i],
            gain: self.sign() * (self.nested[i] - self.nested[0]),
            spread: Spread::Interval(self.interval(i, 0)),
        };
        whats.into_iter().enumerate().map(line).collect()
    }

    /// The first of `eligible`, unless another of them clearly beats it.
    pub(super) fn winner(&self, eligible: &[usize], clear: Clear) -> usize {
        let first = eligible.first().copied().unwrap_or_default();
        let score = |i: usize| self.sign() * self.nested[i];
        let by_score = |&a: &usize, &b: &usize| score(a).total_cmp(&score(b)).then(b.cmp(&a));
        let best = eligible.iter().copied().max_by(by_score).unwrap_or(first);
        let is_clear = matches!(clear, Clear::AtAll) || self.interval(best, first).is_above_zero();
        if is_clear { best } else { first }
    }

    /// Where the gain of one over another lies.
    fn interval(&self, one: usize, other: usize) -> Interval {
        interval(self.draws.iter().map(|scores| self.sign() * (scores[one] - scores[other])))
    }

    fn sign(&self) -> f64 {
        if self.higher_is_better { 1.0 } else { -1.0 }
    }
}
