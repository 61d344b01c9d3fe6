//! From probabilities to tags: every method fitted, compared on images that none of them has seen,
//! and one of them chosen.
//!
//! The score is a mean over images, so the best answer for an image is the set of tags with the
//! largest expected F under the distribution of its labels ([`expected_f`]); thresholds are an
//! approximation that needs no distribution ([`threshold`]). Which of them is better depends on how
//! well the distribution is known, so it is asked of the data: calibrators and thresholds are fitted
//! without the fold that is scored, and calibrators for that without the images that they are fitted
//! on. The first method stands wherever nothing beats it clearly: a single threshold, or expected F where the
//! spec tells what excludes what.

pub mod calibrate;
mod decision;
pub mod expected_f;
mod fitted;
mod held_out;
mod method;
mod named;
pub mod per_tag;
pub mod rules;
#[cfg(test)]
mod tests;
pub mod threshold;

use std::convert::Infallible;

pub use decision::{TagDecision, TagReliability};
pub use fitted::{By, Fitted, Settings};
pub use held_out::HeldOut;
pub use method::{Method, Rows, Tried};
pub use named::{NamedRules, rules_of_spec};

use super::compare::{self, Clear, Folds, MIN_IMAGES, compare};

/// One of the methods, and how well it does.
pub type Candidate = compare::Candidate<Tried>;

/// Resamplings of an interval.
const DRAWS: usize = 1000;

/// What all methods have learned, and which of them is best.
#[derive(Debug)]
pub struct Found {
    /// The methods, the one to beat first.
    pub candidates: Vec<Candidate>,
    /// What each has learned from all images, in their order.
    pub fitted: Vec<Fitted>,
    /// The place of the one that decides.
    pub chosen: usize,
    /// The score of choosing: every fold decided by what is chosen without it.
    pub of_choice: f64,
    /// Folds of the nested scores; 0: there were too few images for them.
    pub folds: usize,
    /// How well probabilities were calibrated, tag by tag, before and after.
    pub reliability: Vec<[calibrate::Reliability; 2]>,
}

/// Fits and compares; `only` is a method that decides whatever the others score. With few images a
/// single threshold does, and nothing is said about other images.
pub fn fit(images: &HeldOut, settings: &Settings, only: Option<Method>) -> Found {
    let folds = Folds::of(&images.folds);
    let images = HeldOut { folds: folds.clone().into_vec(), ..images.clone() };
    let nests = images.len() >= MIN_IMAGES;
    let fit = |taken: &[usize]| Ok(settings.fit(&images.select(taken)));
    let score = |by: &Fitted, taken: &[usize]| Ok(settings.scores(by, &images.select(taken)));
    let Ok::<_, Infallible>(found) = compare(&folds, nests, true, fit, score);
    let found = found.in_order();

    let methods = settings.methods();
    // Few images are not enough to calibrate by.
    let only = only.or((!nests).then_some(Method::Threshold));
    let is_eligible = |&i: &usize| only.is_none_or(|only| methods[i] == only);
    let eligible: Vec<usize> = (0..methods.len()).filter(is_eligible).collect();
    let clear = Clear::Interval { draws: DRAWS };
    let tried = methods.map(|method| Tried { method, rows: settings.rows });
    let candidates = found.candidates(tried, clear);
    let (chosen, of_choice) = if nests {
        (found.winner(&eligible, clear), found.score_of_choosing(&eligible))
    } else {
        (eligible[0], candidates[eligible[0]].nested)
    };
    let before = calibrate::reliability(&images.probabilities, &images.truth);
    let after = calibrate::reliability(&settings.calibrated(&images), &images.truth);
    Found {
        candidates,
        chosen,
        of_choice,
        folds: found.n_folds(),
        fitted: found.fitted,
        reliability: before.into_iter().zip(after).map(|(a, b)| [a, b]).collect(),
    }
}
