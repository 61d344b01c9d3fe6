//! Whether probabilities mean what they say: of all answers given with 80 %, 80 % should be right.
//!
//! Reliability and the expected calibration error are those of Guo et al. 2017, "On Calibration of
//! Modern Neural Networks" (<https://arxiv.org/abs/1706.04599>, equations 2 and 3), over bins of
//! equal width; the Brier score is Brier's own of 1950, summed over classes (0 to 2).

use super::most_probable;
use crate::table::Table;

/// The answers whose probability falls into one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    pub n: usize,
    /// The mean of the probabilities given.
    pub confidence: f64,
    /// The share that came true.
    pub accuracy: f64,
}

/// Sorts answers, each a probability and whether it came true, into `n_bins` bins of equal width
/// over `[0, 1]`; a bin holds its upper edge.
pub fn reliability(answers: impl IntoIterator<Item = (f64, bool)>, n_bins: usize) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); n_bins];
    for (p, came_true) in answers {
        let place = (p * n_bins as f64).ceil() as usize;
        let bin = &mut bins[place.clamp(1, n_bins) - 1];
        bin.n += 1;
        bin.confidence += p;
        bin.accuracy += f64::from(u8::from(came_true));
    }
    for bin in &mut bins {
        if bin.n > 0 {
            bin.confidence /= bin.n as f64;
            bin.accuracy /= bin.n as f64;
        }
    }
    bins
}

/// The mean distance between confidence and accuracy, each bin by its weight; 0 without answers.
pub fn expected_calibration_error(bins: &[Bin]) -> f64 {
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    let gap = |bin: &Bin| bin.n as f64 * (bin.confidence - bin.accuracy).abs();
    bins.iter().map(gap).sum::<f64>() / n.max(1) as f64
}

/// The probability of each row's most probable class, and whether it is the true one; `rows` are
/// `[n, classes]`, `truth` one class index a row.
pub fn top_answers<'a>(
    rows: &'a Table,
    truth: &'a [usize],
) -> impl Iterator<Item = (f64, bool)> + 'a {
    rows.rows().zip(truth).map(|(row, &class)| {
        let top = most_probable(row);
        (f64::from(row[top]), top == class)
    })
}

/// The mean over rows of the squared distance between the probabilities and the truth; `rows` and
/// `truth` as above.
pub fn brier(rows: &Table, truth: &[usize]) -> f64 {
    assert_eq!(rows.n_rows(), truth.len(), "a row of probabilities for every truth");
    let of_row = |(row, &class): (&[f32], &usize)| -> f64 {
        let distance = |(i, &p): (usize, &f32)| f64::from(u8::from(i == class)) - f64::from(p);
        row.iter().enumerate().map(distance).map(|d| d * d).sum()
    };
    rows.rows().zip(truth).map(of_row).sum::<f64>() / truth.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// numpy 2.4, with `p = np.array([[.9,.1,0],[.6,.3,.1],[.2,.5,.3],[.1,.1,.8],[.05,.9,.05]])`,
    /// `t = np.array([0,1,1,2,0])`: `((p - np.eye(3)[t])**2).sum(1).mean()`.
    #[test]
    fn agrees_with_numpy() {
        let rows =
            vec![0.9, 0.1, 0.0, 0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.1, 0.8, 0.05, 0.9, 0.05];
        let rows = Table::new(rows, 3);
        let truth = [0, 1, 1, 2, 0];
        assert!((brier(&rows, &truth) - 0.607).abs() < 1e-6, "{}", brier(&rows, &truth));
        let bins = reliability(top_answers(&rows, &truth), 10);
        let counts: Vec<usize> = bins.iter().map(|bin| bin.n).collect();
        assert_eq!(counts, [0, 0, 0, 0, 1, 0, 1, 0, 3, 0]);
        // (|.5 - 1| + |.6 - 0| + 3 |2.6 / 3 - 2 / 3|) / 5
        assert!((expected_calibration_error(&bins) - 0.34).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_well_calibrated() {
        assert_eq!(expected_calibration_error(&reliability([], 15)), 0.0);
        assert_eq!(brier(&Table::empty(0), &[]), 0.0);
    }

    proptest! {
        #[test]
        fn no_answer_is_lost(answers in prop::collection::vec((0.0f64..=1.0, any::<bool>()), 0..99)) {
            let bins = reliability(answers.iter().copied(), 15);
            prop_assert_eq!(bins.iter().map(|bin| bin.n).sum::<usize>(), answers.len());
            prop_assert!((0.0..=1.0).contains(&expected_calibration_error(&bins)));
            for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
                let (low, high) = (i as f64 / 15.0 - 1e-9, (i + 1) as f64 / 15.0 + 1e-9);
                prop_assert!((low..=high).contains(&bin.confidence), "{i}: {bin:?}");
            }
        }
    }
}
