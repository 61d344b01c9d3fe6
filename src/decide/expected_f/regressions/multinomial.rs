//! One multinomial logistic regression around what is known: `P(class | x)` is proportional to
//! `exp(offset + W x)`, with a ridge on `W`.
//!
//! Minimised is `sum of -ln P(class) + ridge / 2 sum of W^2` over images, which is convex. Every
//! class has its row of weights; adding the same to all rows changes no probability, so the ridge
//! keeps their sum at zero, and all steps are kept there. The preconditioner is the curvature
//! within each class at the start, without that between classes. A few images give a first
//! estimate, more of them a better one, so that all of them are looked at some ten times only.
//!
//! Images lie eight side by side, so that a compiler makes vector code of plain loops.

use super::minimise::{Point, minimise};
use crate::decide::cholesky;

/// Images side by side.
const LANES: usize = 8;
/// A first estimate comes from every so-manyth image, each next one from four times as many.
const FIRST_SHARE: usize = 16;
/// No estimate comes from fewer images, unless there are no more.
const MIN_SHARE: usize = 500;
/// The gain in log loss, summed over images, that is not worth a step. A weight is uncertain by
/// what costs half a nat, so that this is a hundredth of its standard error.
const TOLERANCE: f64 = 1e-4;
const MAX_STEPS: usize = 200;

type Lanes = [f64; LANES];

/// What images are described by, `[n / LANES, width]`, the last block filled up with zeros.
pub(super) struct Inputs {
    n: usize,
    width: usize,
    lanes: Vec<Lanes>,
}

impl Inputs {
    /// The images `which` of `rows` (`[n, width]`, row-major).
    pub(super) fn new(rows: &[f64], width: usize, which: impl Iterator<Item = usize>) -> Self {
        let mut inputs = Self { n: 0, width, lanes: Vec::new() };
        for image in which {
            let lane = inputs.n % LANES;
            if lane == 0 {
                inputs.lanes.resize(inputs.lanes.len() + width, [0.0; LANES]);
            }
            let start = inputs.lanes.len() - width;
            let row = &rows[image * width..][..width];
            inputs.lanes[start..].iter_mut().zip(row).for_each(|(lanes, x)| lanes[lane] = *x);
            inputs.n += 1;
        }
        inputs
    }
}

/// All images, and fewer of them for first estimates; shared by all regressions.
pub(super) struct Levels(Vec<(usize, Inputs)>);

/// What one regression is about.
pub(super) struct Outcomes<'a> {
    /// Of each image.
    pub(super) classes: &'a [usize],
    /// Of each image and class, `[n, n_classes]`.
    pub(super) offsets: &'a [f64],
    pub(super) n_classes: usize,
}

impl Levels {
    /// Of `rows` (`[n, width]`, row-major).
    pub(super) fn new(rows: &[f64], width: usize) -> Self {
        let n = rows.len() / width;
        let shares = std::iter::successors(Some(FIRST_SHARE), |share| Some(share / 4));
        let shares = shares.take_while(|&share| share > 0);
        let shares = shares.filter(|&share| share == 1 || n / share >= MIN_SHARE);
        Self(shares.map(|s| (s, Inputs::new(rows, width, (0..n).step_by(s)))).collect())
    }

    /// The weights, `[n_classes, width]`.
    pub(super) fn fit(&self, outcomes: &Outcomes, ridge: f64) -> Vec<f64> {
        let width = self.0.first().map_or(0, |(_, inputs)| inputs.width);
        let start = vec![0.0; outcomes.n_classes * width];
        self.0.iter().fold(start, |weights, (share, inputs)| {
            Problem::new(inputs, outcomes, *share, ridge).solve(weights, TOLERANCE)
        })
    }
}

/// What is minimised.
struct Problem<'a> {
    inputs: &'a Inputs,
    /// Of each image.
    classes: Vec<usize>,
    /// Of each block of images, and each class.
    offsets: Vec<Lanes>,
    n_classes: usize,
    ridge: f64,
}

impl<'a> Problem<'a> {
    /// About every `share`th image, which are those of `inputs`.
    fn new(inputs: &'a Inputs, outcomes: &Outcomes, share: usize, ridge: f64) -> Self {
        let &Outcomes { classes, offsets, n_classes } = outcomes;
        let chosen = (0..classes.len()).step_by(share);
        Self {
            inputs,
            classes: chosen.clone().map(|image| classes[image]).collect(),
            offsets: Inputs::new(offsets, n_classes, chosen).lanes,
            n_classes,
            ridge,
        }
    }

    fn solve(&self, start: Vec<f64>, tolerance: f64) -> Vec<f64> {
        let curvature = self.curvature(&start);
        let precondition = |slope: &mut [f64]| curvature.divide(slope);
        minimise(|weights| self.at(weights), precondition, start, tolerance, MAX_STEPS)
    }

    /// Blocks of images, each with its offsets.
    fn blocks(&self) -> impl Iterator<Item = (&[Lanes], &[Lanes])> {
        let inputs = self.inputs.lanes.chunks_exact(self.inputs.width);
        inputs.zip(self.offsets.chunks_exact(self.n_classes))
    }

