//! Rates read off a sweep: the golden rule's own, and fastai 2.8's four
//! (`fastai/callback/schedule.py`), for those who know them by name.
//!
//! A curve is `rates`, rising, and `losses`, smoothed, of the same length. fastai's rules always
//! answer, even on noise; [`suggestions`] has no answers where the loss never clearly improves.

use crate::run::Suggestions;

/// What all rules say of a sweep that was to have `n_steps` steps; `doubt` is the standard error of
/// a smoothed loss.
pub fn suggestions(rates: &[f64], losses: &[f64], n_steps: usize, doubt: f64) -> Suggestions {
    let clear = clear(rates, losses, n_steps, doubt);
    // fastai leaves out the first tenth and the last five points.
    let used = n_steps / 10..losses.len().saturating_sub(5);
    let points = rates.get(used.clone()).zip(losses.get(used));
    let Some((rates, losses)) = points.filter(|_| clear.is_some()) else {
        return Suggestions { clear, ..Suggestions::default() };
    };
    Suggestions {
        clear,
        valley: valley(rates, losses),
        steep: steep(rates, losses),
        slide: slide(rates, losses),
        minimum: minimum(rates, losses),
    }
}

/// The slope that still counts as a clear improvement, as a part of the steepest.
const CLEAR: f64 = 0.5;

/// Sweeps start where nothing is learnt yet: what falls in the first fifth is the batches' luck.
const IDLE: usize = 5;

/// How many standard errors the loss must fall to have clearly improved.
const CLEARLY: f64 = 3.0;

/// The highest rate, left of the loss's minimum, at which its slope over the logarithm of the rate
/// is still at least half of the steepest.
///
/// Slopes are taken over a window of a tenth of the sweep. None if the loss never falls by more
/// than three times its `doubt`, the standard error of a smoothed loss.
pub fn clear(rates: &[f64], losses: &[f64], n_steps: usize, doubt: f64) -> Option<f64> {
    let window = (losses.len() / 10).max(2);
    let first = n_steps / IDLE;
    let (minimum, lowest) = least(losses);
    if minimum < first + window {
        return None;
    }
    // The height that the loss falls from: before the descent, not one lucky or unlucky batch.
    let early = &losses[first..=minimum];
    let height = early.iter().sum::<f64>() / early.len() as f64;
    if height - lowest < CLEARLY * doubt {
        return None;
    }
    let slope = |i: usize| {
        let (low, high) = (i.saturating_sub(window / 2), (i + window.div_ceil(2)).min(minimum));
        if high <= low {
            return 0.0;
        }
        (losses[high] - losses[low]) / (rates[high] / rates[low]).ln()
    };
    let slopes: Vec<f64> = (first..minimum).map(slope).collect();
    let steepest = slopes.iter().copied().fold(0.0, f64::min);
    let last = slopes.iter().rposition(|&s| s < 0.0 && s <= CLEAR * steepest)?;
    Some(rates[first + last])
}

/// About half way down the longest valley: the longest run of ever lower losses, points between
/// them left out. fastai's default. None if the loss never falls.
pub fn valley(rates: &[f64], losses: &[f64]) -> Option<f64> {
    // ends[k]: the highest loss that a falling run of k + 1 points can end with so far (patience
    // sorting: n log n, where fastai compares all pairs).
    let mut ends: Vec<f64> = Vec::new();
    let mut last = 0;
    for (i, &loss) in losses.iter().enumerate() {
        let before = ends.partition_point(|&end| end > loss);
        if before == ends.len() {
            ends.push(loss);
            last = i;
        } else {
            ends[before] = loss;
        }
    }
    // fastai takes the run's points for neighbours when it looks for the start.
    let length = ends.len();
    let at = (last + length / 3 + length / 6).checked_sub(length)?;
    (length > 1).then(|| rates[at])
}

/// Where the loss falls fastest from one step to the next.
pub fn steep(rates: &[f64], losses: &[f64]) -> Option<f64> {
    let slopes: Vec<f64> = losses
        .windows(2)
        .zip(rates.windows(2))
        .map(|(loss, rate)| (loss[1] - loss[0]) / (rate[1] / rate[0]).ln())
        .collect();
    let (at, slope) = least(&slopes);
    (slope < 0.0).then(|| rates[at])
}

/// Steps between the two ends of the interval that [`slide`] moves.
const INTERVAL: usize = 15;

/// Losses at the interval's ends change alike once their changes a step differ by no more.
const ALIKE: f64 = 0.005;

/// The left end of an interval of 15 steps that slides down from the highest rate until the loss
/// changes alike at both of its ends (<https://arxiv.org/abs/1803.09820> describes reading a curve
/// this way). None with too few steps.
pub fn slide(rates: &[f64], losses: &[f64]) -> Option<f64> {
    let changes = changes(losses);
    let n = losses.len();
    let mut at = n.checked_sub(INTERVAL + 1)?;
    for left in (0..n - INTERVAL).rev() {
        if (changes[left + INTERVAL] - changes[left]).abs() <= ALIKE {
            break;
        }
        at = left;
    }
    Some(rates[at])
}

