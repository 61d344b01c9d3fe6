//! Scores over a grid of thresholds, from what each probability adds to those below it.

/// Thresholds are tried on this grid: 0.02, 0.03 ... 0.98.
pub(in crate::decide::tags) const GRID: std::ops::RangeInclusive<usize> = 2..=98;
const STEPS: f64 = 100.0;

/// Scores over the grid as a table of differences: what each probability adds to every threshold
/// below it.
pub(in crate::decide::tags) struct Steps {
    pub(in crate::decide::tags) everywhere: f64,
    /// Indexed by the number of grid points, from zero on, that are below the probability.
    at: [f64; STEPS as usize + 2],
}

impl Steps {
    pub(in crate::decide::tags) fn new() -> Self {
        Self { everywhere: 0.0, at: [0.0; STEPS as usize + 2] }
    }

    pub(in crate::decide::tags) fn add(&mut self, probability: f32, gain: f64) {
        let p = f64::from(probability);
        // The comparison below is the one that decides, so rounding here cannot disagree with it.
        let mut n_below = ((p * STEPS) as usize).min(STEPS as usize);
        while n_below <= STEPS as usize && p > grid_point(n_below) {
            n_below += 1;
        }
        self.at[n_below] += gain;
    }

    /// The sum of gains for each point of the grid.
    pub(in crate::decide::tags) fn sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; GRID.count()];
        let mut sum = self.everywhere;
        for point in (0..self.at.len() - 1).rev() {
            sum += self.at[point + 1];
            if GRID.contains(&point) {
                sums[point - GRID.start()] = sum;
            }
        }
        sums
    }
}

pub(in crate::decide::tags) fn grid_point(step: usize) -> f64 {
    step as f64 / STEPS
}

/// The longest run of grid points that share the best score, the first of equals; its middle is
/// farthest from where the score is known to fall.
pub(in crate::decide::tags) fn middle_of_best_plateau(sums: &[f64]) -> f64 {
    let best = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Sums taken in another order differ in their last bits.
    let tolerance = 1e-9 * best.abs().max(1.0);
    let (mut start, mut length) = (0, 0);
    let mut first = 0;
    while first < sums.len() {
        let run = sums[first..].iter().take_while(|&&sum| sum >= best - tolerance).count();
        if run > length {
            (start, length) = (first, run);
        }
        first += run + 1;
    }
    grid_point(GRID.start() + start + length.saturating_sub(1) / 2)
}
