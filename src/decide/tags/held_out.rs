//! Images that a model had not seen, with what it said of them and what is true.

use std::collections::BTreeSet;

use crate::decide::folds;
use crate::target::tagged;

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
    /// `targets` are the images' class indices and `folds` their folds (empty where there is none),
    /// in the order of the predictions.
    pub fn new<'a>(
        probabilities: Vec<f32>,
        targets: impl IntoIterator<Item = &'a [usize]>,
        folds: &[usize],
        n_classes: usize,
    ) -> Self {
        let n = probabilities.len() / n_classes.max(1);
        Self {
            probabilities,
            truth: tagged(targets, n_classes),
            folds: if folds.len() == n { folds.to_vec() } else { vec![0; n] },
            n_classes,
        }
    }

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
        folds::all(&self.folds)
    }

    /// The same with several folds: images that are all of one are dealt out.
    pub(super) fn with_folds(mut self) -> Self {
        self.folds = folds::several(self.folds);
        self
    }

    /// The images for which `takes` the fold, in their order.
    pub(super) fn part(&self, takes: impl Fn(usize) -> bool) -> Self {
        let taken = folds::images(&self.folds, takes);
        let n_classes = self.n_classes;
        Self {
            probabilities: folds::rows(&self.probabilities, n_classes, &taken),
            truth: folds::rows(&self.truth, n_classes, &taken),
            folds: taken.iter().map(|&i| self.folds[i]).collect(),
            n_classes,
        }
    }
}
