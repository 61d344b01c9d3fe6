//! Sums over images from which a ridge regression follows, whatever its penalty.
//!
//! They can be added and taken away, so that a fit without a fold costs no second look at the
//! images.

use crate::decide::cholesky::solve;

/// Sums over rows of inputs `x` (`[n, inputs]`) and outputs `y` (`[n, outputs]`).
#[derive(Clone, Debug)]
pub(super) struct Moments {
    n: f64,
    x: Vec<f64>,
    y: Vec<f64>,
    /// `[inputs, inputs]`.
    xx: Vec<f64>,
    /// `[inputs, outputs]`.
    xy: Vec<f64>,
    /// Of each output alone.
    yy: Vec<f64>,
}

/// `y = bias + x weights`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// `[outputs]`.
    pub(super) bias: Vec<f64>,
    /// `[inputs, outputs]`, row-major.
    pub(super) weights: Vec<f64>,
}

impl Moments {
    pub(super) fn new(n_inputs: usize, n_outputs: usize) -> Self {
        Self {
            n: 0.0,
            x: vec![0.0; n_inputs],
            y: vec![0.0; n_outputs],
            xx: vec![0.0; n_inputs * n_inputs],
            xy: vec![0.0; n_inputs * n_outputs],
            yy: vec![0.0; n_outputs],
        }
    }

    /// Adds an image.
    pub(super) fn add(&mut self, x: &[f64], y: &[f64]) {
        self.n += 1.0;
        self.x.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        for (sums, y) in self.y.iter_mut().zip(&mut self.yy).zip(y) {
            *sums.0 += y;
            *sums.1 += y * y;
        }
        for (row, &xi) in self.xx.chunks_exact_mut(x.len()).zip(x) {
            row.iter_mut().zip(x).for_each(|(sum, xj)| *sum += xi * xj);
        }
        for (row, &xi) in self.xy.chunks_exact_mut(y.len()).zip(x) {
            row.iter_mut().zip(y).for_each(|(sum, yj)| *sum += xi * yj);
        }
    }

    /// Adds the sums over other images, or takes them away with a `sign` of -1.
    pub(super) fn combine(&mut self, other: &Self, sign: f64) {
        self.n += sign * other.n;
        for (mine, others) in [
            (&mut self.x, &other.x),
            (&mut self.y, &other.y),
            (&mut self.xx, &other.xx),
            (&mut self.xy, &other.xy),
            (&mut self.yy, &other.yy),
        ] {
            mine.iter_mut().zip(others).for_each(|(mine, others)| *mine += sign * others);
        }
    }

    /// The line that minimises `sum (y - bias - x weights)^2 + penalty sum weights^2`; the bias is
    /// free.
    pub(super) fn ridge(&self, penalty: f64) -> Line {
        let (p, m) = (self.x.len(), self.y.len());
        let n = self.n.max(1.0);
        let mut gram = self.xx.clone();
        let mut weights = self.xy.clone();
        for i in 0..p {
            for j in 0..p {
                gram[i * p + j] -= self.x[i] * self.x[j] / n;
            }
            gram[i * p + i] += penalty;
            for k in 0..m {
                weights[i * m + k] -= self.x[i] * self.y[k] / n;
            }
        }
        solve(&mut gram, &mut weights, p, m);
        let mut bias: Vec<f64> = self.y.iter().map(|y| y / n).collect();
        for (row, x) in weights.chunks_exact(m).zip(&self.x) {
            bias.iter_mut().zip(row).for_each(|(bias, weight)| *bias -= x / n * weight);
        }
        Line { bias, weights }
    }

    /// The sum of squared errors of `line` on these images.
    pub(super) fn squared_error(&self, line: &Line) -> f64 {
        let (p, m) = (self.x.len(), self.y.len());
        let mut error = 0.0;
        for k in 0..m {
            let bias = line.bias[k];
            error += self.yy[k] - 2.0 * bias * self.y[k] + self.n * bias * bias;
        }
        let mut mapped = vec![0.0; m];
        for i in 0..p {
            mapped.fill(0.0);
            let gram = &self.xx[i * p..][..p];
            for (weights, &x) in line.weights.chunks_exact(m).zip(gram) {
                mapped.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
            }
            for (k, mapped) in mapped.iter().enumerate() {
                let weight = line.weights[i * m + k];
                let linear = self.xy[i * m + k] - line.bias[k] * self.x[i];
                error += weight * (mapped - 2.0 * linear);
            }
        }
        error
    }
}

impl Line {
    /// `bias + x weights`.
    pub(super) fn at(&self, x: &[f64]) -> Vec<f64> {
        let mut y = self.bias.clone();
        for (row, &x) in self.weights.chunks_exact(y.len()).zip(x) {
            y.iter_mut().zip(row).for_each(|(y, weight)| *y += x * weight);
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [[f64; 2]; 5] = [[0.9, 0.1], [0.2, 0.7], [0.6, 0.5], [0.1, 0.2], [0.8, 0.9]];
    const Y: [[f64; 2]; 5] = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]];

    fn moments(rows: std::ops::Range<usize>) -> Moments {
        let mut moments = Moments::new(2, 2);
        rows.for_each(|i| moments.add(&X[i], &Y[i]));
        moments
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // m = sklearn.linear_model.Ridge(alpha=.5).fit(X, Y)
        // m.intercept_, m.coef_.T, ((Y - m.predict(X)) ** 2).sum()
        let line = moments(0..5).ridge(0.5);
        let expected = Line {
            bias: vec![0.196_565_8, 0.402_512_83],
            weights: vec![0.733_116_95, -0.243_744_11, 0.046_277_88, 0.258_821_07],
        };
        let pairs = |line: &Line| [line.bias.clone(), line.weights.clone()].concat();
        for (found, expected) in pairs(&line).iter().zip(pairs(&expected)) {
            assert!((found - expected).abs() < 1e-8, "{line:?}");
        }
        let error = moments(0..5).squared_error(&line);
        assert!((error - 1.401_100_320_526_055_7).abs() < 1e-9, "{error}");
        let by_hand: f64 = X.iter().zip(Y).fold(0.0, |sum, (x, y)| {
            sum + line.at(x).iter().zip(y).map(|(found, y)| (y - found).powi(2)).sum::<f64>()
        });
        assert!((error - by_hand).abs() < 1e-12);
    }

    #[test]
    fn images_taken_away_leave_the_others() {
        let mut some = moments(0..5);
        some.combine(&moments(3..5), -1.0);
        let (some, expected) = (some.ridge(1.0), moments(0..3).ridge(1.0));
        for (found, expected) in some.weights.iter().zip(expected.weights) {
            assert!((found - expected).abs() < 1e-12, "{some:?}");
        }
    }

    #[test]
    fn the_strongest_penalty_leaves_the_mean_of_the_outputs() {
        let line = moments(0..5).ridge(1e12);
        assert!(line.weights.iter().all(|weight| weight.abs() < 1e-9), "{line:?}");
        assert!((line.bias[0] - 0.6).abs() < 1e-9 && (line.bias[1] - 0.4).abs() < 1e-9);
    }
}
