//! The images that a run trains on and those it is judged by, as batches.

use std::sync::Arc;

use anyhow::{Context, Result};
use rand::distr::weighted::WeightedIndex;
use rand::prelude::Distribution;
use rand::seq::SliceRandom;

use super::mix::{self, Mix};
use super::model::Input;
use super::refit::Plan;
use crate::cache::{ActivationRows, Store};
use crate::dataset::{
    self, Batch, BatchPlan, PictureCache, Policy, Sample, SampleSource, Strong, View,
};
use crate::hash::Hash;
use crate::metric::Metric;
use crate::outputs::Outputs;
use crate::place::Share;
use crate::recipe::{AugmentPolicy, ClassWeights, Recipe, Sampling};
use crate::rng::{self, Purpose};
use crate::table::Table;
use crate::target::{Classes, TargetKind, Truth, n_hot};

/// Everything a learner needs to know about a data set, and what it is to do with it.
pub struct Data {
    pub train: SplitSide,
    /// So many of the training images, the last ones, are test images with labels of another run.
    pub n_pseudo: usize,
    pub valid: SplitSide,
    /// What a run chose that held out `valid`, where the training images have these as well.
    pub plan: Option<Plan>,
    pub classes: Classes,
    pub kind: TargetKind,
    /// What the network's numbers mean.
    pub outputs: Outputs,
    pub metric: Metric,
    pub recipe: Recipe,
    /// Images that are looked at at once where nothing is learnt from them; else as many as fit a CPU.
    pub at_once: Option<usize>,
}

/// One side of the split.
pub struct SplitSide {
    pub samples: Arc<[Sample]>,
    /// `[n, outputs]`: zeros and ones, levels, or numbers.
    pub targets: Vec<f32>,
    /// The set that each image is of: those of one, such as twins and those of one patient, belong together.
    pub sets: Vec<usize>,
    /// Where their pictures are kept from epoch to epoch, if they are.
    pub kept: Option<PictureCache>,
}

impl SplitSide {
    /// The part of `samples` at `indices`.
    pub fn new(samples: &[Sample], indices: &[usize], kind: TargetKind, n_classes: usize) -> Self {
        let samples: Arc<[Sample]> = indices.iter().map(|&i| samples[i].clone()).collect();
        let of_classes = || samples.iter().map(|sample| sample.target.as_slice());
        let targets = match kind {
            TargetKind::SingleLabel | TargetKind::MultiLabel => {
                n_hot(of_classes(), n_classes).into_cells()
            }
            TargetKind::Ordinal => of_classes().map(|target| target[0] as f32).collect(),
            TargetKind::Number => {
                let numbers = samples.iter().flat_map(|sample| &sample.numbers);
                numbers.map(|&number| number as f32).collect()
            }
        };
        Self { sets: indices.to_vec(), samples, targets, kept: None }
    }

    /// The same with the sets of its images, of which `sets` has those of all `samples`.
    #[must_use]
    pub fn in_sets(mut self, indices: &[usize], sets: &[usize]) -> Self {
        self.sets = indices.iter().map(|&i| sets[i]).collect();
        self
    }

    /// What is true of its images.
    pub fn truth(&self, kind: TargetKind) -> Truth {
        match kind {
            TargetKind::Number => {
                let width = self.samples.first().map_or(0, |sample| sample.numbers.len());
                let rows = self.samples.iter().map(|sample| sample.numbers.as_slice());
                Truth::Numbers(Table::from_rows(rows, width))
            }
            _ => Truth::Classes(self.samples.iter().map(|sample| sample.target.clone()).collect()),
        }
    }

