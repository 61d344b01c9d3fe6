//! What the loop asks of a network. libtorch's answer is `torch::Network`, the tests' a mock.

use anyhow::Result;

use crate::dataset::Images;

/// Layer groups: the backbone's earlier half, its later half, the head (golden rule, A4).
pub const GROUPS: usize = 3;

/// A learning rate for each layer group, earliest first.
pub type Rates = [f64; GROUPS];

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
    /// What the backbone made of them before: `[n, width]`, row-major.
    Activations(Vec<f32>),
}

/// A network that can be trained a step at a time, on batches in host memory.
pub trait Model {
    /// Weights, norms' statistics and the optimiser's state at one moment.
    type Snapshot;

    /// Chooses the layers that train, with a fresh optimiser.
    fn begin(&mut self, trainable: Trainable);

    /// The backbone's pooled answer to `images`, `[n, width]`: what the head takes.
    fn activations(&mut self, images: &Images) -> Result<Vec<f32>>;

    /// One step down the gradient; gives the batch's mean loss before it.
    ///
    /// `targets` are `[n, classes]`; all that is random in the step (dropout) follows from `seed`.
    fn step(&mut self, input: &Input, targets: &[f32], rates: &Rates, seed: u64) -> Result<f64>;

    /// Probabilities, `[n, classes]`.
    fn predict(&mut self, input: &Input) -> Result<Vec<f32>>;

    /// Remembers everything that [`Model::step`] changes.
    fn snapshot(&self) -> Self::Snapshot;

    /// Goes back to a snapshot, exactly.
    fn restore(&mut self, snapshot: &Self::Snapshot);
}
