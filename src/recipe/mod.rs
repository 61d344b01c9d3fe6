//! What a training run does, step by step: the golden rule's settings as one value.
//!
//! `default.toml` beside this file is the reference of all fields and their template.

mod layers;

use serde::{Deserialize, Serialize};

pub use layers::{DEFAULT, Layer, resolve};

/// The settings of one run, written into its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// timm's name of the pretrained network.
    pub backbone: String,
    /// A safetensors file; empty: the weights cache.
    pub weights: String,
    /// Side of the square that the network sees, in pixels.
    pub size: usize,
    /// The square's share of an image's shorter side, in (0, 1], where no random view is taken.
    pub crop: f64,
    /// Images a step.
    pub batch_size: usize,
    /// Use only so many training images, a stratified part; 0: all.
    pub max_images: usize,
    /// Fraction of the training images held out for validation, in (0, 1).
    pub valid: f64,
    /// Everything random follows from it.
    pub seed: u64,
    /// The random views of training images, and the symmetries of test-time augmentation.
    pub augment: Augment,
    /// Whether predictions are the mean over the centre crop, the whole, and their symmetries.
    pub tta: bool,
    /// The new layers on top of the backbone.
    pub head: HeadSettings,
    /// `AdamW`'s settings.
    pub optimizer: Optimizer,
    /// Step 1.
    pub precompute: Switch,
    /// Step 2.
    pub find_head_rate: FindRate,
    /// Step 3.
    pub head_on_activations: HeadOnActivations,
    /// Step 4.
    pub head_with_augmentation: HeadWithAugmentation,
    /// Step 5.
    pub unfreeze: Unfreeze,
    /// Step 6.
    pub earlier_layers: EarlierLayers,
    /// Step 7.
    pub find_full_rate: FindRate,
    /// Step 8.
    pub whole_network: WholeNetwork,
}

/// Which changes leave an image's meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// None at all.
    None,
    /// Photographs taken upright: the mirror image, a small zoom, turn and change of light.
    SideOn,
    /// Seen from above: the eight symmetries of the square, and the same small changes.
    TopDown,
}

/// A step with nothing to set but whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Switch {
    /// Whether the step runs.
    pub run: bool,
}

/// All layers train from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Unfreeze {
    /// Whether the steps from here on run.
    pub run: bool,
    /// What batch norms of the backbone do.
    pub statistics: Statistics,
}

/// The mean and spread by which a backbone's batch norms normalise, once it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistics {
    /// Those of the pretraining, for good (v0.7's `bn_freeze(True)`); scale and shift still train.
    Fixed,
    /// Each batch's own, with a running mean for prediction.
    Moving,
}

/// The head: pooled features -> hidden layer -> classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadSettings {
    /// Units of the hidden layer; 0: no hidden layer.
    pub width: usize,
    /// Dropout before the hidden layer and before the output.
    pub dropout: [f64; 2],
    /// The head's own decoupled decay; see [`Optimizer::weight_decay`].
    pub weight_decay: f64,
}

/// `AdamW`: <https://arxiv.org/abs/1711.05101>.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Optimizer {
    /// The backbone's decoupled decay a step, times the rate; norms and biases are left out.
    pub weight_decay: f64,
    /// Decay of the gradient's running mean (beta 1).
    pub momentum: f64,
    /// Fraction of a stage's first cycle in which the rate climbs to its full height.
    pub warm_up: f64,
}

/// The learning-rate finder's sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindRate {
    /// Whether the finder runs.
    pub run: bool,
    /// The first rate.
    pub start: f64,
    /// The last rate, unless the loss explodes before.
    pub end: f64,
    /// Steps from one to the other.
    pub steps: usize,
    /// The rate that is used when the finder does not run, or finds nothing.
    pub rate: f64,
}

/// The head on precomputed activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadOnActivations {
    /// Whether the step runs.
    pub run: bool,
    /// Passes over the activations.
    pub epochs: usize,
    /// Passes are added until so many steps are made.
    pub min_steps: usize,
}

/// The head on augmented images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadWithAugmentation {
    /// Whether the step runs.
    pub run: bool,
    /// Passes over the images, each a cosine cycle of its own.
    pub epochs: usize,
}

/// Differential learning rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EarlierLayers {
    /// How many times slower a group learns than the one after it.
    pub factor: f64,
}

/// The whole network until it over-fits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WholeNetwork {
    /// Whether the step runs.
    pub run: bool,
    /// Epochs of the first cycle.
    pub cycle_len: usize,
    /// How many times longer each cycle is than the one before.
    pub cycle_mult: usize,
    /// The most cycles.
    pub max_cycles: usize,
    /// The smallest relative gain in validation loss that earns another cycle.
    pub min_gain: f64,
}
