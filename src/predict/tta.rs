//! Test-time augmentation: the mean probability over an image's symmetric views.
//!
//! The views are deterministic (the plain one and its mirror image, or all eight symmetries), so a
//! run predicts the same twice; the mean streams, so memory does not grow with their number.

use std::sync::Arc;

use anyhow::Result;

use crate::dataset::{self, Images, Sample, Symmetry, View};
use crate::learn::{Input, Model};
use crate::progress::Progress;
use crate::recipe::{Augment, Recipe};
use crate::target::{Classes, Predictions};

/// The views of an image that a recipe's predictions average.
pub fn views(recipe: &Recipe) -> &'static [Symmetry] {
    if recipe.tta { recipe.augment.symmetries() } else { Augment::None.symmetries() }
}

/// Probabilities for `samples`, in their order; `progress` counts images.
pub fn predict<M: Model>(
    model: &mut M,
    samples: &Arc<[Sample]>,
    classes: &Classes,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Predictions> {
    let symmetries = views(recipe);
    progress.total(samples.len() as u64);
    let order = (0..samples.len()).collect();
    let (size, batch_size) = (recipe.size, recipe.batch_size);
    let batches =
        dataset::batches(Arc::clone(samples), order, batch_size, size, recipe.augment, View::Plain);
    let mut probabilities = Vec::with_capacity(samples.len() * classes.len());
    for batch in batches {
        let images = batch?.images;
        let n_images = images.n as u64;
        probabilities.extend(mean_over_views(model, &images, symmetries)?);
        progress.advance(n_images);
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Predictions { ids, probabilities, classes: classes.clone() })
}

fn mean_over_views<M: Model>(
    model: &mut M,
    plain: &Images,
    symmetries: &[Symmetry],
) -> Result<Vec<f32>> {
    let mut mean: Vec<f32> = Vec::new();
    let mut view = plain.clone();
    for (n_before, symmetry) in symmetries.iter().enumerate() {
        let bytes = plain.size * plain.size * 3;
        let pairs = plain.pixels.chunks_exact(bytes).zip(view.pixels.chunks_exact_mut(bytes));
        for (from, to) in pairs {
            symmetry.apply(from, plain.size, to);
        }
        let input = Input::Images(view);
        let probabilities = model.predict(&input)?;
        let Input::Images(images) = input else { unreachable!("made above") };
        view = images;
        if n_before == 0 {
            mean = probabilities;
        } else {
            let weight = 1.0 / (n_before + 1) as f32;
            for (mean, p) in mean.iter_mut().zip(probabilities) {
                *mean += (p - *mean) * weight;
            }
        }
    }
    Ok(mean)
}
