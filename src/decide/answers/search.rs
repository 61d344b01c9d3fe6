//! The best place of one number: a score that goes by steps, tried between the values at which it may
//! change.

/// So many places are tried one by one; of more, as many evenly among them, then as many around the
/// best of these.
const AT_ONCE: usize = 96;

/// Where a score may differ: between each two of `values` that differ, and at either end.
pub(super) fn places_between(mut values: Vec<f64>, low: f64, high: f64) -> Vec<f64> {
    values.retain(|value| (low..=high).contains(value));
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let mut places = vec![low];
    places.extend(values.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])));
    places.push(high);
    places.dedup();
    places
}

/// The place of `places`, which rise, with the largest score; the middle of the longest run of those
/// that score alike, the first of equal runs, which is farthest from where the score falls.
pub(super) fn best_place(places: &[f64], mut score: impl FnMut(f64) -> f64) -> Option<f64> {
    let mut best = |among: &[usize]| -> Option<usize> {
        let scores: Vec<f64> = among.iter().map(|&place| score(places[place])).collect();
        middle_of_best(&scores)
    };
    let (mut from, mut to) = (0, places.len().checked_sub(1)?);
    while to - from >= AT_ONCE {
        let evenly: Vec<usize> =
            (0..AT_ONCE).map(|i| from + i * (to - from) / (AT_ONCE - 1)).collect();
        let near = best(&evenly)?;
        (from, to) = (evenly[near.saturating_sub(1)], evenly[(near + 1).min(AT_ONCE - 1)]);
    }
    let around: Vec<usize> = (from..=to).collect();
    best(&around).map(|place| places[around[place]])
}

/// The place of the largest of `scores` in the middle of the longest run that shares it.
fn middle_of_best(scores: &[f64]) -> Option<usize> {
    let best = scores.iter().copied().filter(|score| !score.is_nan()).reduce(f64::max)?;
    // Sums taken in another order differ in their last bits.
    let tolerance = 1e-12 * best.abs().max(1.0);
    let is_best = |score: &f64| *score >= best - tolerance;
    let (mut start, mut length, mut first) = (0, 0, 0);
    while first < scores.len() {
        let run = scores[first..].iter().take_while(|score| is_best(score)).count();
        if run > length {
            (start, length) = (first, run);
        }
        first += run + 1;
    }
    Some(start + length.saturating_sub(1) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_lie_between_values() {
        assert_eq!(places_between(vec![0.5, 0.25, 0.5, 3.0], 0.0, 1.0), [0.0, 0.375, 1.0]);
        assert_eq!(places_between(Vec::new(), 0.0, 1.0), [0.0, 1.0]);
        assert_eq!(places_between(vec![0.5], 0.5, 0.5), [0.5]);
    }

    #[test]
    fn of_a_plateau_the_middle_is_taken() {
        let places: Vec<f64> = (0..20).map(f64::from).collect();
        let plateau = |x: f64| if (4.0..=8.0).contains(&x) { 1.0 } else { 0.0 };
        assert_eq!(best_place(&places, plateau), Some(6.0));
        assert_eq!(best_place(&places, |x| if x == 3.0 { f64::NAN } else { -x }), Some(0.0));
        assert_eq!(best_place(&[], plateau), None);
        assert_eq!(best_place(&places, |_| f64::NAN), None);
    }

    proptest! {
        #[test]
        fn many_places_are_searched_as_well_as_few(peak in 0.0f64..1.0, n in 2usize..5000) {
            let places: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
            let found = best_place(&places, |x| -(x - peak).abs()).unwrap();
            let nearest = places.iter().map(|x| (x - peak).abs()).fold(f64::INFINITY, f64::min);
            prop_assert!(((found - peak).abs() - nearest).abs() < 1e-9);
        }
    }
}