    /// Where its pictures come from.
    fn source(&self) -> SampleSource {
        SampleSource { samples: Arc::clone(&self.samples), kept: self.kept.clone() }
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// The backbones' answers to all images, computed once.
#[derive(Debug)]
pub struct Activations {
    /// Each backbone's, `[views, images, width]`, all images in an order that does not depend on the
    /// split, so that the folds of one model share them.
    pub rows: Vec<ActivationRows>,
    /// Where the training images are among them.
    pub train: Vec<usize>,
    /// Where the held-out ones are.
    pub valid: Vec<usize>,
}

/// Where the activations are kept for other runs, and what they are kept under beside what the data
/// says.
#[derive(Clone, Debug)]
pub struct Precomputed {
    pub store: Store,
    /// What they are for, for people.
    pub label: String,
    /// The pretrained networks, in the model's order.
    pub backbones: Vec<Pretrained>,
    /// What computes them.
    pub engine: String,
}

/// A backbone as it was before it trained.
#[derive(Clone, Debug)]
pub struct Pretrained {
    pub name: String,
    pub weights: Hash,
}

/// What an epoch of training is fed with.
#[derive(Clone, Copy, Debug)]
pub enum Feed<'a> {
    /// Precomputed activations, a view of each image an epoch, in turn.
    Activations(&'a Activations),
    /// The images, in a new random view every epoch.
    Images {
        /// Of the square, in pixels.
        size: usize,
    },
}

/// The same for every run on a kind of device, so that the last bits of an activation do not depend on
/// the run that made it; a divisor of the blocks in which they are written.
const PRECOMPUTED_BATCH: usize = 32;

/// This rank's share of a batch, with the targets of all of it, `[n, classes]`; activations are all of
/// the batch's on every rank.
pub(super) type Labelled = (Input, Vec<f32>);

impl Data {
    /// Steps in an epoch. A last batch of one image is left out: a norm cannot learn from it.
    pub fn steps(&self) -> usize {
        let (n, batch_size) = (self.train.len(), self.recipe.batch_size);
        let (whole, rest) = (n / batch_size, n % batch_size);
        whole + usize::from(rest > 1)
    }

    /// The training batches of epoch `epoch`, shuffled, from batch number `from` on. They are the same for
    /// any number of ranks, each of which reads its share.
    pub fn train_batches<'a>(
        &'a self,
        feed: Feed<'a>,
        epoch: u64,
        from: usize,
        share: Share,
    ) -> Result<Box<dyn Iterator<Item = Result<Labelled>> + 'a>> {
        let Recipe { batch_size, seed, ref loss, .. } = self.recipe;
        let mut order = self.order(epoch)?;
        if order.len() % batch_size == 1 {
            order.pop();
        }
        order.drain(..(from * batch_size).min(order.len()));
        Ok(match feed {
            Feed::Activations(activations) => {
                let batches: Vec<Vec<usize>> =
                    order.chunks(batch_size).map(<[usize]>::to_vec).collect();
                Box::new(batches.into_iter().map(move |indices| {
                    let rows = activations.of_epoch(epoch, &indices)?;
                    Ok((Input::Activations(rows), self.targets(&indices)))
                }))
            }
            Feed::Images { size } => {
                let plan = self.plan(order, batch_size, size, self.random_view(epoch));
                let plan = BatchPlan { share, and_next: mix::mixes(loss), ..plan };
                let loss = *loss;
                let mix = move |i: usize| Mix::draw(&loss, size, (seed, epoch, (from + i) as u64));
                // Pictures are mixed where they are drawn; a network may wait for whoever trains it.
                let last = move |i: usize, batch: &mut Batch| {
                    if let Some(mix) = mix(i) {
                        mix.images(&mut batch.images, &share.of(batch.indices.len()));
                    }
                };
                let batches = dataset::batches_with(self.train.source(), plan, last);
                Box::new(batches.enumerate().map(move |(i, batch)| {
                    let batch = batch?;
                    let mut targets = self.targets(&batch.indices);
                    if let Some(mix) = mix(i) {
                        mix.targets(&mut targets, self.n_outputs());
                    }
                    Ok((Input::Images(batch.images), targets))
                }))
            }
        })
    }

    /// How much each class counts in the loss, if not all count alike: by the metric's own weights, and
    /// by the recipe's, where each class shall count as much as any other in all.
    pub fn class_weights(&self) -> Option<Vec<f32>> {
        let balanced = self.recipe.loss.class_weights == ClassWeights::Balanced;
        // A class that there is not is told by the first look at the validation images.
        let by_metric = self.metric.class_weights(&self.classes).ok().flatten();
        if !self.outputs.are_probabilities() || !balanced && by_metric.is_none() {
            return None;
        }
        let mut weights = by_metric.unwrap_or_else(|| vec![1.0; self.classes.len()]);
        let counts = class_counts(&self.train, self.classes.len());
        if balanced {
            for (weight, &count) in weights.iter_mut().zip(&counts) {
                *weight /= count.max(1) as f64;
            }
        }
        // One on the average over what the training images show, so that rates stay what they are.
        let n: usize = counts.iter().sum();
        let sum: f64 = weights.iter().zip(&counts).map(|(weight, &n)| weight * n as f64).sum();
        let scale = if sum > 0.0 { n as f64 / sum } else { 1.0 };
        Some(weights.into_iter().map(|weight| (weight * scale) as f32).collect())
    }

    /// The smoothed targets of the training images at `indices`, `[indices, outputs]`.
    pub(super) fn targets(&self, indices: &[usize]) -> Vec<f32> {
        let n_classes = self.classes.len();
        let mut targets = gather(&self.train.targets, self.n_outputs(), indices);
        mix::smooth(&mut targets, self.kind, n_classes, self.recipe.loss.smoothing);
        targets
    }

    /// Which images an epoch shows, in its order.
    pub(super) fn order(&self, epoch: u64) -> Result<Vec<usize>> {
        let (n, seed) = (self.train.len(), self.recipe.seed);
        let mut order: Vec<usize> = match self.recipe.sampling {
            Sampling::Uniform => (0..n).collect(),
            Sampling::Balanced => {
                let chances = WeightedIndex::new(balanced_weights(&self.train, self.classes.len()))
                    .context("no training image has a class")?;
                let mut rng = rng::stream(Purpose::Sample, seed, epoch, 0);
                (0..n).map(|_| chances.sample(&mut rng)).collect()
            }
        };
        order.shuffle(&mut rng::stream(Purpose::Shuffle, seed, epoch, 0));
        Ok(order)
    }

