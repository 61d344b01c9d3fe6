//! Images that a model had not seen, with what it said of them and what is true.

use std::collections::BTreeSet;

/// Folds of images that have none of their own.
const FOLDS: usize = 5;

/// Held-out images. Slices are `[n, classes]`, row-major.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// What was predicted.
    pub probabilities: Vec<f32>,
    /// What is true.
    pub truth: Vec<bool>,
    /// The fold of each image; those of one fold are decided by what was fitted on the others.
    pub folds: Vec<usize>,
    /// How many classes there are.
    pub n_classes: usize,
}

impl HeldOut {
    /// How many images.
    pub fn len(&self) -> usize {
        self.folds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// The folds that there are.
    pub(super) fn fold_set(&self) -> BTreeSet<usize> {
        self.folds.iter().copied().collect()
    }

    /// The same with several folds: images that are all of one are dealt out.
    pub(super) fn with_folds(mut self) -> Self {
        if self.fold_set().len() < 2 {
            self.folds = (0..self.len()).map(|i| i % FOLDS).collect();
        }
        self
    }

    /// The images for which `takes` the fold, in their order.
    pub(super) fn part(&self, takes: impl Fn(usize) -> bool) -> Self {
        let taken: Vec<usize> = (0..self.len()).filter(|&i| takes(self.folds[i])).collect();
        let m = self.n_classes;
        Self {
            probabilities: taken
                .iter()
                .flat_map(|&i| &self.probabilities[i * m..][..m])
                .copied()
                .collect(),
            truth: taken.iter().flat_map(|&i| &self.truth[i * m..][..m]).copied().collect(),
            folds: taken.iter().map(|&i| self.folds[i]).collect(),
            n_classes: m,
        }
    }
}
