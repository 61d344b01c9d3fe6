//! Images with what was predicted and what is true of them, scored.

use super::decide;
use crate::metric::sample_fbeta;
use crate::table::Table;

/// What was predicted for some images, and what is true.
#[derive(Clone, Copy)]
pub struct Predicted<'a> {
    probabilities: &'a Table,
    truth: &'a Table<bool>,
    beta: f64,
}

pub(in crate::decide::tags) struct PredictedImage<'a> {
    pub(in crate::decide::tags) probabilities: &'a [f32],
    pub(in crate::decide::tags) truth: &'a [bool],
    pub(in crate::decide::tags) n_truth: usize,
}

impl<'a> Predicted<'a> {
    /// Both tables are `[n, classes]`; scores are F-beta.
    pub fn new(probabilities: &'a Table, truth: &'a Table<bool>, beta: f64) -> Self {
        assert_eq!(truth.n_rows(), probabilities.n_rows(), "truth and probabilities of one shape");
        Self { probabilities, truth, beta }
    }

    pub fn len(&self) -> usize {
        self.truth.n_rows()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many times as much recall counts as precision.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    pub(in crate::decide::tags) fn n_classes(&self) -> usize {
        self.truth.width()
    }

    pub(in crate::decide::tags) fn rows(
        &self,
    ) -> impl Iterator<Item = PredictedImage<'a>> + use<'a> {
        self.probabilities.rows().zip(self.truth.rows()).map(|(probabilities, truth)| {
            PredictedImage {
                probabilities,
                truth,
                n_truth: truth.iter().filter(|&&tag| tag).count(),
            }
        })
    }

    /// The mean F-beta with a threshold for each class; 0 without images.
    pub fn mean_score(&self, threshold: impl Fn(usize) -> f64) -> f64 {
        let score = |row: PredictedImage| {
            let tags = decide(row.probabilities, &threshold);
            let n_right = tags.iter().filter(|&&class| row.truth[class]).count();
            sample_fbeta(n_right, row.n_truth, tags.len(), self.beta)
        };
        self.rows().map(score).sum::<f64>() / self.len().max(1) as f64
    }
}