    /// Numbers of a target, which are as many as a network says about an image.
    fn n_outputs(&self) -> usize {
        self.kind.n_outputs(self.classes.len())
    }

    /// The centre crops of a part, in its own order. Each batch has one for each rank, so that they
    /// are those of one alone; gives also how they are divided.
    pub fn centre_batches(&self, part: &SplitSide, share: Share) -> (Share, dataset::Batches) {
        let batch_size = self.at_once.unwrap_or(self.recipe.batch_size);
        let order = (0..part.len()).collect();
        let share = share.in_blocks(batch_size);
        let plan = self.plan(order, batch_size * share.world, self.recipe.size, self.centre_view());
        (share, dataset::batches(part.source(), BatchPlan { share, ..plan }))
    }

    /// View `view` of the samples at `order`, as they are precomputed: 0 is the centre crop, the
    /// others are random ones that no epoch of training shows. Each batch has one block for each rank;
    /// gives also how these are divided.
    pub(super) fn fixed_view(
        &self,
        samples: &Arc<[Sample]>,
        order: Vec<usize>,
        view: usize,
        share: Share,
    ) -> (Share, dataset::Batches) {
        let view = match view {
            0 => self.centre_view(),
            view => self.random_view(u64::MAX / 2 + view as u64),
        };
        let batch_size = self.at_once.unwrap_or(PRECOMPUTED_BATCH);
        let share = share.in_blocks(batch_size);
        let plan = self.plan(order, batch_size * share.world, self.recipe.size, view);
        (share, dataset::batches(Arc::clone(samples), BatchPlan { share, ..plan }))
    }

    fn plan(&self, order: Vec<usize>, batch_size: usize, size: usize, view: View) -> BatchPlan {
        let (augment, views) = (self.recipe.augment, vec![view]);
        let (share, and_next) = (Share::WHOLE, false);
        BatchPlan { order, batch_size, size, augment, views, share, and_next }
    }

    /// What is looked at where chance has no part.
    pub fn centre_view(&self) -> View {
        View::Centre { share: self.recipe.crop }
    }

    /// What an epoch of training looks at.
    pub fn random_view(&self, epoch: u64) -> View {
        let (seed, area, strong) = (self.recipe.seed, self.area(), self.strong());
        View::Random { seed, epoch, area, strong }
    }

    /// What is done to random views beyond that.
    pub(super) fn strong(&self) -> Strong {
        let Recipe { augment_policy, augment_magnitude, random_erasing, .. } = self.recipe;
        let policy = match augment_policy {
            AugmentPolicy::None => Policy::None,
            AugmentPolicy::Trivial => Policy::Trivial,
            AugmentPolicy::Rand => Policy::Rand { magnitude: augment_magnitude },
        };
        Strong { policy, erasing: random_erasing }
    }

    /// The share of an image's area that a random view shows, where it shows parts.
    pub(super) fn area(&self) -> Option<[f64; 2]> {
        self.recipe.random_area.as_slice().try_into().ok()
    }
}

impl Activations {
    /// The rows of training images at `indices`, `[indices, width]`: of another view every epoch,
    /// and not the same one for all images.
    pub(super) fn of_epoch(&self, epoch: u64, indices: &[usize]) -> Result<Vec<f32>> {
        let n_views = self.rows[0].shape().views.max(1);
        let turn = |image: usize| (epoch as usize).wrapping_add(image) % n_views;
        self.joined(indices.iter().map(|&image| (turn(image), self.train[image])))
    }

    /// The rows of the held-out images in `range`, `[range, width]`.
    pub(super) fn of_valid(&self, range: std::ops::Range<usize>) -> Result<Vec<f32>> {
        self.joined(self.valid[range].iter().map(|&image| (0, image)))
    }

    /// What all backbones say of views of images, one after another for each.
    fn joined(&self, wanted: impl Iterator<Item = (usize, usize)>) -> Result<Vec<f32>> {
        let mut joined = Vec::new();
        for (view, image) in wanted {
            for rows in &self.rows {
                joined.extend(rows.rows(&[rows.index(view, image)])?);
            }
        }
        Ok(joined)
    }
}

/// An image's chance in balanced sampling: that of its rarest class, which is one over how many
/// images have it; images without any class have the chance of the commonest.
fn balanced_weights(part: &SplitSide, n_classes: usize) -> Vec<f64> {
    let counts = class_counts(part, n_classes);
    let commonest = counts.iter().copied().max().unwrap_or(1).max(1);
    let rarest = |target: &[usize]| target.iter().map(|&c| counts[c]).min().unwrap_or(commonest);
    part.samples.iter().map(|sample| 1.0 / rarest(&sample.target) as f64).collect()
}

/// How many images show each class.
fn class_counts(part: &SplitSide, n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    for &class in part.samples.iter().flat_map(|sample| &sample.target) {
        counts[class] += 1;
    }
    counts
}

/// The rows of `[n, width]` at `indices`.
fn gather(rows: &[f32], width: usize, indices: &[usize]) -> Vec<f32> {
    indices.iter().flat_map(|&i| &rows[i * width..(i + 1) * width]).copied().collect()
}
