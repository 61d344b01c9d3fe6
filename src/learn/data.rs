//! The images that a run trains on and those it is judged by, as batches.

use std::sync::Arc;

use anyhow::Result;
use rand::seq::SliceRandom;

use super::model::Input;
use crate::dataset::{self, Sample, View};
use crate::metric::Metric;
use crate::recipe::Augment;
use crate::rng::{self, Purpose};
use crate::target::{Classes, TargetKind, n_hot};

/// Everything a learner needs to know about a data set.
pub struct Data {
    /// Images to learn from.
    pub train: Part,
    /// Images held out.
    pub valid: Part,
    /// The vocabulary.
    pub classes: Classes,
    /// One class or many.
    pub kind: TargetKind,
    /// The competition's score.
    pub metric: Metric,
    /// Images a batch.
    pub batch_size: usize,
    /// Side of the square that the network sees, in pixels.
    pub size: usize,
    /// The square's share of the shorter side, where no random view is taken.
    pub crop: f64,
    /// The random views.
    pub augment: Augment,
    /// Order and views follow from it.
    pub seed: u64,
}

/// One side of the split.
pub struct Part {
    /// The images.
    pub samples: Arc<[Sample]>,
    /// `[n, classes]`, zeros and ones.
    pub targets: Vec<f32>,
}

impl Part {
    /// The part of `samples` at `indices`.
    pub fn new(samples: &[Sample], indices: &[usize], n_classes: usize) -> Self {
        let samples: Arc<[Sample]> = indices.iter().map(|&i| samples[i].clone()).collect();
        let targets = n_hot(samples.iter().map(|sample| sample.target.as_slice()), n_classes);
        Self { samples, targets }
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// The backbone's answers to all images, computed once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activations {
    /// Numbers an image.
    pub width: usize,
    /// `[train, width]`, row-major.
    pub train: Vec<f32>,
    /// `[valid, width]`, row-major.
    pub valid: Vec<f32>,
}

/// What an epoch of training is fed with.
#[derive(Clone, Copy, Debug)]
pub enum Feed<'a> {
    /// Precomputed activations: the same view of an image every time.
    Activations(&'a Activations),
    /// The images, in a new random view every epoch.
    Images,
}

/// A batch with its targets, `[n, classes]`.
pub(super) type Labelled = (Input, Vec<f32>);

impl Data {
    /// Steps in an epoch. A last batch of one image is left out: a norm cannot learn from it.
    pub fn steps(&self) -> usize {
        let (whole, rest) =
            (self.train.len() / self.batch_size, self.train.len() % self.batch_size);
        whole + usize::from(rest > 1)
    }

    /// The training batches of epoch `epoch`, shuffled.
    pub fn train_batches<'a>(
        &'a self,
        feed: Feed<'a>,
        epoch: u64,
    ) -> Box<dyn Iterator<Item = Result<Labelled>> + 'a> {
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        order.shuffle(&mut rng::stream(Purpose::Shuffle, self.seed, epoch, 0));
        if order.len() % self.batch_size == 1 {
            order.pop();
        }
        match feed {
            Feed::Activations(activations) => {
                let batches: Vec<Vec<usize>> =
                    order.chunks(self.batch_size).map(<[usize]>::to_vec).collect();
                Box::new(batches.into_iter().map(move |indices| {
                    let rows = gather(&activations.train, activations.width, &indices);
                    Ok((Input::Activations(rows), self.targets(&indices)))
                }))
            }
            Feed::Images => {
                let view = View::Random { seed: self.seed, epoch };
                Box::new(self.load(&self.train, order, view).map(|batch| {
                    let batch = batch?;
                    let targets = self.targets(&batch.indices);
                    Ok((Input::Images(batch.images), targets))
                }))
            }
        }
    }

    /// The centre crops of a part, in its own order.
    pub fn centre_batches(&self, part: &Part) -> impl Iterator<Item = Result<dataset::Batch>> {
        self.load(part, (0..part.len()).collect(), View::Centre { share: self.crop })
    }

    fn load(
        &self,
        part: &Part,
        order: Vec<usize>,
        view: View,
    ) -> impl Iterator<Item = Result<dataset::Batch>> + use<> {
        let samples = Arc::clone(&part.samples);
        dataset::batches(samples, order, self.batch_size, self.size, self.augment, view)
    }

    fn targets(&self, indices: &[usize]) -> Vec<f32> {
        gather(&self.train.targets, self.classes.len(), indices)
    }
}

/// The rows of `[n, width]` at `indices`.
fn gather(rows: &[f32], width: usize, indices: &[usize]) -> Vec<f32> {
    indices.iter().flat_map(|&i| &rows[i * width..(i + 1) * width]).copied().collect()
}
