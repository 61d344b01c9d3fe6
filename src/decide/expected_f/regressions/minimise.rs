//! The lowest point of a smooth convex function: L-BFGS behind a preconditioner.
//!
//! Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5: the last few steps
//! and what they did to the slope stand for the curvature. A preconditioner says what is known of
//! it beforehand; the better it is, the fewer steps are needed.

/// Steps that are remembered.
const MEMORY: usize = 10;
/// The part of the gain promised by the slope that a step must bring.
const SUFFICIENT: f64 = 1e-4;
/// A step is not halved more often.
const MAX_HALVINGS: usize = 30;

/// A value and its slope.
pub(super) struct Point {
    pub(super) value: f64,
    pub(super) slope: Vec<f64>,
}

/// A step taken, what it did to the slope, and the inverse of their product.
struct Pair {
    step: Vec<f64>,
    bend: Vec<f64>,
    inverse: f64,
}

/// Where `function` is lowest, from `start` on.
///
/// `precondition` turns a slope into about the step to the minimum: it multiplies by a symmetric
/// positive matrix near the inverse curvature. It ends where no more than `tolerance` seems to be
/// gained, or after `max_steps`.
pub(super) fn minimise(
    function: impl Fn(&[f64]) -> Point,
    precondition: impl Fn(&mut [f64]),
    start: Vec<f64>,
    tolerance: f64,
    max_steps: usize,
) -> Vec<f64> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut at = start;
    let mut here = function(&at);
    for _ in 0..max_steps {
        let step = direction(&pairs, &here.slope, &precondition);
        let promised = -dot(&step, &here.slope);
        // A quadratic function gives half of what its slope promises.
        if promised.is_nan() || promised / 2.0 <= tolerance {
            break;
        }
        let Some((next, there)) = advance(&function, &at, &here, &step, promised) else {
            break;
        };
        let step: Vec<f64> = next.iter().zip(&at).map(|(next, at)| next - at).collect();
        let bend: Vec<f64> = there.slope.iter().zip(&here.slope).map(|(b, a)| b - a).collect();
        let product = dot(&step, &bend);
        if product > 0.0 {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push(Pair { step, bend, inverse: 1.0 / product });
        }
        (at, here) = (next, there);
    }
    at
}

/// The first point along `step` that gains enough; none where rounding hides every gain.
fn advance(
    function: impl Fn(&[f64]) -> Point,
    at: &[f64],
    here: &Point,
    step: &[f64],
    promised: f64,
) -> Option<(Vec<f64>, Point)> {
    let mut share = 1.0;
    for _ in 0..MAX_HALVINGS {
        let next: Vec<f64> = at.iter().zip(step).map(|(at, step)| at + share * step).collect();
        let there = function(&next);
        if there.value <= here.value - SUFFICIENT * share * promised {
            return Some((next, there));
        }
        share /= 2.0;
    }
    None
}

/// Minus the slope times the inverse curvature, as far as that is known: the two loops.
fn direction(pairs: &[Pair], slope: &[f64], precondition: impl Fn(&mut [f64])) -> Vec<f64> {
    let mut direction: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = pair.inverse * dot(&pair.step, &direction);
        add(&mut direction, -share, &pair.bend);
        shares.push(share);
    }
    precondition(&mut direction);
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = pair.inverse * dot(&pair.bend, &direction);
        add(&mut direction, share - back, &pair.step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley is not convex, but has one lowest point, at (1, 1).
    fn valley(at: &[f64]) -> Point {
        let (x, y) = (at[0], at[1]);
        let off = y - x * x;
        Point {
            value: (1.0 - x).powi(2) + 100.0 * off * off,
            slope: vec![-2.0 * (1.0 - x) - 400.0 * off * x, 200.0 * off],
        }
    }

    #[test]
    fn finds_the_end_of_a_valley() {
        let halve = |slope: &mut [f64]| slope.iter_mut().for_each(|slope| *slope /= 200.0);
        for start in [[-1.2, 1.0], [0.0, 0.0], [3.0, -2.0]] {
            let found = minimise(valley, halve, start.to_vec(), 1e-16, 500);
            assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn a_right_preconditioner_needs_one_step() {
        // x^2 + 50 y^2
        let bowl = |at: &[f64]| Point {
            value: at[0] * at[0] + 50.0 * at[1] * at[1],
            slope: vec![2.0 * at[0], 100.0 * at[1]],
        };
        let exact = |slope: &mut [f64]| {
            slope[0] /= 2.0;
            slope[1] /= 100.0;
        };
        assert_eq!(minimise(bowl, exact, vec![4.0, 8.0], 0.0, 1), [0.0, 0.0]);
        // Without it the same takes longer, and still ends there.
        let found = minimise(bowl, |_: &mut [f64]| (), vec![4.0, 8.0], 1e-18, 100);
        assert!(found.iter().all(|x| x.abs() < 1e-8), "{found:?}");
    }

    #[test]
    fn what_is_not_a_number_ends_it() {
        let nothing = |_: &[f64]| Point { value: f64::NAN, slope: vec![f64::NAN] };
        assert_eq!(minimise(nothing, |_: &mut [f64]| (), vec![0.5], 1e-9, 10), [0.5]);
    }
}
