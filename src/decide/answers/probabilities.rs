//! What is done to probabilities of tags that are scored one by one, and probabilities around a level.

use crate::decide::numbers::sigmoid;
use crate::table::Table;

/// A cell more a column counts as called with full certainty and half wrong, as for one class
/// ([`crate::decide::log_loss`]).
const PSEUDO_ERROR: f64 = 0.5;
/// The range of clips, and how fine they are.
const CLIPS: (f64, f64) = (1e-6, 0.1);
const STEPS_A_DECADE: f64 = 40.0;
/// The range of spreads around a level, in classes.
const SPREADS: (f64, f64) = (0.02, 5.0);
/// A probability counts as no less.
const FLOOR: f64 = 1e-15;

/// The clip with the least log loss over all cells of `rows`, `[n, classes]`, one cell a column more
/// being half wrong; to four digits.
pub(super) fn fit_clip(rows: &Table, truth: &Table<bool>) -> f64 {
    let mut of_truth: Vec<f64> = rows
        .as_slice()
        .iter()
        .zip(truth.as_slice())
        .map(|(&p, &is)| if is { f64::from(p) } else { 1.0 - f64::from(p) })
        .collect();
    of_truth.sort_unstable_by(f64::total_cmp);
    let mut sums = vec![0.0];
    for p in &of_truth {
        sums.push(sums[sums.len() - 1] - p.max(FLOOR).ln());
    }
    let n = of_truth.len();
    let n_wrong = PSEUDO_ERROR * rows.width() as f64;
    let loss = |clip: f64| {
        let n_below = of_truth.partition_point(|&p| p < clip);
        let n_not_above = of_truth.partition_point(|&p| p <= 1.0 - clip).max(n_below);
        let between = sums[n_not_above] - sums[n_below];
        between
            - (n_below as f64 + n_wrong) * clip.ln()
            - (n - n_not_above) as f64 * (-clip).ln_1p()
    };
    let n_steps = ((CLIPS.1 / CLIPS.0).log10() * STEPS_A_DECADE).round() as usize;
    let clips = (0..=n_steps).map(|step| CLIPS.0 * 10f64.powf(step as f64 / STEPS_A_DECADE));
    let best = clips.min_by(|&a, &b| loss(a).total_cmp(&loss(b))).unwrap_or(CLIPS.0);
    short(best)
}

/// Clips every cell to `[clip, 1 - clip]`.
pub(super) fn apply_clip(rows: &mut Table, clip: f64) {
    for p in rows.as_mut_slice() {
        *p = f64::from(*p).clamp(clip, 1.0 - clip) as f32;
    }
}

/// The spread around levels that makes what is true of them likeliest.
pub(super) fn fit_spread(levels: &[f64], truth: &[usize], n_classes: usize) -> f64 {
    let loss = |spread: f64| -> f64 {
        let of = |(&level, &class): (&f64, &usize)| {
            -share(level, class, n_classes, spread).max(FLOOR).ln()
        };
        levels.iter().zip(truth).map(of).sum()
    };
    let n_steps = ((SPREADS.1 / SPREADS.0).log10() * STEPS_A_DECADE).round() as usize;
    let spreads = (0..=n_steps).map(|step| SPREADS.0 * 10f64.powf(step as f64 / STEPS_A_DECADE));
    short(spreads.min_by(|&a, &b| loss(a).total_cmp(&loss(b))).unwrap_or(1.0))
}

/// The probability of each class at a level: the share of a logistic distribution around it that lies
/// nearest to the class.
pub(super) fn around(level: f64, n_classes: usize, spread: f64) -> Vec<f64> {
    (0..n_classes).map(|class| share(level, class, n_classes, spread)).collect()
}

fn share(level: f64, class: usize, n_classes: usize, spread: f64) -> f64 {
    let below = |limit: f64| sigmoid((limit - level) / spread);
    let from = if class == 0 { 0.0 } else { below(class as f64 - 0.5) };
    let to = if class + 1 == n_classes { 1.0 } else { below(class as f64 + 0.5) };
    to - from
}

/// To four digits: no fit knows more.
fn short(number: f64) -> f64 {
    let unit = 10f64.powi(number.log10().floor() as i32 - 3);
    (number / unit).round() / (1.0 / unit).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::binary_log_loss;

    #[test]
    fn the_clip_is_the_error_rate_among_the_sure() {
        // 4000 cells of two columns, all sure, 20 wrong; one half more a column.
        let p = [vec![1.0; 3980], vec![0.0; 20]].concat();
        let (rows, truth) = (Table::new(p, 2), Table::new(vec![true; 4000], 2));
        let clip = fit_clip(&rows, &truth);
        let expected = 21.0 / 4001.0;
        assert!((clip / expected).ln().abs() < 0.04, "{clip} {expected}");
        let mut clipped = rows.clone();
        apply_clip(&mut clipped, clip);
        let loss = |rows: &Table| binary_log_loss(rows.as_slice(), truth.as_slice());
        assert!(loss(&clipped) < loss(&rows) / 2.0);
        // Without an error there is a clip all the same.
        let clip = fit_clip(&Table::new(vec![1.0; 400], 1), &Table::new(vec![true; 400], 1));
        assert!((0.001..0.002).contains(&clip), "{clip}");
    }

    #[test]
    fn shares_around_a_level_add_up_to_one_and_their_spread_is_found() {
        for level in [-1.0, 0.2, 1.5, 9.0] {
            let row = around(level, 4, 0.4);
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{row:?}");
            assert!(row.iter().all(|&p| p >= 0.0), "{row:?}");
        }
        // A logistic variable by its quantiles: level + s ln(q / (1 - q)).
        let (mut levels, mut truth) = (Vec::new(), Vec::new());
        for i in 0..2000 {
            let level = f64::from(i % 40) / 10.0;
            let q = (f64::from(i * 7 % 199) + 0.5) / 199.0;
            let drawn: f64 = level + 0.3 * (q / (1.0 - q)).ln();
            levels.push(level);
            truth.push(drawn.round().clamp(0.0, 4.0) as usize);
        }
        let spread = fit_spread(&levels, &truth, 5);
        assert!((0.27..0.33).contains(&spread), "{spread}");
    }
}
