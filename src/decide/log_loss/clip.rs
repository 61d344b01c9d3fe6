//! How sure a submission dares to be: probabilities clipped to `[epsilon, 1 - epsilon]`.
//!
//! Log loss charges `-ln p` for the true class, so one image called with full certainty and wrong
//! costs what hundreds of right ones earn. Where a share `e` of the sure answers is wrong, clipping
//! them at `epsilon` costs `-(1 - e) ln(1 - epsilon) - e ln(epsilon)`, which is least at
//! `epsilon = e`: the best clip is the error rate among the sure ones. For `e = 0.004` that is a
//! loss of 0.026, against 0.065 without a clip and 0.036 with the customary 0.02.
//!
//! A small validation set may hold no such error and would choose no clip at all, although test
//! images hold some: their labels have noise too. So half an image more is counted as called with
//! full certainty and wrong (Jeffreys' prior of a rate, as far as it matters here): with `n` images
//! and no error the choice is near `1 / (2 n)`, and the half image weighs nothing once `n` is
//! large.

use crate::table::Table;

/// The weight of the sure and wrong answer that every fit adds to what it sees.
const PSEUDO_ERROR: f64 = 0.5;
/// The range of the grid; log loss hardly notices a smaller step.
const SMALLEST: f64 = 1e-6;
const LARGEST: f64 = 0.1;
const STEPS_A_DECADE: usize = 40;
/// The grid is first tried at every so many of its points, then around the best of them.
const STRIDE: usize = 8;

/// Chooses epsilon on validation predictions: `rows` are `[n, classes]`, `truth` one class index a
/// row.
pub(super) fn fit(rows: &Table, truth: &[usize]) -> f64 {
    assert_eq!(rows.n_rows(), truth.len(), "a row of probabilities for every truth");
    let images: Vec<Sorted> =
        rows.rows().zip(truth).map(|(row, &class)| Sorted::of(row, class)).collect();
    let n = images.len() as f64;
    let penalised = |step: usize| {
        let epsilon = grid_point(step);
        let summed: f64 = images.iter().map(|image| image.clipped_loss(epsilon)).sum();
        (summed + PSEUDO_ERROR * loss_of_a_sure_error(rows.width(), epsilon)) / (n + PSEUDO_ERROR)
    };
    // The loss falls to one valley and rises from it, so far as the grid shows.
    let decades = (LARGEST / SMALLEST).log10();
    let n_steps = (decades * STEPS_A_DECADE as f64).round() as usize;
    let near = least((0..=n_steps).step_by(STRIDE), penalised);
    let around = near.saturating_sub(STRIDE)..=(near + STRIDE).min(n_steps);
    round_to_4_digits(grid_point(least(around, penalised)))
}

/// Clips every probability of `rows` (`[n, classes]`) to `[epsilon, 1 - epsilon]`, then scales each
/// row to sum to one.
pub(super) fn apply(rows: &mut Table, epsilon: f64) {
    for row in rows.rows_mut() {
        let sum: f64 = row.iter().map(|&p| clip(p, epsilon)).sum();
        for p in row {
            *p = (clip(*p, epsilon) / sum) as f32;
        }
    }
}

fn clip(p: f32, epsilon: f64) -> f64 {
    f64::from(p).clamp(epsilon, 1.0 - epsilon)
}

fn grid_point(step: usize) -> f64 {
    SMALLEST * 10f64.powf(step as f64 / STEPS_A_DECADE as f64)
}

/// The first of `steps` with the least loss.
fn least(steps: impl Iterator<Item = usize>, loss: impl Fn(usize) -> f64) -> usize {
    let losses = steps.map(|step| (loss(step), step));
    losses.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, step)| step)
}

/// An image's probabilities in order, so that the sum of clipped ones is found at once.
struct Sorted {
    of_truth: f64,
    ascending: Vec<f32>,
    /// Of the first ones; one more than there are probabilities.
    sums: Vec<f64>,
}

impl Sorted {
    fn of(row: &[f32], class: usize) -> Self {
        let mut ascending = row.to_vec();
        ascending.sort_unstable_by(f32::total_cmp);
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        sums.extend(ascending.iter().map(|&p| {
            sum += f64::from(p);
            sum
        }));
        Self { of_truth: row[class].into(), ascending, sums }
    }

    fn clipped_loss(&self, epsilon: f64) -> f64 {
        let n_below = self.ascending.partition_point(|&p| f64::from(p) < epsilon);
        let n_not_above = self.ascending.partition_point(|&p| f64::from(p) <= 1.0 - epsilon);
        let n_above = self.ascending.len() - n_not_above;
        let sum = n_below as f64 * epsilon
            + (self.sums[n_not_above] - self.sums[n_below])
            + n_above as f64 * (1.0 - epsilon);
        (sum / self.of_truth.clamp(epsilon, 1.0 - epsilon)).ln()
    }
}

/// A row of one `1` and zeros elsewhere, its truth elsewhere, after the clip and the scaling.
fn loss_of_a_sure_error(n_classes: usize, epsilon: f64) -> f64 {
    let sum = 1.0 + (n_classes as f64 - 2.0) * epsilon;
    (sum / epsilon).ln()
}

fn round_to_4_digits(epsilon: f64) -> f64 {
    let unit = 10f64.powi(epsilon.log10().floor() as i32 - 3);
    // Divided, not multiplied: the quotient of two whole numbers prints short.
    (epsilon / unit).round() / (1.0 / unit).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::log_loss;

    /// `n` images of two classes, all called with full certainty, `n_wrong` of them wrong.
    fn sure(n: usize, n_wrong: usize) -> (Table, Vec<usize>) {
        (Table::new([1.0, 0.0].repeat(n), 2), (0..n).map(|i| usize::from(i < n_wrong)).collect())
    }

    #[test]
    fn epsilon_is_the_error_rate_among_the_sure() {
        // The optimum of the penalised loss is (errors + 1/2) / (n + 1/2); the last column is the
        // loss of `-(1 - e) ln(1 - e) - e ln e`.
        for (n, n_wrong, loss) in
            [(10_000, 10, 0.0079), (10_000, 20, 0.0144), (10_000, 40, 0.0261), (10_000, 80, 0.0466)]
        {
            let (rows, truth) = sure(n, n_wrong);
            let epsilon = fit(&rows, &truth);
            let expected = (n_wrong as f64 + 0.5) / (n as f64 + 0.5);
            assert!((epsilon / expected).ln().abs() < 0.04, "{epsilon}");
            let mut clipped = rows.clone();
            apply(&mut clipped, epsilon);
            let [before, after] = [&rows, &clipped].map(|rows| log_loss(rows, &truth));
            assert!((after - loss).abs() < 1e-4, "{after}");
            assert!(after < before);
        }
    }

    #[test]
    fn few_images_without_an_error_still_choose_a_clip() {
        let (rows, truth) = sure(200, 0);
        let epsilon = fit(&rows, &truth);
        assert!((0.002..0.003).contains(&epsilon), "{epsilon}");
    }

    #[test]
    fn rows_sum_to_one_after_the_clip() {
        let mut rows = Table::new(vec![1.0, 0.0, 0.0, 0.0, 0.5, 0.3, 0.2, 0.0], 4);
        apply(&mut rows, 0.01);
        for row in rows.rows() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
            assert!(row.iter().all(|&p| p > 0.0095), "{row:?}");
        }
    }

    #[test]
    fn epsilon_is_written_short() {
        assert_eq!(round_to_4_digits(0.012_589_254).to_string(), "0.01259");
        assert_eq!(round_to_4_digits(1.0e-6).to_string(), "0.000001");
    }
}
