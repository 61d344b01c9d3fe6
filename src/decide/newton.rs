//! The minimum of a smooth function of a few dozen parameters within bounds, by Newton's method with
//! steps halved while they lead upwards.
//!
//! A parameter that stands on its bound and would go beyond is left out of a step (Bertsekas 1982,
//! "Projected Newton Methods for Optimization Problems with Simple Constraints").

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

/// From where to where a parameter may go.
pub(super) type Bounds = (f64, f64);

pub(super) const FREE: Bounds = (f64::NEG_INFINITY, f64::INFINITY);

/// Where `function` is least, from `start` on; each parameter stays within its bounds.
pub(super) fn minimise(
    start: &[f64],
    bounds: &[Bounds],
    function: impl Fn(&[f64]) -> Derivatives,
) -> Vec<f64> {
    let mut place = start.to_vec();
    let mut here = function(&place);
    for _ in 0..MAX_STEPS {
        let step = newton_step(&place, bounds, &here);
        let mut share = 1.0;
        let largest = loop {
            let next: Vec<f64> = place
                .iter()
                .zip(&step)
                .zip(bounds)
                .map(|((x, s), (low, high))| (x - share * s).max(*low).min(*high))
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

fn newton_step(place: &[f64], bounds: &[Bounds], here: &Derivatives) -> Vec<f64> {
    let n = place.len();
    let (mut step, mut hessian) = (here.gradient.clone(), here.hessian.clone());
    let is_held = |&i: &usize| {
        let ((low, high), slope) = (bounds[i], here.gradient[i]);
        (place[i] <= low && slope > 0.0) || (place[i] >= high && slope < 0.0)
    };
    for i in (0..n).filter(is_held) {
        step[i] = 0.0;
        for j in 0..n {
            hessian[i * n + j] = 0.0;
            hessian[j * n + i] = 0.0;
        }
        hessian[i * n + i] = 1.0;
    }
    solve(&mut hessian, &mut step);
    step
}

/// Solves `matrix x = right` in place, for a symmetric and positive definite `matrix` (`[n, n]`),
/// which is left as Cholesky's factor.
fn solve(matrix: &mut [f64], right: &mut [f64]) {
    let n = right.len();
    factorise(matrix, n);
    for i in 0..n {
        let (known, rest) = right.split_at_mut(i);
        eliminate(&mut rest[0], known.iter().zip(&matrix[i * n..]), matrix[i * n + i]);
    }
    for i in (0..n).rev() {
        let (rest, known) = right.split_at_mut(i + 1);
        let column = matrix[i * n + i..].iter().step_by(n).skip(1);
        eliminate(&mut rest[i], known.iter().zip(column), matrix[i * n + i]);
    }
}

/// Replaces the lower triangle of a symmetric `matrix` by that of Cholesky's `l`, where it is
/// `l l'`.
fn factorise(matrix: &mut [f64], n: usize) {
    for j in 0..n {
        let (above, below) = matrix.split_at_mut((j + 1) * n);
        let row = &mut above[j * n..];
        let squares: f64 = row[..j].iter().map(|l| l * l).sum();
        // A prior keeps it positive but for rounding.
        let diagonal = (row[j] - squares).max(1e-12).sqrt();
        row[j] = diagonal;
        for other in below.chunks_exact_mut(n) {
            let dot: f64 = other[..j].iter().zip(&row[..j]).map(|(a, b)| a * b).sum();
            other[j] = (other[j] - dot) / diagonal;
        }
    }
}

/// Takes the known unknowns, times their factors, off a number, and divides what is left.
fn eliminate<'a>(right: &mut f64, known: impl Iterator<Item = (&'a f64, &'a f64)>, diagonal: f64) {
    for (known, factor) in known {
        *right -= factor * known;
    }
    *right /= diagonal;
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
        let found = minimise(&[5.0, 9.0], &[FREE; 2], |x| function(x, [3.0, 1.0]));
        assert!(close(&found, [1.456_364_6, -0.543_635_4]), "{found:?}");
        let bounds = [FREE, (0.5, f64::INFINITY)];
        let found = minimise(&[5.0, 9.0], &bounds, |x| function(x, [3.0, 1.0]));
        assert!(close(&found, [0.486_956_7, 0.5]), "{found:?}");
        // The same with `bounds=[(None, 0.4), (0.5, None)]`: both stand on theirs.
        let bounds = [(f64::NEG_INFINITY, 0.4), (0.5, f64::INFINITY)];
        let found = minimise(&[0.0, 9.0], &bounds, |x| function(x, [3.0, 1.0]));
        assert!(close(&found, [0.4, 0.5]), "{found:?}");
    }

    fn close(found: &[f64], expected: [f64; 2]) -> bool {
        found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
    }
}
