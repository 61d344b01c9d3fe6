//! One comparison for every choice here: candidates are fitted without a fold and scored on it, and
//! the first is kept unless another clearly beats it.
//!
//! What is clear depends on the score. A log loss varies smoothly from image to image, and standard
//! errors tell; F-beta goes by steps, and its gain is resampled. Differences are paired: the same
//! images are easy or hard for all candidates.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::interval::{Interval, bootstrap};
use crate::run::checked::{Fault, finite};

/// With fewer images nothing is said about other images.
pub(super) const MIN_IMAGES: usize = 50;
/// Folds of images that have none of their own.
const FOLDS: usize = 5;
/// Standard errors by which the first must be beaten.
const STANDARD_ERRORS: f64 = 2.0;
/// Resamplings where a choice is only repeated without a fold.
const FEW_DRAWS: usize = 200;

/// Folds of held-out images: what is scored on one is fitted on the others.
#[derive(Clone, Debug)]
pub(super) struct Folds(Vec<usize>);

impl Folds {
    /// Those of images that have some; images that are all of one are dealt out to several.
    pub(super) fn of(folds: &[usize]) -> Self {
        let is_one = folds.iter().all(|fold| Some(fold) == folds.first());
        let each: Vec<usize> = (0..folds.len()).collect();
        Self(if is_one { deal(&each) } else { folds.to_vec() })
    }

    /// The fold of each image.
    pub(super) fn into_vec(self) -> Vec<usize> {
        self.0
    }

    /// For each fold the images outside of it and those in it, in their order.
    pub(super) fn splits(&self) -> Vec<[Vec<usize>; 2]> {
        let mut folds = self.0.clone();
        folds.sort_unstable();
        folds.dedup();
        let split = |fold| {
            let (seen, unseen) = (0..self.0.len()).partition(|&i| self.0[i] != fold);
            [seen, unseen]
        };
        folds.into_iter().map(split).collect()
    }
}

/// Folds for images that are all of one: each set of `sets`, which has the set of every image, goes whole
/// to the fold that is smallest then, the largest sets first.
pub fn deal(sets: &[usize]) -> Vec<usize> {
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut sizes: Vec<usize> = Vec::new();
    let set_of: Vec<usize> = sets
        .iter()
        .map(|set| {
            let place = *places.entry(*set).or_insert(sizes.len());
            sizes.resize(sizes.len().max(place + 1), 0);
            sizes[place] += 1;
            place
        })
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&place| Reverse(sizes[place]));
    let (mut fold_of, mut n_of) = (vec![0; sizes.len()], [0; FOLDS]);
    for place in order {
        let smallest = (0..FOLDS).min_by_key(|&fold| n_of[fold]).unwrap_or_default();
        fold_of[place] = smallest;
        n_of[smallest] += sizes[place];
    }
    set_of.into_iter().map(|place| fold_of[place]).collect()
}

/// What is compared, and how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Candidate<What> {
    #[serde(flatten)]
    pub what: What,
    /// The score on the images that it was fitted on.
    pub in_sample: f64,
    /// The score on images that it has not seen.
    pub nested: f64,
    /// By how much `nested` is better than the first candidate's; what is worse is below zero.
    pub gain: f64,
    /// How far `gain` can be trusted.
    #[serde(flatten)]
    pub spread: Spread,
}

impl<What> Candidate<What> {
    /// Finds scores that are no numbers.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Self { in_sample, nested, gain, spread, .. } = self;
        finite("in-sample", *in_sample)?;
        finite("nested", *nested)?;
        finite("gain", *gain)?;
        match spread {
            Spread::StandardError(error) => finite("standard-error", *error),
            Spread::Interval(Interval { low, high }) => {
                finite("interval", *low).and_then(|()| finite("interval", *high))
            }
        }
    }
}

/// How far a gain can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// From its spread over images.
    StandardError(f64),
    /// Where it lies, by paired bootstrap, in 95 of 100 cases.
    Interval(Interval),
}

