//! Tags above thresholds, where the mean over images of F-beta is not what counts: one for all, or one
//! a tag where each tag's own F counts alike.

use crate::table::Table;

/// With this many positives a tag's own threshold is drawn half the way back to the one of all.
const PRIOR_POSITIVES: f64 = 10.0;

/// The tags of a row that are above their thresholds, in order; the likeliest where none is and one
/// must be.
pub(super) fn above(
    row: &[f32],
    threshold: impl Fn(usize) -> f64,
    is_never_empty: bool,
) -> Vec<usize> {
    let is_above = |&tag: &usize| f64::from(row[tag]) > threshold(tag);
    let tags: Vec<usize> = (0..row.len()).filter(is_above).collect();
    if tags.is_empty() && is_never_empty {
        return crate::metric::largest(row, 1);
    }
    tags
}

/// A threshold a tag: the one with the best F of the tag alone, drawn back towards `one` where few
/// images have it. `truth` is of the shape of `rows`, `[n, tags]`.
pub(super) fn thresholds(rows: &Table, truth: &Table<bool>, one: f64) -> Vec<f64> {
    let of = |tag: usize| {
        let cells: Vec<(f32, bool)> = rows.column(tag).zip(truth.column(tag)).collect();
        let n_positive = cells.iter().filter(|(_, is)| *is).count() as f64;
        let Some(best) = best_of_f1(cells) else { return one };
        one + n_positive / (n_positive + PRIOR_POSITIVES) * (best - one)
    };
    (0..rows.width()).map(of).collect()
}

/// The threshold with the best F1 of one tag, between the probabilities next to it; none without a
/// positive image.
pub(super) fn best_of_f1(mut cells: Vec<(f32, bool)>) -> Option<f64> {
    let n_positive = cells.iter().filter(|(_, is)| *is).count();
    if n_positive == 0 {
        return None;
    }
    cells.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut n_right, mut best) = (0, (0.0, 1.0));
    for (i, &(p, is)) in cells.iter().enumerate() {
        n_right += usize::from(is);
        let next = cells.get(i + 1).map_or(0.0, |next| next.0);
        // No threshold lies between equals, or below what has no probability at all.
        if (next == p && i + 1 < cells.len()) || p <= 0.0 {
            continue;
        }
        let f1 = 2.0 * n_right as f64 / (n_positive + i + 1) as f64;
        if f1 > best.0 {
            best = (f1, f64::midpoint(f64::from(p), f64::from(next)));
        }
    }
    Some(best.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::TagCounts;

    proptest! {
        #[test]
        fn the_best_f1_of_a_tag_is_that_of_brute_force(
            cells in prop::collection::vec((0u8..=20, any::<bool>()), 1..40)
        ) {
            let cells: Vec<(f32, bool)> =
                cells.into_iter().map(|(p, is)| (f32::from(p) / 20.0, is)).collect();
            let f1 = |threshold: f64| {
                let pairs = cells.iter().map(|&(p, is)| (is, f64::from(p) > threshold));
                TagCounts::count(pairs).fbeta(1.0)
            };
            let brute = (0..=205).map(|i| f1(f64::from(i) / 200.0)).fold(0.0, f64::max);
            if let Some(found) = best_of_f1(cells.clone()) {
                prop_assert!((f1(found) - brute).abs() < 1e-12, "{found}");
            } else {
                prop_assert_eq!(brute, 0.0);
            }
        }
    }

    #[test]
    fn a_rare_tag_stays_near_the_one_threshold() {
        let p = [0.9, 0.2, 0.8, 0.1, 0.3, 0.15, 0.1, 0.1];
        let is = [true, false, true, false, false, false, false, false];
        let (rows, truth) = (Table::new(p.to_vec(), 2), Table::new(is.to_vec(), 2));
        let each = thresholds(&rows, &truth, 0.3);
        // Two positives of the first: the best, .55, has a sixth of the weight.
        assert!((each[0] - (0.3 + 2.0 / 12.0 * 0.25)).abs() < 1e-6, "{each:?}");
        assert_eq!(each[1], 0.3);
    }

    #[test]
    fn a_row_is_empty_only_where_it_may_be() {
        let row = [0.1, 0.3, 0.2];
        assert_eq!(above(&row, |_| 0.5, false), [0; 0]);
        assert_eq!(above(&row, |_| 0.5, true), [1]);
        assert_eq!(above(&row, |tag| [0.05, 0.35, 0.1][tag], true), [0, 2]);
    }
}
