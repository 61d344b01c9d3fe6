//! Places among others: what is left of probabilities where their order alone counts, as under a ROC
//! curve. Members that are sure in different ways agree on it.

use crate::table::Table;

/// For each cell of `rows` (`[n, classes]`) its place among those of its column, from 0 to 1: `(rank -
/// 1/2) / n`, equals having the mean of their ranks.
pub(super) fn shares(rows: &Table) -> Table {
    let (n, width) = (rows.n_rows(), rows.width());
    let mut shares = Table::new(vec![0.0; n * width], width);
    for column in 0..width {
        let values: Vec<f32> = rows.column(column).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut first = 0;
        while first < n {
            let value = values[order[first]];
            let equals = order[first..].iter().take_while(|&&i| values[i] == value).count().max(1);
            // The mean of the ranks from `first + 1` to `first + equals`, less a half.
            let place = first as f64 + equals as f64 / 2.0;
            for &i in &order[first..first + equals] {
                shares.row_mut(i)[column] = (place / n as f64) as f32;
            }
            first += equals;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // from scipy.stats import rankdata; import numpy as np
        // a = np.array([[.1, .5], [.7, .5], [.7, .2], [.3, .9], [0, .5]])
        // (rankdata(a, axis=0) - .5) / len(a)
        let rows = vec![0.1, 0.5, 0.7, 0.5, 0.7, 0.2, 0.3, 0.9, 0.0, 0.5];
        let expected = [0.3, 0.5, 0.8, 0.5, 0.8, 0.1, 0.5, 0.9, 0.1, 0.5];
        let found = shares(&Table::new(rows, 2));
        for (found, expected) in found.as_slice().iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert!(shares(&Table::empty(2)).is_empty());
    }

    #[test]
    fn places_of_two_classes_add_up_to_one() {
        let p: Vec<f32> = (0..50).map(|i| ((i * 37) % 11) as f32 / 16.0).collect();
        let rows = p.iter().flat_map(|&p| [1.0 - p, p]).collect();
        for row in shares(&Table::new(rows, 2)).rows() {
            assert!((row[0] + row[1] - 1.0).abs() < 1e-6, "{row:?}");
        }
    }
}