impl fmt::Display for Spread {
    /// As it follows the gain.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::StandardError(error) => write!(f, "+- {error:.5}"),
            Self::Interval(Interval { low, high }) => write!(f, "[{low:+.5}, {high:+.5}]"),
        }
    }
}

/// What is clearly better than the first candidate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clear {
    /// What has a better score at all.
    AtAll,
    /// What gains more than two standard errors; the best of those that do.
    StandardErrors,
    /// The best, if the interval of its gain, of so many resamplings, lies above zero.
    Interval { draws: usize },
}

/// Candidates fitted on all images, and the scores of each, image by image.
pub(super) struct Comparison<Fitted> {
    pub(super) fitted: Vec<Fitted>,
    in_sample: Vec<Vec<f64>>,
    nested: Vec<Vec<f64>>,
    /// The image of each nested score, fold after fold; none where there are too few images, and
    /// `nested` is what they score in sample.
    folds: Vec<Vec<usize>>,
    higher_is_better: bool,
}

/// Fits and scores. `fit` gets images and gives what each candidate learns from them, `score` gives
/// the scores of images by one of these. `nests`: not, where there is nothing to compare.
pub(super) fn compare<Fitted: Send, E: Send>(
    folds: &Folds,
    nests: bool,
    higher_is_better: bool,
    fit: impl Fn(&[usize]) -> Result<Vec<Fitted>, E> + Sync,
    score: impl Fn(&Fitted, &[usize]) -> Result<Vec<f64>, E> + Sync,
) -> Result<Comparison<Fitted>, E> {
    let all: Vec<usize> = (0..folds.0.len()).collect();
    let mut splits = vec![[all.clone(), all]];
    if nests {
        splits.extend(folds.splits());
    }
    let of_split = |[seen, unseen]: &[Vec<usize>; 2]| -> Result<_, E> {
        let fitted = fit(seen)?;
        let scores =
            fitted.iter().map(|fitted| score(fitted, unseen)).collect::<Result<Vec<_>, E>>()?;
        Ok((fitted, scores))
    };
    let mut by_split: Vec<(Vec<Fitted>, Vec<Vec<f64>>)> =
        splits.par_iter().map(of_split).collect::<Result<_, E>>()?;
    let (fitted, in_sample) = by_split.remove(0);
    let of_candidate = |i: usize| by_split.iter().flat_map(move |(_, scores)| &scores[i]).copied();
    let nested = match by_split.len() {
        0 => in_sample.clone(),
        _ => (0..fitted.len()).map(|i| of_candidate(i).collect()).collect(),
    };
    let folds = splits.into_iter().skip(1).map(|[_, unseen]| unseen).collect();
    Ok(Comparison { fitted, in_sample, nested, folds, higher_is_better })
}

impl<Fitted: Sync> Comparison<Fitted> {
    /// How many folds the nested scores have; 0: they are those in sample.
    pub(super) fn n_folds(&self) -> usize {
        self.folds.len()
    }

    /// The same with nested scores in the order of images, not of folds.
    pub(super) fn in_order(mut self) -> Self {
        if !self.folds.is_empty() {
            let places = self.folds.concat();
            for scores in &mut self.nested {
                let mut ordered = vec![0.0; scores.len()];
                for (&place, &score) in places.iter().zip(&*scores) {
                    ordered[place] = score;
                }
                *scores = ordered;
            }
        }
        self
    }

    /// A line for each candidate, in their order.
    pub(super) fn candidates<What>(
        &self,
        whats: impl IntoIterator<Item = What>,
        clear: Clear,
    ) -> Vec<Candidate<What>> {
        let gains: Vec<Vec<f64>> =
            self.nested.iter().map(|scores| self.gains(scores, &self.nested[0])).collect();
        let spreads: Vec<Spread> = match clear {
            Clear::Interval { draws } => {
                bootstrap(&gains, draws).into_iter().map(Spread::Interval).collect()
            }
            _ => gains.iter().map(|gains| Spread::StandardError(mean_and_error(gains).1)).collect(),
        };
        let line = |(i, what): (usize, What)| Candidate {
            what,
            in_sample: mean(&self.in_sample[i]),
            nested: mean(&self.nested[i]),
            gain: mean(&gains[i]),
            spread: spreads[i],
        };
        whats.into_iter().enumerate().map(line).collect()
    }

