//! What a clip costs and what it saves: the expected log loss of sure answers of which a share is
//! wrong.
//!
//! Of images called with full certainty, a share `e` wrongly, each right one costs
//! `-ln(1 - epsilon)` after a clip and each wrong one `-ln(epsilon)`. That is least at
//! `epsilon = e`, and a table of it says how much a customary clip, or none, would lose. Test images
//! are worth more than one row: their labels have noise of their own, so their error rate is rather
//! higher than that of validation.

use crate::metric::most_probable;
use crate::table::Table;

/// The clips that a table compares with the best: none (single precision), and three usual ones.
pub(super) const USUAL_CLIPS: [f64; 4] = [1e-7, 0.005, 0.02, 0.05];
/// An answer is called sure from this probability on.
pub(super) const SURE: f64 = 0.95;

/// How often sure answers are wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SureAnswers {
    /// Images whose most probable class has a probability of at least [`SURE`].
    pub(super) n: usize,
    /// Those of them that are of another class.
    pub(super) n_wrong: usize,
}

/// Expected log loss at one error rate.
#[derive(Debug)]
pub(super) struct Risk {
    /// The share of sure answers that are wrong.
    pub(super) error_rate: f64,
    /// The loss with the best clip, which is the error rate itself.
    pub(super) best: f64,
    /// The loss with each of [`USUAL_CLIPS`], in their order.
    pub(super) usual: [f64; USUAL_CLIPS.len()],
}

impl SureAnswers {
    /// Counts them in `rows` (`[n, classes]`); `truth` is one class index a row.
    pub(super) fn count(rows: &Table, truth: &[usize]) -> Self {
        let mut found = Self { n: 0, n_wrong: 0 };
        for (row, &class) in rows.rows().zip(truth) {
            let answer = most_probable(row);
            if f64::from(row[answer]) >= SURE {
                found.n += 1;
                found.n_wrong += usize::from(answer != class);
            }
        }
        found
    }

    /// The share of wrong ones, half an image added to them: none among a few hundred does not mean
    /// that there is none.
    pub(super) fn error_rate(self) -> f64 {
        (self.n_wrong as f64 + 0.5) / (self.n as f64 + 1.0)
    }
}

/// The expected log loss of answers of full certainty among two classes, a share `error_rate` of
/// them wrong, clipped to `[epsilon, 1 - epsilon]`.
fn expected_loss(error_rate: f64, epsilon: f64) -> f64 {
    let cost = |share: f64, p: f64| if share > 0.0 { -share * p.ln() } else { 0.0 };
    cost(1.0 - error_rate, 1.0 - epsilon) + cost(error_rate, epsilon)
}

/// A row for an error rate and one for each of its doubles, four in all: what test labels with
/// more noise would do to the same clip.
pub(super) fn table(error_rate: f64) -> Vec<Risk> {
    let rates = [1.0, 2.0, 4.0, 8.0].map(|times| times * error_rate);
    let row = |error_rate: f64| Risk {
        error_rate,
        best: expected_loss(error_rate, error_rate),
        usual: USUAL_CLIPS.map(|clip| expected_loss(error_rate, clip)),
    };
    rates.into_iter().filter(|&rate| rate <= 0.5).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_each_clip_costs() {
        // -(1-e) ln(1-c) - e ln c by hand for c = e, 1e-7, .005, .02, .05, four decimals.
        let known = [
            (0.001, [0.0079, 0.0161, 0.0103, 0.0241, 0.0542]),
            (0.002, [0.0144, 0.0322, 0.0156, 0.0280, 0.0572]),
            (0.004, [0.0261, 0.0645, 0.0262, 0.0358, 0.0631]),
            (0.008, [0.0466, 0.1289, 0.0474, 0.0513, 0.0748]),
        ];
        let rows = table(0.001);
        assert_eq!(rows.len(), known.len());
        for (row, (error_rate, losses)) in rows.iter().zip(known) {
            assert_eq!(row.error_rate, error_rate);
            let all = std::iter::once(row.best).chain(row.usual);
            for (loss, expected) in all.zip(losses) {
                assert!((loss - expected).abs() < 5.1e-5, "{row:?}: {loss} {expected}");
            }
        }
    }

    #[test]
    fn no_clip_beats_the_error_rate() {
        for row in table(0.003) {
            assert!(row.usual.iter().all(|&loss| loss >= row.best), "{row:?}");
        }
        assert_eq!(expected_loss(0.0, 0.0), 0.0);
        // Rates beyond a coin's are no rates of sure answers.
        assert_eq!(table(0.2).len(), 2);
    }

    #[test]
    fn sure_answers_are_counted_whatever_the_class() {
        let rows = Table::new(vec![0.99, 0.01, 0.02, 0.98, 0.96, 0.04, 0.6, 0.4], 2);
        let found = SureAnswers::count(&rows, &[0, 0, 0, 1]);
        assert_eq!(found, SureAnswers { n: 3, n_wrong: 1 });
        assert_eq!(found.error_rate(), 0.375);
    }
}
