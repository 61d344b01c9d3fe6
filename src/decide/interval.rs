//! How far a mean difference can be trusted: bootstrap intervals (Efron 1979), paired, since what is
//! resampled are images, each with the differences that all methods make on it.

use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::rng::{self, Purpose};

/// What is cut off at either end: intervals are of 95 %.
const TAIL: f64 = 0.025;
/// Any number; the same images give the same interval.
const SEED: u64 = 17;

/// From where to where a mean lies in 95 of 100 resamplings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Whether zero is not in it, but below.
    pub fn is_above_zero(self) -> bool {
        self.low > 0.0
    }
}

/// The percentile interval of the mean of each column, over `n_draws` resamplings of rows; columns
/// are of one length.
pub fn bootstrap(columns: &[Vec<f64>], n_draws: usize) -> Vec<Interval> {
    let n = columns.first().map_or(0, Vec::len);
    if n < 2 {
        let only = |column: &Vec<f64>| column.first().copied().unwrap_or_default();
        return columns.iter().map(|c| Interval { low: only(c), high: only(c) }).collect();
    }
    // Row by row, since a row is drawn for all columns at once. Which rows are drawn follows from
    // their number alone, so a column has the same interval whatever stands beside it.
    let width = columns.len();
    let rows: Vec<f64> = (0..n).flat_map(|i| columns.iter().map(move |column| column[i])).collect();
    let draw = |number: usize| {
        let mut rng = rng::stream(Purpose::Resample, SEED, 0, number as u64);
        let mut sums = vec![0.0; width];
        for _ in 0..n {
            let drawn = rng.random_range(0..n as u32) as usize;
            let row = &rows[drawn * width..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        sums
    };
    let draws: Vec<Vec<f64>> = (0..n_draws).into_par_iter().map(draw).collect();
    let interval = |column: usize| {
        let mut means: Vec<f64> = draws.iter().map(|sums| sums[column] / n as f64).collect();
        means.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
        Interval { low: at(TAIL), high: at(1.0 - TAIL) }
    };
    (0..width).map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_normal_approximation_where_that_is_right() {
        let column: Vec<f64> = (0..2000).map(|i| f64::from((i * 7919) % 101) / 100.0).collect();
        let (mean, error) = crate::decide::compare::mean_and_error(&column);
        let found = bootstrap(&[column], 2000)[0];
        assert!((found.low - (mean - 1.96 * error)).abs() < 0.1 * error, "{found:?}");
        assert!((found.high - (mean + 1.96 * error)).abs() < 0.1 * error, "{found:?}");
    }

    #[test]
    fn columns_are_resampled_together_and_alike_every_time() {
        let one: Vec<f64> = (0..100).map(|i| f64::from(i % 3)).collect();
        let twice = one.iter().map(|x| 2.0 * x).collect();
        let [a, b] = bootstrap(&[one.clone(), twice], 200)[..] else { panic!("two columns") };
        assert_eq!((2.0 * a.low, 2.0 * a.high), (b.low, b.high));
        assert_eq!(bootstrap(std::slice::from_ref(&one), 200)[0], a);
        // Also where most rows say nothing.
        let few: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i % 9 == 0))).collect();
        assert_eq!(bootstrap(&[one, few.clone()], 200)[1], bootstrap(&[few], 200)[0]);
    }

    #[test]
    fn no_difference_is_none() {
        assert_eq!(bootstrap(&[vec![0.0; 50]], 100)[0], Interval::default());
        assert!(!Interval::default().is_above_zero());
        assert_eq!(bootstrap(&[vec![0.5]], 10)[0], Interval { low: 0.5, high: 0.5 });
        assert!(bootstrap(&[], 10).is_empty());
    }
}
