//! A line on logits: `p' = sigmoid(slope * logit p + offset)`.
//!
//! Platt 1999, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized
//! Likelihood Methods"; what he achieves by softened targets, normal priors around the identity do
//! here: with few images, or with none called wrong, the probabilities stay nearly as they were.

use super::{PRIOR_SPREAD, SLOPES};
use crate::decide::newton::{Derivatives, FREE, minimise};
use crate::decide::numbers::rounded;

/// The most probable slope and offset, to four decimals.
pub(super) fn fit(logits: &[f64], truth: &[bool]) -> (f64, f64) {
    let line = minimise(&[1.0, 0.0], &[SLOPES, FREE], |line| {
        let sums = sums(logits, truth, line[0], line[1]);
        let mut loss = Derivatives {
            value: sums.loss,
            gradient: vec![sums.slope, sums.offset],
            hessian: vec![
                sums.slope_slope,
                sums.slope_offset,
                sums.slope_offset,
                sums.offset_offset,
            ],
        };
        loss.add_prior(line, &[1.0, 0.0], PRIOR_SPREAD);
        loss
    });
    (rounded(line[0]), rounded(line[1]))
}

/// The most probable slope with no offset, to four decimals.
pub(super) fn fit_slope(logits: &[f64], truth: &[bool]) -> f64 {
    let slope = minimise(&[1.0], &[SLOPES], |slope| {
        let sums = sums(logits, truth, slope[0], 0.0);
        let mut loss = Derivatives {
            value: sums.loss,
            gradient: vec![sums.slope],
            hessian: vec![sums.slope_slope],
        };
        loss.add_prior(slope, &[1.0], PRIOR_SPREAD);
        loss
    });
    rounded(slope[0])
}

/// The log loss summed over images, and its derivatives.
#[derive(Default)]
struct Sums {
    loss: f64,
    slope: f64,
    offset: f64,
    slope_slope: f64,
    slope_offset: f64,
    offset_offset: f64,
}

fn sums(logits: &[f64], truth: &[bool], slope: f64, offset: f64) -> Sums {
    let mut sums = Sums::default();
    for (&logit, &positive) in logits.iter().zip(truth) {
        let x = slope * logit + offset;
        let e = (-x.abs()).exp();
        let smaller = e / (1.0 + e);
        let p = if x > 0.0 { 1.0 - smaller } else { smaller };
        let y = f64::from(u8::from(positive));
        let variance = smaller * (1.0 - smaller);
        sums.loss += e.ln_1p() + x.max(0.0) - y * x;
        sums.slope += (p - y) * logit;
        sums.offset += p - y;
        sums.slope_slope += variance * logit * logit;
        sums.slope_offset += variance * logit;
        sums.offset_offset += variance;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::numbers::sigmoid;

    /// `i = np.arange(400); z = (i*37%101 - 50)/12; y = i*53%97/97 < 1/(1 + np.exp(-(.5*z - 1)))`.
    fn images() -> (Vec<f64>, Vec<bool>) {
        let logit = |i: u32| (f64::from(i * 37 % 101) - 50.0) / 12.0;
        let positive = |i| f64::from(i * 53 % 97) / 97.0 < sigmoid(0.5 * logit(i) - 1.0);
        ((0..400).map(logit).collect(), (0..400).map(positive).collect())
    }

    /// `def f(t, z, y): x = t[0]*z + t[1];
    /// return (np.logaddexp(0, x) - y*x).sum() + ((t - [1, 0])**2).sum()/2/.25`.
    #[test]
    fn agrees_with_scipy() {
        let (logits, truth) = images();
        // scipy.optimize.minimize(f, [1, 0], (z, y), tol=1e-12).x
        assert_eq!(fit(&logits, &truth), (0.35, -0.7225));
        // The same with (z[:6], y[:6]): the prior wins.
        assert_eq!(fit(&logits[..6], &truth[..6]), (0.2626, 0.0441));
        // minimize(lambda t: f(np.r_[t, 0], z, y), 1, tol=1e-12).x
        assert_eq!(fit_slope(&logits, &truth), 0.3129);
    }

    #[test]
    fn the_order_never_turns_round() {
        let (logits, truth) = images();
        // minimize(f, [1, 0], (z, z < 0), tol=1e-12, bounds=[(.05, None), (None, None)]).x
        let turned: Vec<bool> = logits.iter().map(|&logit| logit < 0.0).collect();
        assert_eq!(fit(&logits, &turned), (0.05, -0.0093));
        let wrong: Vec<bool> = truth.iter().map(|positive| !positive).collect();
        assert_eq!(fit_slope(&logits, &wrong), SLOPES.0);
    }

    #[test]
    fn no_error_seen_is_no_reason_for_full_certainty() {
        let logits = [3.0, -3.0].repeat(100);
        let truth = [true, false].repeat(100);
        let (slope, offset) = fit(&logits, &truth);
        assert!((1.0..2.0).contains(&slope) && offset == 0.0, "{slope} {offset}");
        assert_eq!(fit(&[], &[]), (1.0, 0.0));
    }
}
