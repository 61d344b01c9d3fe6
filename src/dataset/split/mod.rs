//! Which labelled images are held out, and which fold each belongs to: every class keeps its share
//! on every side, and images that show the same picture stay together.

mod folds;
mod hold_out;
mod iterative;
mod strata;
mod units;

pub use folds::folds;
pub use hold_out::{hold_out, split};

use crate::dataset::sets::Sets;

/// Which set each of `n` images is of: groups that share an image are one, and an image of none is one by
/// itself. A set has the number of its first image.
pub fn sets_of(n: usize, groups: &[Vec<usize>]) -> Vec<usize> {
    let mut sets = Sets::new(n);
    for pair in groups.iter().flat_map(|group| group.windows(2)) {
        sets.join(pair[0], pair[1]);
    }
    (0..n).map(|i| sets.find(i)).collect()
}

/// A partition of the labelled images, as sorted indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To judge by.
    pub valid: Vec<usize>,
}

impl Split {
    /// One fold against all others; `folds` is [`folds()`]'s answer, `fold` counts from 0.
    pub fn of_fold(folds: &[usize], fold: usize) -> Self {
        let (valid, train) = (0..folds.len()).partition(|&i| folds[i] == fold);
        Self { train, valid }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::sets_of;
    use crate::dataset::Sample;

    #[test]
    fn groups_that_share_an_image_are_one_set() {
        assert_eq!(sets_of(6, &[vec![1, 4], vec![4, 5], vec![]]), [0, 1, 2, 3, 1, 1]);
    }

    pub(super) fn samples(targets: impl IntoIterator<Item = Vec<usize>>) -> Vec<Sample> {
        let sample =
            |(i, target): (usize, Vec<usize>)| Sample::new(i.to_string(), i.to_string(), target);
        targets.into_iter().enumerate().map(sample).collect()
    }

    /// So many samples of each class.
    pub(super) fn of_counts(counts: &[usize]) -> Vec<Sample> {
        samples(counts.iter().enumerate().flat_map(|(c, &n)| vec![vec![c]; n]))
    }

    /// How many of `indices` have the class.
    pub(super) fn count_of(samples: &[Sample], indices: &[usize], class: usize) -> usize {
        indices.iter().filter(|&&i| samples[i].target.contains(&class)).count()
    }

    /// The one class, or the tags, that `tags` stand for.
    pub(super) fn targets(tags: &[BTreeSet<usize>], single: bool) -> Vec<Vec<usize>> {
        let one = |tags: &BTreeSet<usize>| vec![tags.first().copied().unwrap_or(5)];
        tags.iter().map(|t| if single { one(t) } else { t.iter().copied().collect() }).collect()
    }

    /// Groups from a number a sample: those with the same one belong together.
    pub(super) fn groups(of_sample: &[usize]) -> Vec<Vec<usize>> {
        let of_number = |number| (0..of_sample.len()).filter(move |&i| of_sample[i] == number);
        let groups = (1..=of_sample.iter().copied().max().unwrap_or(0)).map(of_number);
        groups.map(Iterator::collect).filter(|group: &Vec<usize>| group.len() > 1).collect()
    }
}
