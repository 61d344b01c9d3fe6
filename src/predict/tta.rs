//! Test-time augmentation: the mean probability over an image's views.
//!
//! The views are deterministic (the centre crop, the whole square, and the mirror image of both or
//! all their eight symmetries), so a run predicts the same twice; the mean streams, so memory does
//! not grow with their number.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::dataset::{self, Images, Sample, Symmetry, View};
use crate::learn::{Input, Model};
use crate::progress::Progress;
use crate::recipe::{Augment, Recipe};
use crate::target::{Classes, Predictions};

/// The views of an image that a recipe's predictions average: every crop under every symmetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    /// Shares of the shorter side.
    crops: Vec<f64>,
    symmetries: &'static [Symmetry],
}

impl Views {
    /// Those of a recipe.
    pub fn of(recipe: &Recipe) -> Self {
        if !recipe.tta {
            return Self { crops: vec![recipe.crop], symmetries: Augment::None.symmetries() };
        }
        let mut crops = vec![recipe.crop, 1.0];
        crops.dedup();
        Self { crops, symmetries: recipe.augment.symmetries() }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.crops.len() * self.symmetries.len()
    }
}

/// Probabilities for `samples`, in their order; `progress` counts images.
pub fn predict<M: Model>(
    model: &mut M,
    samples: &Arc<[Sample]>,
    classes: &Classes,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Predictions> {
    let views = Views::of(recipe);
    progress.total(samples.len() as u64);
    let open = |&share: &f64| {
        let (samples, order) = (Arc::clone(samples), (0..samples.len()).collect());
        let view = View::Centre { share };
        dataset::batches(samples, order, recipe.batch_size, recipe.size, recipe.augment, view)
    };
    let mut crops: Vec<_> = views.crops.iter().map(open).collect();
    let mut probabilities = Vec::with_capacity(samples.len() * classes.len());
    while let Some(first) = crops[0].next() {
        let first = first?;
        let mut mean = Mean::default();
        mean.add_views(model, &first.images, views.symmetries)?;
        for crop in &mut crops[1..] {
            let batch = crop.next().context("every crop has the same images")??;
            mean.add_views(model, &batch.images, views.symmetries)?;
        }
        probabilities.extend(mean.values);
        progress.advance(first.images.n as u64);
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Predictions { ids, probabilities, classes: classes.clone() })
}

/// A running mean of probabilities.
#[derive(Default)]
pub struct Mean {
    /// The mean of what was added so far.
    pub values: Vec<f32>,
    n: usize,
}

impl Mean {
    /// Adds what the model makes of a batch under each of the symmetries.
    fn add_views<M: Model>(
        &mut self,
        model: &mut M,
        upright: &Images,
        symmetries: &[Symmetry],
    ) -> Result<()> {
        let mut view = upright.clone();
        for symmetry in symmetries {
            let bytes = upright.size * upright.size * 3;
            let pairs = upright.pixels.chunks_exact(bytes).zip(view.pixels.chunks_exact_mut(bytes));
            for (from, to) in pairs {
                symmetry.apply(from, upright.size, to);
            }
            let input = Input::Images(view);
            self.add(model.predict(&input)?);
            let Input::Images(images) = input else { unreachable!("made above") };
            view = images;
        }
        Ok(())
    }

    /// Adds as many probabilities as there were before.
    pub fn add(&mut self, probabilities: Vec<f32>) {
        self.n += 1;
        if self.n == 1 {
            self.values = probabilities;
            return;
        }
        let weight = 1.0 / self.n as f32;
        for (mean, p) in self.values.iter_mut().zip(probabilities) {
            *mean += (p - *mean) * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Layer, resolve};

    fn views(settings: &[&str]) -> (Vec<f64>, usize) {
        let layers: Vec<Layer> =
            settings.iter().map(|typed| Layer::assignment(typed).unwrap()).collect();
        let views = Views::of(&resolve(&layers).unwrap());
        (views.crops.clone(), views.count())
    }

    #[test]
    fn views_are_crops_times_symmetries() {
        assert_eq!(views(&[]), (vec![0.875, 1.0], 4));
        assert_eq!(views(&["crop=1.0"]), (vec![1.0], 2));
        assert_eq!(views(&["crop=1.0", "augment=top-down"]), (vec![1.0], 8));
        assert_eq!(views(&["tta=false"]), (vec![0.875], 1));
    }

    #[test]
    fn a_mean_is_that_of_all() {
        let mut mean = Mean::default();
        for values in [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [0.1, 0.9]] {
            mean.add(values.to_vec());
        }
        assert!((mean.values[0] - 0.4).abs() < 1e-6 && (mean.values[1] - 0.6).abs() < 1e-6);
    }
}
