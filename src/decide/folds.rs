//! Folds of held-out images: what is scored on one is fitted on the others.

use std::collections::BTreeSet;

/// Folds of images that have none of their own.
const FOLDS: usize = 5;

/// Several folds: images that are all of one are dealt out.
pub(super) fn several(folds: Vec<usize>) -> Vec<usize> {
    if all(&folds).len() < 2 { (0..folds.len()).map(|i| i % FOLDS).collect() } else { folds }
}

/// The folds that there are.
pub(super) fn all(folds: &[usize]) -> BTreeSet<usize> {
    folds.iter().copied().collect()
}

/// The images for which `takes` the fold, in their order.
pub(super) fn images(folds: &[usize], takes: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..folds.len()).filter(|&i| takes(folds[i])).collect()
}
