//! What the loop asks of a network. libtorch's answer is `torch::Network`, the tests' a mock.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::linear::LinearLayer;
use super::moments::Moments;
use crate::dataset::{Images, Symmetry};
use crate::schedule::Rates;

/// Which layers a stage changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trainable {
    /// The head; the backbone's weights and its norms' statistics stand still.
    Head,
    Everything,
}

/// A batch as the network takes it.
#[derive(Clone, Debug)]
pub enum Input {
    Images(Images),
    /// What the backbones made of images before: `[n, sum of widths]`, row-major.
    Activations(Vec<f32>),
}

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRates {
    /// Each layer group's rate.
    pub rates: Rates,
    /// Decay of the gradient's running mean.
    pub momentum: f64,
}

/// What a step came to.
pub struct StepOutcome {
    pub loss: StepLoss,
    /// What it had to do differently, if anything, in words.
    pub note: Option<String>,
}

/// The batch's mean loss before a step.
pub enum StepLoss {
    Known(f64),
    /// A GPU works ahead of the program: who waits for this seldom, after further steps have begun, keeps
    /// it busy.
    Pending(Box<dyn FnOnce() -> Result<f64>>),
}

impl StepLoss {
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// The number, as soon as it is there.
    pub fn wait(self) -> Result<f64> {
        match self {
            Self::Known(loss) => Ok(loss),
            Self::Pending(wait) => wait(),
        }
    }
}

/// A network that can be trained a step at a time, on batches in host memory.
///
/// Where several ranks train one together, [`step`](Model::step) and [`align`](Model::align) are done by
/// all of them at once; everything else each does for itself.
pub trait Model {
    /// Weights, norms' statistics and the optimiser's state at one moment.
    type Snapshot;

    /// Chooses the layers that train, with a fresh optimiser.
    fn begin(&mut self, trainable: Trainable);

    /// Numbers of [`Model::predict`] an image.
    fn n_outputs(&self) -> usize;

    /// Numbers of [`Model::activations`] an image, for each of the model's backbones.
    fn widths(&self) -> Vec<usize>;

    /// A backbone's pooled answer to `images`, `[n, width]`; the head takes those of all backbones,
    /// one after another.
    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>>;

    /// Takes note of what the activations of the training images are like.
    fn standardise(&mut self, moments: &Moments);

    /// Linear layers on `activations`, `[n, width]`, made to have mean 0 and variance 1, that minimise the
    /// mean loss and half of a strength times the sum of their squared weights: a layer a strength, in
    /// turn, the strongest first. `targets` are `[n, outputs]`.
    fn linear_path(
        &mut self,
        activations: &[f32],
        targets: &[f32],
        strengths: &[f64],
    ) -> Result<Vec<LinearLayer>>;

    /// Lets the head's logits be `share` of what `layer` says, and the rest of what they were.
    fn add_linear(&mut self, layer: &LinearLayer, share: f64);

    /// One step down the gradient. After a loss that is [known](StepLoss::Known) and not finite the
    /// weights are what they were.
    ///
    /// `targets` are `[n, classes]`; all that is random in the step (dropout) follows from `seed`. Of
    /// several ranks each has the images of its [share](crate::place::Share) of the `n`, and gets the
    /// loss of all of them, the same number as the others.
    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepOutcome>;

    /// Probabilities, `[n, classes]`.
    fn predict(&mut self, input: &Input) -> Result<Vec<f32>>;

    /// The same of images under each of some symmetries, in turn.
    fn predict_under(&mut self, images: &Images, symmetries: &[Symmetry]) -> Result<Vec<Vec<f32>>> {
        let bytes = images.size * images.size * 3;
        let (mut view, mut all) = (images.clone(), Vec::new());
        for symmetry in symmetries {
            let pairs = images.pixels.chunks_exact(bytes).zip(view.pixels.chunks_exact_mut(bytes));
            pairs.for_each(|(from, to)| symmetry.apply(from, images.size, to));
            let input = Input::Images(view);
            all.push(self.predict(&input)?);
            let Input::Images(images) = input else { unreachable!("made above") };
            view = images;
        }
        Ok(all)
    }

    /// Makes the weights of several ranks the same where they are not: those of the first, and the mean
    /// of statistics that each has gathered from its own images. Gives how far the furthest was from the
    /// first, as a part of the weights' length: nothing where all compute alike.
    fn align(&mut self) -> Result<f64> {
        Ok(0.0)
    }

    /// Lets the weights be `share` of those that predicted at a snapshot, and the rest of those that predict
    /// now.
    fn go_towards(&mut self, to: &Self::Snapshot, share: f64);

    /// Remembers everything that [`Model::step`] changes.
    fn snapshot(&self) -> Self::Snapshot;

    /// Goes back to a snapshot, exactly where the same layers train as then; it may be of another
    /// process.
    fn restore(&mut self, snapshot: &Self::Snapshot);

    /// A snapshot as bytes that say what they are.
    fn to_bytes(snapshot: &Self::Snapshot) -> Result<Vec<u8>>;

    /// What [`Model::to_bytes`] gave, for a network of the same making.
    fn snapshot_of(&self, bytes: &[u8]) -> Result<Self::Snapshot>;

    /// Writes the weights that [`Model::predict`] uses.
    fn save(&self, path: &Path) -> Result<()>;
}