    /// The loss at `weights`, and its slope.
    fn at(&self, weights: &[f64]) -> Point {
        let (width, n_classes) = (self.inputs.width, self.n_classes);
        let mut loss = 0.0;
        let mut slope = vec![[0.0; LANES]; n_classes * width];
        let mut p = vec![[0.0; LANES]; n_classes];
        for ((x, offsets), classes) in self.blocks().zip(self.classes.chunks(LANES)) {
            probabilities(x, weights, offsets, &mut p);
            for (lane, &class) in classes.iter().enumerate() {
                loss -= p[class][lane].ln();
                p[class][lane] -= 1.0;
            }
            // Images that only fill the last block up are of no input, and add nothing.
            for (slope, p) in slope.chunks_exact_mut(width).zip(&p) {
                for (slope, x) in slope.iter_mut().zip(x) {
                    for lane in 0..LANES {
                        slope[lane] += p[lane] * x[lane];
                    }
                }
            }
        }
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let sums = slope.iter().zip(weights);
        Point {
            value: loss + self.ridge / 2.0 * squares,
            slope: sums.map(|(sum, w)| sum.iter().sum::<f64>() + self.ridge * w).collect(),
        }
    }

    /// The curvature at `weights`, but for that between classes.
    fn curvature(&self, weights: &[f64]) -> Curvature {
        let (width, n_classes) = (self.inputs.width, self.n_classes);
        let mut sums = vec![[0.0; LANES]; n_classes * width * width];
        let mut p = vec![[0.0; LANES]; n_classes];
        for (x, offsets) in self.blocks() {
            probabilities(x, weights, offsets, &mut p);
            for (sums, p) in sums.chunks_exact_mut(width * width).zip(&p) {
                for (i, sums) in sums.chunks_exact_mut(width).enumerate() {
                    let mut weighted = x[i];
                    for lane in 0..LANES {
                        weighted[lane] *= p[lane] * (1.0 - p[lane]);
                    }
                    for (sums, x) in sums[..=i].iter_mut().zip(x) {
                        for lane in 0..LANES {
                            sums[lane] += weighted[lane] * x[lane];
                        }
                    }
                }
            }
        }
        let mut factors: Vec<f64> = sums.iter().map(|lanes| lanes.iter().sum()).collect();
        for gram in factors.chunks_exact_mut(width * width) {
            gram.iter_mut().step_by(width + 1).for_each(|diagonal| *diagonal += self.ridge);
            cholesky::factorise(gram, width);
        }
        Curvature { width, factors }
    }
}

/// A matrix per class of weights, `[classes, width, width]`, as Cholesky's lower factors.
struct Curvature {
    width: usize,
    factors: Vec<f64>,
}

impl Curvature {
    /// Turns a slope (`[classes, width]`) into a step.
    fn divide(&self, slope: &mut [f64]) {
        centre(slope, self.width);
        let factors = self.factors.chunks_exact(self.width * self.width);
        for (slope, factor) in slope.chunks_exact_mut(self.width).zip(factors) {
            cholesky::divide(slope, factor, self.width, 1);
        }
        centre(slope, self.width);
    }
}

/// Makes rows of weights sum to zero.
fn centre(weights: &mut [f64], width: usize) {
    let n_classes = weights.len() / width;
    for column in 0..width {
        let of_classes = weights[column..].iter().step_by(width);
        let mean = of_classes.sum::<f64>() / n_classes as f64;
        weights[column..].iter_mut().step_by(width).for_each(|weight| *weight -= mean);
    }
}