/// A tenth of the rate with the lowest loss.
pub fn minimum(rates: &[f64], losses: &[f64]) -> Option<f64> {
    rates.get(least(losses).0).map(|rate| rate / 10.0)
}

/// The change of the loss a step: central differences, one-sided at the ends (`numpy.gradient`).
fn changes(losses: &[f64]) -> Vec<f64> {
    let last = losses.len().saturating_sub(1);
    let change = |i: usize| {
        let (low, high) = (i.saturating_sub(1), (i + 1).min(last));
        (losses[high] - losses[low]) / (high - low).max(1) as f64
    };
    (0..losses.len()).map(change).collect()
}

/// Where the least of the losses is, and what it is.
pub(super) fn least(losses: &[f64]) -> (usize, f64) {
    losses
        .iter()
        .copied()
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::exponential;

    fn rates(n: usize) -> Vec<f64> {
        (0..n).map(|i| exponential(1e-6, 1.0, i as f64 / (n - 1) as f64)).collect()
    }

    /// Six sweeps and what fastai 2.8 says of them: `tests/reference/make_fastai.py`.
    fn recorded() -> Vec<(Vec<f64>, serde_json::Value)> {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/reference/fastai.json")).unwrap();
        let sweeps = all["lr_find"].as_array().unwrap();
        let losses = |sweep: &serde_json::Value| {
            serde_json::from_value(sweep["smoothed_losses"].clone()).unwrap()
        };
        sweeps.iter().map(|sweep| (losses(sweep), sweep.clone())).collect()
    }

    #[test]
    fn fastai_s_rules_say_what_fastai_says() {
        let rates: Vec<f64> =
            (0..100).map(|i| exponential(1e-7, 10.0, f64::from(i) / 99.0)).collect();
        for (losses, expected) in recorded() {
            let found = suggestions(&rates, &losses, 100, 0.0);
            for (name, rate) in found.named().into_iter().skip(1) {
                let (rate, expected) = (rate.unwrap(), expected[name].as_f64().unwrap());
                // fastai's rates are single precision.
                assert!((rate / expected - 1.0).abs() < 1e-6, "{name}: {rate}, not {expected}");
            }
            // The rule's own lies on the descent: above half of it, below the minimum.
            let (clear, bottom) = (found.clear.unwrap(), 10.0 * found.minimum.unwrap());
            assert!(found.steep.unwrap() <= clear && clear < bottom, "{found:?}");
        }
    }

    /// fastai's own comparison of all pairs, on losses with ties and detours.
    #[test]
    fn the_longest_valley_is_found_without_comparing_all_pairs() {
        for seed in 0..200_u64 {
            let losses: Vec<f64> = (0..40_u64)
                .map(|i| ((i + 1).wrapping_mul(seed.wrapping_mul(2_654_435_761) + 97) % 23) as f64)
                .collect();
            let (mut lengths, mut last) = (vec![1; losses.len()], 0);
            for i in 1..losses.len() {
                for j in 0..i {
                    if losses[i] < losses[j] && lengths[i] <= lengths[j] {
                        lengths[i] = lengths[j] + 1;
                    }
                }
                if lengths[last] < lengths[i] {
                    last = i;
                }
            }
            let length: usize = lengths[last];
            let at = (length > 1).then(|| (last + length / 3 + length / 6 - length) as f64);
            let places: Vec<f64> = (0..losses.len()).map(|i| i as f64).collect();
            assert_eq!(valley(&places, &losses), at, "{losses:?}");
        }
    }

    #[test]
    fn the_suggestion_lies_on_the_descent() {
        // Flat, then falling from 1e-4 to 1e-2, then exploding.
        let rates = rates(100);
        let losses: Vec<f64> = rates
            .iter()
            .map(|&rate| {
                let t = (rate.log10() / 2.0 + 2.0).clamp(0.0, 1.0);
                1.0 - 0.8 * t + (rate * 20.0).powi(2)
            })
            .collect();
        let suggestion = clear(&rates, &losses, 100, 0.02).unwrap();
        assert!((1e-3..1e-2).contains(&suggestion), "{suggestion}");
    }

    #[test]
    fn nothing_is_read_off_a_loss_that_never_clearly_improves() {
        let wobbling: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i % 2)).collect();
        let rising: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i)).collect();
        for (losses, doubt) in [(wobbling, 0.005), (rising, 0.0), (vec![1.0; 100], 0.0)] {
            let found = suggestions(&rates(100), &losses, 100, doubt);
            assert_eq!((found, found.to_string()), (Suggestions::default(), String::new()));
        }
    }

    #[test]
    fn a_handful_of_points_is_no_curve() {
        for n in 0..20 {
            let falling: Vec<f64> = (0..n).map(|i| -(i as f64)).collect();
            let rates: Vec<f64> = (0..n).map(|i| 10_f64.powi(i as i32 - 20)).collect();
            assert_eq!(slide(&rates, &falling).is_some(), n > INTERVAL, "{n}");
            assert_eq!(steep(&rates, &falling).is_some(), n > 1, "{n}");
            assert_eq!(minimum(&rates, &falling).is_some(), n > 0, "{n}");
            assert_eq!(valley(&rates, &falling).is_some(), n > 2, "{n}");
            suggestions(&rates, &falling, 100, 0.0);
        }
    }
}
