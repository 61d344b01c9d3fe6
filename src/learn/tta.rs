//! Test-time augmentation: the mean probability over an image's views.
//!
//! The views are deterministic (the centre crop, the whole square, and the mirror image of both or
//! all their eight symmetries), so a run predicts the same twice; the mean streams, so memory does
//! not grow with their number.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::group::{Group, agreed};
use super::model::Model;
use crate::dataset::{self, BatchPlan, Images, Sample, Symmetry, View};
use crate::progress::Progress;
use crate::recipe::{Augment, Recipe};
use crate::run::ViewMeans;

/// The views of an image that a recipe's predictions average: every crop under every symmetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    /// Shares of the shorter side.
    crops: Vec<f64>,
    symmetries: &'static [Symmetry],
}

impl Views {
    pub fn of(recipe: &Recipe) -> Self {
        if !recipe.tta {
            return Self { crops: vec![recipe.crop], symmetries: Augment::None.symmetries() };
        }
        let mut crops = vec![recipe.crop, 1.0];
        crops.dedup();
        Self { crops, symmetries: recipe.augment.symmetries() }
    }

    /// What is seen of an image: shares of its shorter side.
    pub fn crops(&self) -> &[f64] {
        &self.crops
    }

    pub fn count(&self) -> usize {
        self.crops.len() * self.symmetries.len()
    }

    pub fn parts(&self) -> Vec<String> {
        let mut names = vec![ALL.to_owned()];
        if self.crops.len() > 1 {
            names.extend(self.crops.iter().map(|share| crop_name(*share)));
        }
        if self.count() > 1 {
            names.push(ONE.to_owned());
        }
        names
    }

    /// The views that count, by crop and symmetry, where each of the [parts](Self::parts) counts so much; what
    /// they count sums to what those do.
    pub fn shares(&self, parts: &[f64]) -> Vec<(f64, Symmetry, f64)> {
        let mut shares = vec![vec![0.0; self.symmetries.len()]; self.crops.len()];
        for (name, &weight) in self.parts().iter().zip(parts) {
            let crop = self.crops.iter().position(|share| crop_name(*share) == *name);
            let counted = match crop {
                _ if name == ONE => &mut shares[..1],
                Some(crop) => &mut shares[crop..=crop],
                None => &mut shares[..],
            };
            let n = if name == ONE { 1 } else { self.symmetries.len() };
            let each = weight / (counted.len() * n) as f64;
            for of in counted {
                of[..n].iter_mut().for_each(|share| *share += each);
            }
        }
        let all = self.crops.iter().zip(shares).flat_map(|(&crop, of)| {
            self.symmetries.iter().zip(of).map(move |(&symmetry, share)| (crop, symmetry, share))
        });
        all.filter(|(_, _, share)| *share > 0.0).collect()
    }

    /// A part's predictions for a batch, made of each crop's.
    fn part(&self, name: &str, of_crops: &[CropPredictions]) -> Vec<f32> {
        if name == ONE {
            return of_crops[0].upright.clone();
        }
        if let Some(crop) = self.crops.iter().position(|share| crop_name(*share) == name) {
            return of_crops[crop].mean.values.clone();
        }
        let mut mean = Mean::default();
        for crop in of_crops {
            mean.add(crop.mean.values.clone());
        }
        mean.values
    }
}

fn crop_name(share: f64) -> String {
    format!("crop of {share}")
}

/// The mean over all views.
pub const ALL: &str = "all views";
/// The first crop as it is.
pub const ONE: &str = "one view";

const NO_NUMBER: &str = "what the network says of some images is no number: its weights are damaged, \
                         or training broke them\nhint: copy the run's folder again from where it was \
                         trained, or train again, with a lower rate or `--set \
                         optimizer.precision=f32`";

