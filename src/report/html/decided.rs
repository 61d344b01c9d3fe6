//! From probabilities to the tags that would be submitted.

use super::facts::Outcome;
use crate::predict::Decision;
use crate::predict::thresholds::{Choice, decide};
use crate::target::Classes;

/// The threshold of F2 before one is chosen: a fifth, `1 / (1 + beta^2)`.
const USUAL: f64 = 0.2;

/// The threshold that decides about each class.
pub(super) fn thresholds_of(decision: Option<&Decision>, classes: &Classes) -> Vec<f64> {
    let threshold = |name: &String| match decision {
        Some(Decision::Thresholds(thresholds)) => match thresholds.chosen {
            Choice::Global => thresholds.global,
            Choice::PerClass => {
                thresholds.per_class.get(name).copied().unwrap_or(thresholds.global)
            }
        },
        _ => USUAL,
    };
    classes.names().iter().map(threshold).collect()
}

/// The tags of every image.
pub(super) fn decided(outcome: &Outcome, thresholds: &[f64]) -> Vec<Vec<usize>> {
    outcome.rows().map(|row| decide(row, |class| thresholds[class])).collect()
}
