//! A threshold for each tag. It fits noise as readily as signal, above all for rare tags, so it is
//! searched with care: from the single one, drawn back to it, by steps that must pay.

use super::threshold::{Predicted, PredictedImage, Steps, middle_of_best_plateau};
use crate::decide::numbers::rounded;
use crate::metric::{most_probable, sample_fbeta};

/// A tag with fewer positive images keeps the single threshold.
const MIN_POSITIVES: usize = 25;
/// With this many positives a tag's own threshold is drawn half the way back to the single one.
const PRIOR_POSITIVES: f64 = 50.0;
/// Rounds of the coordinate search; it usually stands still after two.
const MAX_ROUNDS: usize = 5;

/// A threshold a class: each in turn moves to its best place while the others stand, is drawn back
/// toward `global`, and stays there only if that pays by more than a standard error.
pub fn thresholds(images: &Predicted, global: f64) -> Vec<f64> {
    let mut thresholds = vec![global; images.n_classes()];
    let rows: Vec<PredictedImage> = images.rows().collect();
    let mut tagged: Vec<Tagged> = rows.iter().map(|row| Tagged::by(row, global)).collect();
    for _ in 0..MAX_ROUNDS {
        let mut moved = false;
        for (class, threshold) in thresholds.iter_mut().enumerate() {
            let n_positive = rows.iter().filter(|row| row.truth[class]).count();
            if n_positive < MIN_POSITIVES {
                continue;
            }
            let from = *threshold;
            let gains = Gains::of(&rows, class, &tagged, from, images.beta());
            let best = middle_of_best_plateau(&gains.steps.sums());
            let own_weight = n_positive as f64 / (n_positive as f64 + PRIOR_POSITIVES);
            let to = rounded(global + own_weight * (best - global));
            if to != from && gains.pays(from, to) {
                for (row, tagged) in rows.iter().zip(&mut tagged) {
                    *tagged = tagged.without(row, class, from).with(row, class, to);
                }
                *threshold = to;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    thresholds
}

/// How many tags of an image are above their thresholds, and how many of those are right.
#[derive(Clone, Copy)]
struct Tagged {
    n: usize,
    n_right: usize,
}

impl Tagged {
    fn by(row: &PredictedImage, threshold: f64) -> Self {
        let none = Self { n: 0, n_right: 0 };
        (0..row.truth.len()).fold(none, |tagged, class| tagged.with(row, class, threshold))
    }

    fn with(self, row: &PredictedImage, class: usize, threshold: f64) -> Self {
        let above = usize::from(f64::from(row.probabilities[class]) > threshold);
        let right = above * usize::from(row.truth[class]);
        Self { n: self.n + above, n_right: self.n_right + right }
    }

    fn without(self, row: &PredictedImage, class: usize, threshold: f64) -> Self {
        let own = Self { n: 0, n_right: 0 }.with(row, class, threshold);
        Self { n: self.n - own.n, n_right: self.n_right - own.n_right }
    }
}

/// What tagging each image with one class is worth, the other classes being decided.
struct Gains {
    /// The class's probability and the gain in score, one pair an image.
    gains: Vec<(f32, f64)>,
    steps: Steps,
}

impl Gains {
    /// `tagged` are the images' counts with `class` decided by `threshold`.
    fn of(
        rows: &[PredictedImage],
        class: usize,
        tagged: &[Tagged],
        threshold: f64,
        beta: f64,
    ) -> Self {
        let mut steps = Steps::new();
        let gain = |(row, tagged): (&PredictedImage, &Tagged)| {
            let others = tagged.without(row, class, threshold);
            let score = |n_right, n| sample_fbeta(n_right, row.n_truth, n, beta);
            let with = score(others.n_right + usize::from(row.truth[class]), others.n + 1);
            let without = if others.n == 0 {
                score(usize::from(row.truth[most_probable(row.probabilities)]), 1)
            } else {
                score(others.n_right, others.n)
            };
            (row.probabilities[class], with - without)
        };
        let gains: Vec<(f32, f64)> = rows.iter().zip(tagged).map(gain).collect();
        for &(p, gain) in &gains {
            steps.add(p, gain);
        }
        Self { gains, steps }
    }

    /// Whether the mean gain of going from one threshold to another is more than its standard
    /// error.
    fn pays(&self, from: f64, to: f64) -> bool {
        let (low, high) = (from.min(to), from.max(to));
        let sign = if to < from { 1.0 } else { -1.0 };
        let changed =
            self.gains.iter().filter(|&&(p, _)| f64::from(p) > low && f64::from(p) <= high);
        let (sum, squares) = changed.fold((0.0, 0.0), |(sum, squares), &(_, gain)| {
            (sum + sign * gain, squares + gain * gain)
        });
        let (mean, error) = mean_and_error(sum, squares, self.gains.len());
        mean > error
    }
}

/// The mean of `n` numbers, given their sum and that of their squares, and its standard error.
fn mean_and_error(sum: f64, squares: f64, n: usize) -> (f64, f64) {
    let n = n as f64;
    let mean = sum / n;
    let variance = (squares / n - mean * mean).max(0.0);
    (mean, (variance / n).sqrt())
}
