//! Images that a model had not seen, with what it predicted of them and what is true.

use crate::table::Table;
use crate::target::tagged;

#[derive(Clone, Debug)]
pub struct HeldOut {
    /// What was predicted: `[n, classes]`.
    pub probabilities: Table,
    /// What is true: `[n, classes]`.
    pub truth: Table<bool>,
    /// The fold of each image; those of one fold are decided by what was fitted on the others.
    pub folds: Vec<usize>,
}

impl HeldOut {
    /// `targets` are the images' class indices and `folds` their folds (empty where there is none),
    /// in the order of the predictions.
    pub fn new<'a>(
        probabilities: Table,
        targets: impl IntoIterator<Item = &'a [usize]>,
        folds: &[usize],
    ) -> Self {
        let n = probabilities.n_rows();
        Self {
            truth: tagged(targets, probabilities.width()),
            folds: if folds.len() == n { folds.to_vec() } else { vec![0; n] },
            probabilities,
        }
    }

    pub fn len(&self) -> usize {
        self.folds.len()
    }

    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// Some of the images, in the order of `taken`.
    pub(super) fn select(&self, taken: &[usize]) -> Self {
        Self {
            probabilities: self.probabilities.select(taken),
            truth: self.truth.select(taken),
            folds: taken.iter().map(|&i| self.folds[i]).collect(),
        }
    }
}
