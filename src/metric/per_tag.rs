//! How well a single tag is found: precision, recall and F-beta over images, scikit-learn's
//! `precision_recall_fscore_support(average=None, zero_division=0)`.

use std::iter::Sum;

use super::family::Pairs;
use super::sample_fbeta;

/// Right, missed and false answers about one tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagCounts {
    /// Images that have the tag and were given it.
    pub right: usize,
    pub truth: usize,
    /// Images that were given it.
    pub answered: usize,
}

impl TagCounts {
    /// Counts pairs of truth and answer.
    pub fn count(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (truth, answered) in pairs {
            counts.right += usize::from(truth && answered);
            counts.truth += usize::from(truth);
            counts.answered += usize::from(answered);
        }
        counts
    }

    /// Those of each class, of the true classes of each image and those that were answered. What is
    /// answered twice about an image counts once.
    pub(super) fn of_classes((truth, said): Pairs, n_classes: usize) -> Vec<Self> {
        let mut counts = vec![Self::default(); n_classes];
        for (truth, said) in truth.iter().zip(said) {
            for &class in truth {
                counts[class].truth += 1;
            }
            for (place, class) in said.iter().enumerate() {
                if !said[..place].contains(class) {
                    counts[*class].answered += 1;
                    counts[*class].right += usize::from(truth.contains(class));
                }
            }
        }
        counts
    }

    /// The share of the answers that are right; 0 without any.
    pub fn precision(self) -> f64 {
        self.right as f64 / self.answered.max(1) as f64
    }

    /// The share of the images with the tag that were found; 0 without any.
    pub fn recall(self) -> f64 {
        self.right as f64 / self.truth.max(1) as f64
    }

    /// Their weighted harmonic mean.
    pub fn fbeta(self, beta: f64) -> f64 {
        sample_fbeta(self.right, self.truth, self.answered, beta)
    }
}

impl Sum for TagCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            right: sum.right + one.right,
            truth: sum.truth + one.truth,
            answered: sum.answered + one.answered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9: `precision_recall_fscore_support([1,1,1,0,0,1], [1,0,1,1,0,1],
    /// beta=2, average="binary")` gives (0.75, 0.75, 0.75); with `[1,1,0,0], [1,1,1,1]` it gives
    /// (0.5, 1.0, 5/6).
    #[test]
    fn agrees_with_scikit_learn() {
        let counts = TagCounts::count([(true, true), (true, true), (false, true), (false, true)]);
        assert_eq!((counts.precision(), counts.recall()), (0.5, 1.0));
        assert!((counts.fbeta(2.0) - 5.0 / 6.0).abs() < 1e-12);
        let four = [(true, true), (true, false), (true, true), (false, true), (false, false)];
        let counts = TagCounts::count(four.into_iter().chain([(true, true)]));
        assert_eq!((counts.precision(), counts.recall(), counts.fbeta(2.0)), (0.75, 0.75, 0.75));
    }

    #[test]
    fn a_tag_that_nothing_has_scores_nothing() {
        let counts = TagCounts::count([(false, false); 3]);
        assert_eq!((counts.precision(), counts.recall(), counts.fbeta(2.0)), (0.0, 0.0, 0.0));
    }
}
