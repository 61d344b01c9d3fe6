//! Mean and variance of each feature over the training images.

use anyhow::Result;

use super::data::Activations;

/// Of the backbones' activations, a number a feature: `[sum of widths]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

/// A feature that hardly varies among the training images would be blown up where it does vary:
/// no deviation is taken for less than this part of the median one.
const LEAST_DEVIATION: f64 = 0.1;

/// So many images are read at a time.
const BLOCK: usize = 256;

impl Activations {
    /// Over the first view of the training images.
    pub(super) fn moments(&self) -> Result<Moments> {
        let n = self.train.len().max(1) as f64;
        let means = self.means(|value, _| value)?;
        let mut variances = self.means(|value, at| (value - means[at]).powi(2))?;
        // From the population to its estimate, as a batch norm keeps it.
        for variance in &mut variances {
            *variance *= n / (n - 1.0).max(1.0);
        }
        let mut sorted = variances.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let least = median * LEAST_DEVIATION.powi(2);
        Ok(Moments {
            mean: means.iter().map(|&mean| mean as f32).collect(),
            variance: variances.iter().map(|&variance| variance.max(least) as f32).collect(),
        })
    }

    /// The mean of `of(value, feature)` of each feature.
    fn means(&self, of: impl Fn(f64, usize) -> f64) -> Result<Vec<f64>> {
        let mut sums = Vec::new();
        let places: Vec<usize> = (0..self.train.len()).collect();
        for places in places.chunks(BLOCK) {
            let rows = self.of_epoch(0, places)?;
            let width = rows.len() / places.len();
            sums.resize(width, 0.0);
            for row in rows.chunks(width.max(1)) {
                for (at, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += of(f64::from(value), at);
                }
            }
        }
        let n = self.train.len().max(1) as f64;
        Ok(sums.into_iter().map(|sum| sum / n).collect())
    }
}
