//! From probabilities to tags: every way to go there fitted, compared on images that none of them
//! has seen, and one of them chosen.
//!
//! The score is a mean over images, so the best answer for an image is the set of tags with the
//! largest expected F under the distribution of its labels ([`super::expected_f`]); thresholds are
//! an approximation that needs no distribution ([`super::thresholds`]). Which of them is better
//! depends on how well the distribution is known, so it is asked of the data: nested cross-fitting
//! (calibrators and thresholds are fitted without the fold that is scored, and calibrators for that
//! without the images that they are fitted on), a paired bootstrap interval, and a single threshold
//! wherever nothing beats it clearly.

mod decision;
mod held_out;
mod method;
mod named;
mod nested;
mod rule;
#[cfg(test)]
mod tests;

pub use decision::{TagDecision, TagReliability};
pub use held_out::HeldOut;
pub use method::{Approach, Method, Rows};
pub use named::{NamedStructure, structure};
pub use nested::Candidate;
pub use rule::{Frame, Rule, Way};

use crate::decide::calibrate;

/// What all approaches have learned, and which of them is best.
#[derive(Debug)]
pub struct Fitted {
    /// The approaches, the one to beat first.
    pub candidates: Vec<Candidate>,
    /// What each has learned from all images, in their order.
    pub rules: Vec<Rule>,
    /// The place of the one that decides.
    pub chosen: usize,
    /// The score of choosing: every fold decided by what is chosen without it.
    pub of_choice: f64,
    /// Folds of the nested scores; 0: there were too few images for them.
    pub folds: usize,
    /// How well probabilities were calibrated, tag by tag, before and after.
    pub reliability: Vec<[calibrate::Reliability; 2]>,
}

/// Fits and compares; `only` is a method that decides whatever the others score.
pub fn fit(images: &HeldOut, frame: &Frame, rows: Rows, only: Option<Method>) -> Fitted {
    let approaches = Approach::all(&frame.structure, rows);
    let found = nested::compare(images, frame, &approaches, only);
    let before = calibrate::reliability(&images.probabilities, &images.truth);
    let after = calibrate::reliability(&found.calibrated, &images.truth);
    Fitted {
        candidates: found.candidates,
        rules: found.rules,
        chosen: found.chosen,
        of_choice: found.of_choice,
        folds: found.folds,
        reliability: before.into_iter().zip(after).map(|(a, b)| [a, b]).collect(),
    }
}
