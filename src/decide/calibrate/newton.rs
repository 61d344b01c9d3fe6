//! The minimum of a smooth convex function above floors, by Newton's method with steps halved
//! while they lead upwards.
//!
//! A parameter that stands on its floor and would go below is left out of a step (Bertsekas 1982,
//! "Projected Newton Methods for Optimization Problems with Simple Constraints").

use crate::decide::cholesky::solve;

const MAX_STEPS: usize = 100;
/// The next step would be a square of it.
const SMALL_STEP: f64 = 1e-5;
/// Sums over thousands of images differ by that much for nothing.
const ROUNDING: f64 = 1e-12;

/// A function of `p` parameters at one place.
pub(super) struct Derivatives {
    pub(super) value: f64,
    /// `[p]`.
    pub(super) gradient: Vec<f64>,
    /// `[p, p]`, symmetric.
    pub(super) hessian: Vec<f64>,
}

impl Derivatives {
    pub(super) fn zero(n: usize) -> Self {
        Self { value: 0.0, gradient: vec![0.0; n], hessian: vec![0.0; n * n] }
    }

    /// Adds what normal priors around `means` say at `place`.
    pub(super) fn add_prior(&mut self, place: &[f64], means: &[f64], spread: f64) {
        let precision = 1.0 / (spread * spread);
        for (i, (x, mean)) in place.iter().zip(means).enumerate() {
            self.value += 0.5 * precision * (x - mean) * (x - mean);
            self.gradient[i] += precision * (x - mean);
            self.hessian[i * place.len() + i] += precision;
        }
    }
}

/// Where `function` is least, from `start` on; no parameter goes below its floor.
pub(super) fn minimise(
    start: &[f64],
    floors: &[f64],
    function: impl Fn(&[f64]) -> Derivatives,
) -> Vec<f64> {
    let mut place = start.to_vec();
    let mut here = function(&place);
    for _ in 0..MAX_STEPS {
        let step = newton_step(&place, floors, &here);
        let mut share = 1.0;
        let largest = loop {
            let next: Vec<f64> = place
                .iter()
                .zip(&step)
                .zip(floors)
                .map(|((x, s), f)| (x - share * s).max(*f))
                .collect();
            let there = function(&next);
            let moved = place.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let lower = there.value <= here.value + ROUNDING * here.value.abs();
            if lower || moved < SMALL_STEP {
                (place, here) = (next, there);
                break moved;
            }
            share /= 2.0;
        };
        if largest < SMALL_STEP {
            break;
        }
    }
    place
}

fn newton_step(place: &[f64], floors: &[f64], here: &Derivatives) -> Vec<f64> {
    let n = place.len();
    let (mut step, mut hessian) = (here.gradient.clone(), here.hessian.clone());
    for i in (0..n).filter(|&i| place[i] <= floors[i] && here.gradient[i] > 0.0) {
        step[i] = 0.0;
        for j in 0..n {
            hessian[i * n + j] = 0.0;
            hessian[j * n + i] = 0.0;
        }
        hessian[i * n + i] = 1.0;
    }
    solve(&mut hessian, &mut step, n, 1);
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum (ln cosh (x_i - c_i)) + (x_0 + x_1)^2 / 2`, which plain Newton steps overshoot.
    fn function(place: &[f64], centres: [f64; 2]) -> Derivatives {
        let sum = place[0] + place[1];
        let mut here =
            Derivatives { value: 0.5 * sum * sum, gradient: vec![sum; 2], hessian: vec![1.0; 4] };
        for (i, centre) in centres.into_iter().enumerate() {
            let tanh = (place[i] - centre).tanh();
            here.value += (place[i] - centre).cosh().ln();
            here.gradient[i] += tanh;
            here.hessian[i * 3] += 1.0 - tanh * tanh;
        }
        here
    }

    /// `scipy.optimize.minimize(lambda x: np.log(np.cosh(x - [3, 1])).sum() + x.sum()**2/2, [2, 1],
    /// tol=1e-12).x`, and the same with `bounds=[(None, None), (0.5, None)]`.
    #[test]
    fn agrees_with_scipy() {
        let found = minimise(&[5.0, 9.0], &[f64::NEG_INFINITY; 2], |x| function(x, [3.0, 1.0]));
        assert!(close(&found, [1.456_364_6, -0.543_635_4]), "{found:?}");
        let floors = [f64::NEG_INFINITY, 0.5];
        let found = minimise(&[5.0, 9.0], &floors, |x| function(x, [3.0, 1.0]));
        assert!(close(&found, [0.486_956_7, 0.5]), "{found:?}");
    }

    fn close(found: &[f64], expected: [f64; 2]) -> bool {
        found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
    }
}
