//! What the loop asks of a network. libtorch's answer is `torch::Network`, the tests' a mock.

use std::path::Path;

use anyhow::Result;

use crate::dataset::Images;
use crate::schedule::Rates;

/// Which layers a stage changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trainable {
    /// The head; the backbone's weights and its norms' statistics stand still.
    Head,
    /// All three groups.
    Everything,
}

/// A batch as the network takes it.
#[derive(Clone, Debug)]
pub enum Input {
    /// Pictures.
    Images(Images),
    /// What the backbones made of them before: `[n, sum of widths]`, row-major.
    Activations(Vec<f32>),
}

/// What the optimiser is told for a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Each layer group's rate.
    pub rates: Rates,
    /// Decay of the gradient's running mean.
    pub momentum: f64,
}

/// A network that can be trained a step at a time, on batches in host memory.
pub trait Model {
    /// Weights, norms' statistics and the optimiser's state at one moment.
    type Snapshot;

    /// A step's loss, which a device may still be computing.
    type Loss;

    /// Chooses the layers that train, with a fresh optimiser.
    fn begin(&mut self, trainable: Trainable);

    /// Numbers of [`Model::activations`] an image, for each of the model's backbones.
    fn widths(&self) -> Vec<usize>;

    /// A backbone's pooled answer to `images`, `[n, width]`; the head takes those of all backbones,
    /// one after another.
    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>>;

    /// One step down the gradient; gives the batch's mean loss before it. After a loss that is not
    /// finite the weights are what they were, unless the model [works ahead](Model::works_ahead).
    ///
    /// `targets` are `[n, classes]`; all that is random in the step (dropout) follows from `seed`.
    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        pace: &Pace,
        seed: u64,
    ) -> Result<Self::Loss>;

    /// The number that a step's loss is; waits for it.
    fn loss(&self, loss: &Self::Loss) -> Result<f64>;

    /// Whether a step returns before it is done, as on a GPU: who asks for its loss only after the
    /// next step has begun keeps the device busy.
    fn works_ahead(&self) -> bool {
        false
    }

    /// What the last step had to do differently, if anything, in words.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// Probabilities, `[n, classes]`.
    fn predict(&mut self, input: &Input) -> Result<Vec<f32>>;

    /// Remembers everything that [`Model::step`] changes.
    fn snapshot(&self) -> Self::Snapshot;

    /// Goes back to a snapshot, exactly.
    fn restore(&mut self, snapshot: &Self::Snapshot);

    /// Goes back to a snapshot of another process, with the layers that trained then.
    fn resume(&mut self, snapshot: &Self::Snapshot);

    /// A snapshot as bytes that say what they are.
    fn to_bytes(snapshot: &Self::Snapshot) -> Result<Vec<u8>>;

    /// What [`Model::to_bytes`] gave, for a network of the same making.
    fn snapshot_of(&self, bytes: &[u8]) -> Result<Self::Snapshot>;

    /// Writes the weights that [`Model::predict`] uses.
    fn save(&self, path: &Path) -> Result<()>;
}
