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
    /// Over the first view of the training images, each read once (Welford 1962).
    pub(super) fn moments(&self) -> Result<Moments> {
        let (mut means, mut squares, mut n) = (Vec::new(), Vec::new(), 0.0);
        let places: Vec<usize> = (0..self.train.len()).collect();
        for places in places.chunks(BLOCK) {
            let rows = self.of_epoch(0, places)?;
            let width = rows.len() / places.len();
            means.resize(width, 0.0);
            squares.resize(width, 0.0);
            for row in rows.chunks(width.max(1)) {
                n += 1.0;
                for ((mean, square), &value) in means.iter_mut().zip(&mut squares).zip(row) {
                    let off = f64::from(value) - *mean;
                    *mean += off / n;
                    *square += off * (f64::from(value) - *mean);
                }
            }
        }
        let variances: Vec<f64> =
            squares.into_iter().map(|square: f64| square / (n - 1.0).max(1.0)).collect();
        let mut sorted = variances.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let least = median * LEAST_DEVIATION.powi(2);
        Ok(Moments {
            mean: means.into_iter().map(|mean: f64| mean as f32).collect(),
            variance: variances.into_iter().map(|variance| variance.max(least) as f32).collect(),
        })
    }
}