/// Probabilities for `samples`, in their order; `progress` counts images. Every image is looked at
/// in all views once, and decoded once, whatever parts are made of them.
///
/// What was predicted for the first of them `before` is not computed again, if it is of the same
/// parts; `keep` is shown, after each batch, what is predicted so far. Of several ranks each looks at its
/// share of every batch, and the first one's `before` counts; the others have only what was predicted here.
pub fn predict<M: Model>(
    model: &mut M,
    group: &dyn Group,
    samples: &Arc<[Sample]>,
    recipe: &Recipe,
    before: ViewMeans,
    keep: &mut dyn FnMut(&ViewMeans) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ViewMeans> {
    let views = Views::of(recipe);
    let mut parts = ViewMeans { names: views.parts(), ..ViewMeans::default() };
    if before.names == parts.names && before.n_images <= samples.len() {
        parts = before;
    }
    let [start] = agreed(group, [parts.n_images as f64])?;
    parts.n_images = start as usize;
    progress.total((samples.len() - parts.n_images) as u64);
    let share = group.share().in_blocks(recipe.batch_size);
    let crops = views.crops.iter().map(|&share| View::Centre { share }).collect();
    let plan = BatchPlan {
        order: (parts.n_images..samples.len()).collect(),
        batch_size: recipe.batch_size * share.world,
        size: recipe.size,
        augment: recipe.augment,
        views: crops,
        share,
        and_next: false,
    };
    let batches = dataset::batches(Arc::clone(samples), plan);
    parts.probabilities.resize(parts.names.len(), Vec::new());
    for batch in batches {
        let batch = batch?;
        let n = batch.indices.len();
        let of_batch: Vec<CropPredictions> = std::iter::once(&batch.images)
            .chain(&batch.more_views)
            .filter(|images| images.n > 0)
            .map(|images| predict_crop(model, images, views.symmetries))
            .collect::<Result<_>>()?;
        for (part, name) in parts.probabilities.iter_mut().zip(&parts.names) {
            let own = if of_batch.is_empty() { Vec::new() } else { views.part(name, &of_batch) };
            let said = group.gather(&own, &share.lengths(n), model.n_outputs())?;
            // Found before anything of it is kept, and before hours more of the same.
            ensure!(said.iter().all(|p| p.is_finite()), NO_NUMBER);
            part.extend(said);
        }
        parts.n_images += n;
        keep(&parts)?;
        progress.advance(n as u64);
    }
    Ok(parts)
}

/// Predictions from the views of one crop: the upright one, and the mean over all symmetries.
struct CropPredictions {
    upright: Vec<f32>,
    mean: Mean,
}

/// Shows a batch under each of the symmetries, the first of which is none.
fn predict_crop<M: Model>(
    model: &mut M,
    upright: &Images,
    symmetries: &[Symmetry],
) -> Result<CropPredictions> {
    let mut mean = Mean::default();
    let mut predicted = model.predict_under(upright, symmetries)?.into_iter();
    let as_it_is = predicted.next().unwrap_or_default();
    mean.add(as_it_is.clone());
    predicted.for_each(|more| mean.add(more));
    Ok(CropPredictions { upright: as_it_is, mean })
}

/// A running mean of probabilities.
#[derive(Default)]
pub struct Mean {
    pub values: Vec<f32>,
    n: usize,
}

impl Mean {
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
    fn what_views_count_follows_from_what_parts_count() {
        let views = Views::of(&resolve(&[]).unwrap());
        assert_eq!(views.parts(), [ALL, "crop of 0.875", "crop of 1", ONE]);
        let (up, mirror) = (Symmetry::IDENTITY, Symmetry::MIRROR);
        assert_eq!(views.shares(&[1.0, 0.0, 0.0, 0.0]).len(), 4);
        assert_eq!(views.shares(&[0.0, 0.0, 1.0, 0.0]), [(1.0, up, 0.5), (1.0, mirror, 0.5)]);
        let mixed = views.shares(&[0.5, 0.25, 0.0, 0.25]);
        let expected =
            [(0.875, up, 0.5), (0.875, mirror, 0.25), (1.0, up, 0.125), (1.0, mirror, 0.125)];
        assert_eq!(mixed, expected);
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
