//! What the last numbers of a network mean: how targets are scaled for it, and how its answers are
//! scaled back.
//!
//! A network starts near zero and learns best where the loss is of order one, so levels and numbers are
//! standardised, or brought into `[0, 1]` where their range is known. Outside of the engine they are in
//! their own units everywhere.

use serde::{Deserialize, Serialize};

use crate::metric::Training;
use crate::table::Table;
use crate::target::TargetKind;

/// What a network's outputs are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Outputs {
    /// Logits of classes that exclude one another: a softmax.
    Classes { n: usize },
    /// Logits of tags: a sigmoid each.
    Tags { n: usize },
    /// Numbers less their mean, divided by their deviation.
    Standardised {
        /// One a number.
        mean: Vec<f64>,
        deviation: Vec<f64>,
        error: NumberError,
        /// Whether they are `ln(1 + y)` first.
        logarithm: bool,
    },
    /// Logits of where numbers lie in their range: a sigmoid each, and binary cross-entropy.
    Ranged { n: usize, low: f64, high: f64 },
}

/// What is minimised of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberError {
    Squared,
    /// It leads to the median.
    Absolute,
}

/// A deviation is no smaller: all numbers may be the same.
const LEAST_DEVIATION: f64 = 1e-6;

impl Outputs {
    /// For targets of a kind: `targets` are the training images', `[images, outputs]` in their own
    /// units, `range` is where they lie, if that is known.
    pub fn new(
        kind: TargetKind,
        n_classes: usize,
        training: Training,
        range: Option<[f64; 2]>,
        targets: &[f32],
    ) -> Self {
        match (kind, range) {
            (TargetKind::SingleLabel, _) => Self::Classes { n: n_classes },
            (TargetKind::MultiLabel, _) => Self::Tags { n: n_classes },
            (TargetKind::Number, Some([low, high])) if training == Training::SquaredError => {
                Self::Ranged { n: n_classes, low, high }
            }
            _ => {
                let error = match training {
                    Training::AbsoluteError => NumberError::Absolute,
                    _ => NumberError::Squared,
                };
                let logarithm = training == Training::SquaredLogError;
                let width = kind.n_outputs(n_classes);
                let columns: Vec<(f64, f64)> =
                    (0..width).map(|at| moments(targets, width, at, logarithm)).collect();
                let (mean, deviation) = columns.into_iter().unzip();
                Self::Standardised { mean, deviation, error, logarithm }
            }
        }
    }

    /// How many numbers a network says about an image.
    pub fn n(&self) -> usize {
        match self {
            Self::Classes { n } | Self::Tags { n } | Self::Ranged { n, .. } => *n,
            Self::Standardised { mean, .. } => mean.len(),
        }
    }

    /// Whether they are probabilities.
    pub fn are_probabilities(&self) -> bool {
        matches!(self, Self::Classes { .. } | Self::Tags { .. })
    }

    /// A target, in column `at`, as the network sees it.
    pub fn scaled(&self, y: f64, at: usize) -> f64 {
        match self {
            Self::Classes { .. } | Self::Tags { .. } => y,
            Self::Standardised { mean, deviation, logarithm, .. } => {
                (logarithmic(y, *logarithm) - mean[at]) / deviation[at]
            }
            Self::Ranged { low, high, .. } => ((y - low) / (high - low)).clamp(0.0, 1.0),
        }
    }

    /// The mean loss of answers in their own units, of the kind that is minimised, so that it is the
    /// same whatever the numbers' units: `answers` and `targets` are `[images, outputs]`.
    pub fn number_loss(&self, answers: &Table, targets: &[f32]) -> f64 {
        let width = self.n().max(1);
        let pairs = answers.as_slice().iter().zip(targets).enumerate();
        let losses = pairs.map(|(i, (&answer, &target))| {
            let [answer, target] = [answer, target].map(|y| self.scaled(f64::from(y), i % width));
            match self {
                Self::Standardised { error: NumberError::Absolute, .. } => (answer - target).abs(),
                _ => (answer - target).powi(2),
            }
        });
        losses.sum::<f64>() / targets.len().max(1) as f64
    }
}

/// Mean and deviation of a column.
fn moments(targets: &[f32], width: usize, at: usize, logarithm: bool) -> (f64, f64) {
    let column = || {
        let cells = targets.iter().skip(at).step_by(width.max(1));
        cells.map(|&y| logarithmic(f64::from(y), logarithm))
    };
    let n = column().count().max(1) as f64;
    let mean = column().sum::<f64>() / n;
    let variance = column().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt().max(LEAST_DEVIATION))
}

fn logarithmic(y: f64, logarithm: bool) -> f64 {
    if logarithm { y.max(0.0).ln_1p() } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardised_and_ranges_become_shares() {
        let targets = [1.0, 10.0, 3.0, 30.0];
        let number =
            |training, range| Outputs::new(TargetKind::Number, 2, training, range, &targets);
        let plain = number(Training::SquaredError, None);
        assert_eq!((plain.scaled(3.0, 0), plain.scaled(10.0, 1)), (1.0, -1.0));
        let ranged = number(Training::SquaredError, Some([0.0, 40.0]));
        assert_eq!((ranged.scaled(10.0, 1), ranged.scaled(50.0, 0)), (0.25, 1.0));
        // An absolute error leads to the median, which a cross-entropy does not.
        let absolute = number(Training::AbsoluteError, Some([0.0, 40.0]));
        assert!(matches!(absolute, Outputs::Standardised { error: NumberError::Absolute, .. }));
        let log = number(Training::SquaredLogError, None);
        assert!((log.scaled(1.0, 0) + 1.0).abs() < 1e-12, "{log:?}");
    }

    #[test]
    fn a_level_is_one_number_and_a_loss_has_no_unit() {
        let levels =
            Outputs::new(TargetKind::Ordinal, 5, Training::SquaredError, None, &[0.0, 4.0]);
        assert_eq!((levels.n(), levels.scaled(4.0, 0)), (1, 1.0));
        let answers = Table::new(vec![0.0, 2.0], 1);
        assert!((levels.number_loss(&answers, &[0.0, 4.0]) - 0.5).abs() < 1e-12);
        // All the same: nothing to divide by.
        let same = Outputs::new(TargetKind::Ordinal, 5, Training::SquaredError, None, &[2.0, 2.0]);
        assert_eq!(same.scaled(2.0, 0), 0.0);
    }
}