/// `softmax(offsets + weights x)` of the images of a block.
fn probabilities(x: &[Lanes], weights: &[f64], offsets: &[Lanes], p: &mut [Lanes]) {
    let mut largest = [f64::NEG_INFINITY; LANES];
    let rows = weights.chunks_exact(x.len());
    for ((p, weights), offset) in p.iter_mut().zip(rows).zip(offsets) {
        let mut score = *offset;
        for (x, weight) in x.iter().zip(weights) {
            for lane in 0..LANES {
                score[lane] += weight * x[lane];
            }
        }
        for lane in 0..LANES {
            largest[lane] = score[lane].max(largest[lane]);
        }
        *p = score;
    }
    let mut total = [0.0; LANES];
    for p in &mut *p {
        for lane in 0..LANES {
            p[lane] = (p[lane] - largest[lane]).exp();
            total[lane] += p[lane];
        }
    }
    for p in p {
        for lane in 0..LANES {
            p[lane] /= total[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 3;
    const N_CLASSES: usize = 3;

    /// `[24, 3]`: the first input is always 10.
    fn rows() -> Vec<f64> {
        let row = |i: usize| [10.0, (i as f64).sin(), (2.0 * i as f64).cos()];
        (0..24).flat_map(row).collect()
    }

    fn classes() -> Vec<usize> {
        (0..24).map(|i| (7 * i * i + i / 3) % 3).collect()
    }

    fn offsets() -> Vec<f64> {
        (0..24).flat_map(|i| (0..3).map(move |k| f64::from(3 * i + k).sin())).collect()
    }

    fn with<T>(offsets: &[f64], then: impl Fn(&Problem) -> T) -> T {
        let inputs = Inputs::new(&rows(), WIDTH, 0..24);
        let outcomes = Outcomes { classes: &classes(), offsets, n_classes: N_CLASSES };
        then(&Problem::new(&inputs, &outcomes, 1, 0.5))
    }

    fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < tolerance;
        assert!(found.iter().zip(expected).all(near), "{found:?}, not {expected:?}");
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // import numpy as np; from sklearn.linear_model import LogisticRegression
        // i = np.arange(24); X = np.c_[np.full(24, 10.), np.sin(i), np.cos(2*i)]
        // y = (7*i*i + i//3) % 3
        // m = LogisticRegression(C=1/.5, fit_intercept=False, tol=1e-12, max_iter=10000)
        // m.fit(X, y).coef_
        let expected = [
            [-0.012_063_9, -0.040_970_3, 0.111_260_3],
            [0.010_802_2, 0.281_011_2, -0.113_976_0],
            [0.001_261_6, -0.240_041_0, 0.002_715_7],
        ];
        let found = with(&[0.0; 72], |problem| problem.solve(vec![0.0; 9], 1e-14));
        assert_near(&found, expected.as_flattened(), 1e-5);
    }

    #[test]
    fn agrees_with_scipy_about_offsets() {
        // from scipy.optimize import minimize; Y = np.eye(3)[y]
        // o = np.stack([np.sin(3*i + k) for k in range(3)], 1)
        // def f(w):
        //     W = w.reshape(3, 3); z = o + X@W.T; l = np.log(np.exp(z).sum(1))
        //     g = (np.exp(z - l[:, None]) - Y).T@X + .5*W
        //     return (l - (z*Y).sum(1)).sum() + .25*(w*w).sum(), g.ravel()
        // minimize(f, np.zeros(9), jac=True, method='BFGS', options=dict(gtol=1e-11)).x
        let expected = [
            [-0.016_192_87, -0.104_458_1, 0.134_969_93],
            [0.019_320_24, 0.312_628_14, -0.114_056_61],
            [-0.003_127_38, -0.208_170_04, -0.020_913_33],
        ];
        let found = with(&offsets(), |problem| problem.solve(vec![0.0; 9], 1e-14));
        assert_near(&found, expected.as_flattened(), 1e-7);
    }

    #[test]
    fn the_start_makes_no_difference() {
        with(&offsets(), |problem| {
            let found = problem.solve(vec![0.0; 9], 1e-14);
            // Far away, but with rows that sum to zero.
            let far = vec![3.0, -4.0, 2.0, -1.0, 5.0, -4.0, -2.0, -1.0, 2.0];
            assert_near(&problem.solve(far, 1e-14), &found, 1e-6);
        });
    }

    #[test]
    fn the_slope_is_that_of_differences() {
        let at: Vec<f64> = (0..9).map(|i| f64::from(i * i % 7) / 10.0 - 0.3).collect();
        with(&offsets(), |problem| {
            let moved = |i: usize, by: f64| {
                let mut moved = at.clone();
                moved[i] += by;
                problem.at(&moved)
            };
            let slope = |i| (moved(i, 1e-5).value - moved(i, -1e-5).value) / 2e-5;
            assert_near(&problem.at(&at).slope, &(0..9).map(slope).collect::<Vec<_>>(), 1e-6);
            // A step along one class's weights bends the slope by the block of the preconditioner.
            let (above, below) = (moved(1, 1e-5).slope, moved(1, -1e-5).slope);
            let mut bend: Vec<f64> = (0..3).map(|i| (above[i] - below[i]) / 2e-5).collect();
            cholesky::divide(&mut bend, &problem.curvature(&at).factors[..9], WIDTH, 1);
            assert_near(&bend, &[0.0, 1.0, 0.0], 1e-6);
        });
    }

    #[test]
    fn first_estimates_change_nothing() {
        // 9,000 images, so that there are levels of a sixteenth and of a quarter.
        let unit = |i: usize| (i as f64 * 0.618_034).fract() - 0.5;
        let rows: Vec<f64> = (0..9000).flat_map(|i| [10.0, unit(i), unit(7 * i + 3)]).collect();
        let class = |i: usize| usize::from(unit(i) + 2.0 * unit(5 * i + 1) > 0.2) * (1 + i % 2);
        let classes: Vec<usize> = (0..9000).map(class).collect();
        let offsets = vec![0.0; 27_000];
        let outcomes = Outcomes { classes: &classes, offsets: &offsets, n_classes: 3 };
        let levels = Levels::new(&rows, WIDTH);
        assert_eq!(levels.0.iter().map(|(share, _)| *share).collect::<Vec<_>>(), [16, 4, 1]);
        let found = levels.fit(&outcomes, 1.0);
        let inputs = Inputs::new(&rows, WIDTH, 0..9000);
        let direct = Problem::new(&inputs, &outcomes, 1, 1.0).solve(vec![0.0; 9], 1e-12);
        // A weight's standard error is about .1.
        assert_near(&found, &direct, 2e-3);
    }
}
