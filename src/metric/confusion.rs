//! Which class is taken for which.

/// Counts of answers: scikit-learn's `confusion_matrix`, a row a true class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// `[true class, answered class]`, row-major.
    pub counts: Vec<usize>,
    pub n_classes: usize,
}

/// One mistake that is made again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub truth: usize,
    pub answered: usize,
    pub n: usize,
}

impl Confusion {
    /// Counts pairs of a true and an answered class.
    pub fn count(pairs: impl IntoIterator<Item = (usize, usize)>, n_classes: usize) -> Self {
        let mut counts = vec![0; n_classes * n_classes];
        for (truth, answered) in pairs {
            counts[truth * n_classes + answered] += 1;
        }
        Self { counts, n_classes }
    }

    /// How often `truth` was answered by `answered`.
    pub fn at(&self, truth: usize, answered: usize) -> usize {
        self.counts[truth * self.n_classes + answered]
    }

    /// How many answers were about a class.
    pub fn of(&self, truth: usize) -> usize {
        (0..self.n_classes).map(|answered| self.at(truth, answered)).sum()
    }

    /// The share of a class that was recognised; none where there is none of it.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.at(class, class), self.of(class))
    }

    /// The share of the answers `class` that were right; none where it was never answered.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.at(class, class), (0..self.n_classes).map(|truth| self.at(truth, class)).sum())
    }

    /// Every mistake, the most frequent first (fast.ai's `most_confused`).
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = (0..self.n_classes * self.n_classes)
            .map(|place| (place / self.n_classes, place % self.n_classes))
            .filter(|(truth, answered)| truth != answered)
            .map(|(truth, answered)| Mistake { truth, answered, n: self.at(truth, answered) })
            .filter(|mistake| mistake.n > 0)
            .collect();
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.n));
        mistakes
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9: `confusion_matrix([2,0,2,2,0,1], [0,0,2,2,0,2])`, the example of its own
    /// documentation.
    #[test]
    fn agrees_with_scikit_learn() {
        let pairs = [(2, 0), (0, 0), (2, 2), (2, 2), (0, 0), (1, 2)];
        let confusion = Confusion::count(pairs, 3);
        assert_eq!(confusion.counts, [2, 0, 0, 0, 0, 1, 1, 0, 2]);
        assert_eq!(confusion.recall(2), Some(2.0 / 3.0));
        assert_eq!(confusion.precision(0), Some(2.0 / 3.0));
        assert_eq!(confusion.precision(1), None);
        let mistakes: Vec<_> =
            confusion.mistakes().iter().map(|m| (m.truth, m.answered, m.n)).collect();
        assert_eq!(mistakes, [(1, 2, 1), (2, 0, 1)]);
    }
}