    /// The first of `eligible`, unless another of them clearly beats it.
    pub(super) fn winner(&self, eligible: &[usize], clear: Clear) -> usize {
        self.winner_by(&self.nested, eligible, clear)
    }

    fn winner_by(&self, nested: &[Vec<f64>], eligible: &[usize], clear: Clear) -> usize {
        let first = eligible.first().copied().unwrap_or_default();
        let gains = |i: usize| self.gains(&nested[i], &nested[first]);
        let score =
            |i: usize| if self.higher_is_better { mean(&nested[i]) } else { -mean(&nested[i]) };
        let best = || {
            let by_score = |&a: &usize, &b: &usize| score(a).total_cmp(&score(b)).then(b.cmp(&a));
            eligible.iter().copied().max_by(by_score).unwrap_or(first)
        };
        match clear {
            Clear::AtAll => best(),
            Clear::StandardErrors => {
                let (mut winner, mut most) = (first, 0.0);
                for &i in eligible {
                    let (gain, error) = mean_and_error(&gains(i));
                    if gain > most && gain > STANDARD_ERRORS * error {
                        (winner, most) = (i, gain);
                    }
                }
                winner
            }
            Clear::Interval { draws } => {
                let best = best();
                let is_clear = bootstrap(&[gains(best)], draws)[0].is_above_zero();
                if is_clear { best } else { first }
            }
        }
    }

    /// The score of choosing itself: every fold scored by the winner on the others. Nested scores
    /// must be [in order](Self::in_order).
    pub(super) fn score_of_choosing(&self, eligible: &[usize]) -> f64 {
        let n: usize = self.folds.iter().map(Vec::len).sum();
        let of_fold = |fold: &Vec<usize>| -> f64 {
            let mut is_other = vec![true; n];
            for &i in fold {
                is_other[i] = false;
            }
            let of_others = |scores: &Vec<f64>| -> Vec<f64> {
                scores.iter().zip(&is_other).filter(|(_, is)| **is).map(|(s, _)| *s).collect()
            };
            let others: Vec<Vec<f64>> = self.nested.iter().map(of_others).collect();
            let winner = self.winner_by(&others, eligible, Clear::Interval { draws: FEW_DRAWS });
            fold.iter().map(|&i| self.nested[winner][i]).sum()
        };
        // Summed in order, so that the same images give the same bytes.
        let sums: Vec<f64> = self.folds.par_iter().map(of_fold).collect();
        sums.iter().sum::<f64>() / n.max(1) as f64
    }

    fn gains(&self, scores: &[f64], first: &[f64]) -> Vec<f64> {
        let gain = |(own, first): (&f64, &f64)| {
            if self.higher_is_better { own - first } else { first - own }
        };
        scores.iter().zip(first).map(gain).collect()
    }
}

