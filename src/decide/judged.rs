//! What models say about images that they had not seen, beside what is true of them.

use super::tags::HeldOut;
use crate::metric::{Metric, Misfit, Scoring};
use crate::target::{Answers, Predictions, TargetKind, Truth};

/// Some of the images, by themselves.
pub(super) struct Part {
    kind: TargetKind,
    pub(super) predictions: Predictions,
    truth: Truth,
}

impl Part {
    pub(super) fn of(images: &Judged, taken: &[usize]) -> Self {
        let Judged { kind, predictions, truth, .. } = *images;
        Self { kind, predictions: predictions.select(taken), truth: truth.select(taken) }
    }

    pub(super) fn judged(&self) -> Judged<'_> {
        Judged::new(self.kind, &self.predictions, &self.truth)
    }
}

/// What every decision is fitted on.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    pub kind: TargetKind,
    pub predictions: &'a Predictions,
    /// In the order of the predictions.
    pub truth: &'a Truth,
    /// The fold of each image; empty where there is none.
    pub folds: &'a [usize],
}

impl<'a> Judged<'a> {
    /// Images of one fold.
    pub fn new(kind: TargetKind, predictions: &'a Predictions, truth: &'a Truth) -> Self {
        Self { kind, predictions, truth, folds: &[] }
    }

    /// What answers to these images score.
    pub fn score(&self, metric: &Metric, answers: &Answers) -> Result<f64, Misfit> {
        metric.score(&self.scoring(answers))
    }

    /// The answers beside the truth.
    pub fn scoring<'b>(&'b self, answers: &'b Answers) -> Scoring<'b> {
        Scoring {
            kind: self.kind,
            ids: &answers.ids,
            classes: &answers.classes,
            truth: self.truth,
            said: &answers.said,
        }
    }

    /// The one class of each image.
    pub(super) fn classes(&self) -> Vec<usize> {
        let first = |classes: &Vec<usize>| classes.first().copied().unwrap_or_default();
        self.truth.classes().iter().map(first).collect()
    }

    /// The same for tags.
    pub(super) fn tagged(&self, with_folds: bool) -> HeldOut {
        let targets = self.truth.classes().iter().map(Vec::as_slice);
        let folds = if with_folds { self.folds } else { &[] };
        HeldOut::new(self.predictions.probabilities.clone(), targets, folds)
    }
}