/// The mean of `differences` and its standard error, from their spread.
pub fn mean_and_error(differences: &[f64]) -> (f64, f64) {
    let n = differences.len() as f64;
    if differences.len() < 2 {
        return (differences.first().copied().unwrap_or_default(), 0.0);
    }
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn standard_errors_agree_with_scipy() {
        // np.mean(d), scipy.stats.sem(d) with d = [.3, -.1, .2, .05]
        let (mean, error) = mean_and_error(&[0.3, -0.1, 0.2, 0.05]);
        assert!((mean - 0.1125).abs() < 1e-12, "{mean}");
        assert!((error - 0.0875).abs() < 1e-12, "{error}");
        assert_eq!(mean_and_error(&[]), (0.0, 0.0));
    }

    /// Candidates that score `of(candidate, image)` on images that they have not seen, and one more
    /// on those that they have.
    fn compared(n: usize, folds: &[usize], of: fn(usize, usize) -> f64) -> Comparison<usize> {
        let score = |candidate: &(usize, Vec<usize>), images: &[usize]| {
            let seen = |i: &usize| f64::from(u8::from(candidate.1.contains(i)));
            Ok(images.iter().map(|i| of(candidate.0, *i) + seen(i)).collect())
        };
        let fit = |images: &[usize]| Ok((0..n).map(|i| (i, images.to_vec())).collect());
        let Ok::<_, Infallible>(found) = compare(&Folds::of(folds), true, true, fit, score);
        let Comparison { fitted, in_sample, nested, folds, higher_is_better } = found;
        let fitted = fitted.into_iter().map(|(i, _)| i).collect();
        Comparison { fitted, in_sample, nested, folds, higher_is_better }
    }

    #[test]
    fn no_image_is_scored_by_what_has_seen_it() {
        let found = compared(2, &[2, 0, 2, 1, 0], |candidate, i| (candidate * i) as f64 / 10.0);
        assert_eq!(found.nested[1], [0.1, 0.4, 0.3, 0.0, 0.2]);
        let found = found.in_order();
        assert_eq!(found.nested[1], [0.0, 0.1, 0.2, 0.3, 0.4]);
        let [first, second] = &found.candidates(["a", "b"], Clear::StandardErrors)[..] else {
            panic!("two candidates")
        };
        assert_eq!((first.in_sample, first.nested, first.gain), (1.0, 0.0, 0.0));
        assert!((second.in_sample - 1.2).abs() < 1e-12 && (second.gain - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_first_is_kept_unless_another_clearly_beats_it() {
        // The second is better by next to nothing, the third clearly, the fourth now and then.
        let found = compared(4, &[0; 100], |candidate, i| match candidate {
            0 => 0.5,
            1 => 0.5 + 1e-3 * ((i % 2) as f64 - 0.49),
            2 => 0.51,
            _ => 0.5 + if i == 7 { 3.0 } else { 0.0 },
        });
        let all = [Clear::AtAll, Clear::StandardErrors, Clear::Interval { draws: 200 }];
        let winners = |eligible: &[usize]| all.map(|clear| found.winner(eligible, clear));
        assert_eq!(winners(&[0, 1]), [1, 0, 0]);
        assert_eq!(winners(&[0, 1, 2]), [2, 2, 2]);
        // The best of those that clearly win, or the best if it does.
        assert_eq!(winners(&[0, 2, 3]), [3, 2, 0]);
        assert_eq!(winners(&[1]), [1, 1, 1]);
        assert_eq!(found.n_folds(), 5);
        let chosen = found.in_order().score_of_choosing(&[0, 1, 2]);
        assert!((chosen - 0.51).abs() < 1e-12, "{chosen}");
    }

    #[test]
    fn images_of_one_fold_are_dealt_out() {
        assert_eq!(Folds::of(&[3; 7]).into_vec(), [0, 1, 2, 3, 4, 0, 1]);
        assert_eq!(Folds::of(&[3, 1, 3]).into_vec(), [3, 1, 3]);
        assert!(Folds::of(&[]).splits().is_empty());
    }

    #[test]
    fn sets_are_dealt_out_whole() {
        // A set of four, one of two, and single images, which are dealt out one by one.
        assert_eq!(deal(&[7, 1, 7, 2, 7, 3, 3, 4, 5, 7]), [0, 2, 0, 3, 0, 1, 1, 4, 2, 0]);
        let sets: Vec<usize> = (0..60).map(|i| i % 13).collect();
        let folds = deal(&sets);
        for (i, j) in (0..60).flat_map(|i| (0..i).map(move |j| (i, j))) {
            assert!(sets[i] != sets[j] || folds[i] == folds[j], "{i} {j}");
        }
        let of = |fold: usize| folds.iter().filter(|&&of| of == fold).count();
        assert!((0..FOLDS).all(|fold| (10..=15).contains(&of(fold))), "{folds:?}");
    }
}
