//! What a training run does, step by step: the golden rule's settings as one value.
//!
//! `default.toml` beside this file is the reference of all fields and their template.

mod augment;
mod bounds;
mod layers;
mod names;
mod of_competition;
mod of_fold;
mod preset;
mod settings;

use serde::{Deserialize, Serialize};

pub use augment::{Augment, AugmentPolicy};
pub(crate) use layers::laid_over;
pub use layers::{DEFAULT, Layer, defaults_for, resolve};
pub use names::{meant as known_by_another_name, own_names};
pub use of_competition::{commented, of_competition, of_fewer_folds, smoke};
pub use of_fold::{backbones_of_folds, of_fold};
pub use preset::Preset;
pub use settings::{Setting, changed, settings};

use crate::schedule::{LayerRates, Schedule};

/// The settings of one run, written into its folder. What [`resolve`] gives has no 0 that stands for
/// the backbone's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// timm's name of the pretrained network; several side by side are joined by `+`, those of one fold and the next
    /// by commas ([`Recipe::own_backbone`]).
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
    /// A finished run that labels the test images, which are trained on as well; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pseudo: String,
    /// A finished run by whose plan all images are trained on, those too that it held out; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refit: String,
    /// Fraction of the training images held out for validation, in (0, 1).
    pub valid: f64,
    /// Hold out so many parts in turn, a run each; 0: hold out `valid` once.
    pub folds: usize,
    /// Which part this run holds out, from 1.
    pub fold: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// Whether a GPU computes the same bits each time. Left out of a run's recipe where it does not, as
    /// below.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deterministic: bool,
    /// The random views of training images, and the symmetries of test-time augmentation.
    pub augment: Augment,
    /// Random views show a part of an image with a share of its area between these; empty: nearly all
    /// of it. Left out of a run's recipe where it says nothing, so that the folds of older versions
    /// are found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub random_area: Vec<f64>,
    /// Operations on random views beyond those. Left out likewise, as are the next two.
    #[serde(default, skip_serializing_if = "AugmentPolicy::is_none")]
    pub augment_policy: AugmentPolicy,
    /// How strong [`AugmentPolicy::Rand`]'s are, from 0 to 30.
    #[serde(
        default = "augment::rand_magnitude",
        skip_serializing_if = "augment::is_rand_magnitude"
    )]
    pub augment_magnitude: usize,
    /// The probability that a part of a random view is erased.
    #[serde(default, skip_serializing_if = "augment::is_zero")]
    pub random_erasing: f64,
    pub sampling: Sampling,
    /// Whether predictions are the mean over the centre crop, the whole, and their symmetries.
    pub tta: bool,
    /// The new layers on top of the backbone.
    pub head: HeadSettings,
    pub optimizer: OptimizerSettings,
    pub loss: LossSettings,
    /// What is learnt of other runs.
    #[serde(default, skip_serializing_if = "Distil::is_off")]
    pub distil: Distil,
    /// Step 1.
    pub precompute: Precompute,
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

/// The backbone's answers to all images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Precompute {
    pub run: bool,
    /// So many random views of every training image, besides the centre crop.
    pub views: usize,
    /// Whether they are kept for other runs.
    pub cache: bool,
}

/// Which images an epoch shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Every one once.
    Uniform,
    /// As many, drawn so that the rarest class of an image decides how often it comes.
    Balanced,
}

/// What is learnt of other runs' answers for the training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Distil {
    /// Finished runs, joined by `+`; empty: none.
    pub teacher: String,
    /// Of every target, what is theirs.
    pub share: f64,
}

impl Default for Distil {
    fn default() -> Self {
        Self { teacher: String::new(), share: 0.5 }
    }
}

impl Distil {
    fn is_off(&self) -> bool {
        self.teacher.is_empty()
    }
}

/// All layers train from here on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Unfreeze {
    /// Whether the steps from here on run.
    pub run: bool,
    /// What batch norms of the backbone do.
    pub statistics: Statistics,
    /// The probability that an image leaves the last residual branch out, earlier ones less often
    /// (<https://arxiv.org/abs/1603.09382>).
    #[serde(default, skip_serializing_if = "augment::is_zero")]
    pub drop_path: f64,
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

/// The head: pooled features -> hidden layer -> classes, and beside it features -> classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadSettings {
    /// Units of the hidden layer; 0: no hidden layer.
    pub width: usize,
    /// Whether a linear layer on the features is added, fitted to convergence in step 3. Runs of older
    /// versions had none.
    pub linear: bool,
    /// Dropout before the hidden layer and before the output.
    pub dropout: [f64; 2],
    /// The head's own decoupled decay; see [`OptimizerSettings::weight_decay`].
    pub weight_decay: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// <https://arxiv.org/abs/1711.05101>, algorithm 2.
    Adamw,
    /// Momentum with decoupled decay (the same paper, algorithm 1).
    Sgd,
}

/// The numbers that a network computes with; weights stay f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// What the device is made for.
    Auto,
    F32,
    /// f32 whose products have 10 bits after the point instead of 23, on NVIDIA GPUs since 2020;
    /// elsewhere f32.
    Tf32,
    /// 16 bits with the range of 32.
    Bf16,
    /// 16 bits; the loss is scaled so that small gradients do not vanish.
    F16,
}

/// How weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptimizerSettings {
    pub kind: OptimizerKind,
    /// The backbone's decoupled decay a step, times the rate; norms and biases are left out.
    pub weight_decay: f64,
    /// Decay of the gradient's running mean (beta 1).
    pub momentum: f64,
    pub schedule: Schedule,
    /// Fraction of a stage's first cycle in which the rate climbs to its full height.
    pub warm_up: f64,
    /// The longest gradient over all weights, L2; 0: any length.
    pub clip_norm: f64,
    /// A batch is computed in so many pieces, one step for all of them.
    pub accumulate: usize,
    pub precision: Precision,
    /// Decay a step of the running mean of the weights; 0: none is kept.
    pub average: f64,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LossSettings {
    pub kind: LossKind,
    /// Of the focal loss: how much less what is nearly right counts.
    pub gamma: f64,
    pub class_weights: ClassWeights,
    /// The part of every target that goes to the other classes, in `[0, 1)`.
    pub smoothing: f64,
    /// Mixup's alpha (<https://arxiv.org/abs/1710.09412>); 0: off.
    pub mixup: f64,
    /// `CutMix`'s alpha (<https://arxiv.org/abs/1905.04899>); 0: off.
    pub cutmix: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// Cross-entropy for classes, binary cross-entropy for tags.
    Auto,
    /// One minus the mean F2 with probabilities in place of decisions.
    SoftF2,
    /// Focuses on tags that are there (<https://arxiv.org/abs/2009.14119>).
    Asymmetric,
    /// Cross-entropy that counts less what is nearly right (<https://arxiv.org/abs/1708.02002>).
    Focal,
}

/// How much each class counts in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// As much as it has images.
    None,
    /// As much as any other: an image the inverse of how many its class has.
    Balanced,
}

/// The learning-rate finder's sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindRate {
    pub run: bool,
    pub start: f64,
    /// The last rate, unless the loss explodes before.
    pub end: f64,
    pub steps: usize,
    /// It runs only where its steps are at most such a part of those that its rate is for; 0: anyway.
    pub share: f64,
    /// The rate that is used when the finder does not run, or finds nothing.
    pub rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadOnActivations {
    pub run: bool,
    /// Passes over the activations.
    pub epochs: usize,
    /// Passes are added until so many steps are made.
    pub min_steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeadWithAugmentation {
    pub run: bool,
    /// Passes over the images, each a cosine cycle of its own.
    pub epochs: usize,
}

/// Differential learning rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EarlierLayers {
    /// How many times slower a group learns than the one after it.
    pub factor: f64,
    /// A number a group, earliest first, in place of the factor; empty: the factor.
    pub ratios: Vec<f64>,
    /// Within the backbone, how many times as fast a layer learns as the one after it.
    pub decay: f64,
}

impl EarlierLayers {
    /// How the rates of the groups hang together.
    pub fn rates(&self) -> LayerRates {
        match self.ratios.as_slice() {
            [] => LayerRates::Factor(self.factor),
            ratios => LayerRates::Ratios(ratios.to_vec()),
        }
    }
}

/// The whole network until it over-fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WholeNetwork {
    pub run: bool,
    pub cycle_len: usize,
    /// How many times longer each cycle is than the one before.
    pub cycle_mult: usize,
    pub max_cycles: usize,
    /// Pixels of the training images in each cycle; the last one holds for the rest. Empty: `size`.
    pub sizes: Vec<usize>,
    /// Predict with the mean of so many cycles' best weights; 0: the best weights alone.
    pub snapshots: usize,
    /// Predict with the mean of the weights at several moments.
    #[serde(default, skip_serializing_if = "WeightAverage::is_none")]
    pub average: WeightAverage,
    /// The smallest relative gain in validation loss that earns another cycle.
    pub min_gain: f64,
}

/// Whose weights a mean is made of (<https://arxiv.org/abs/1803.05407>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightAverage {
    /// None is made.
    #[default]
    None,
    /// Those at the end of each cycle, where the rate is lowest.
    Cycles,
    /// Those at the end of each epoch.
    Epochs,
}

impl WeightAverage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl WholeNetwork {
    /// Pixels of the training images in a cycle, the first of which is 0.
    pub fn size(&self, cycle: usize, recipe: &Recipe) -> usize {
        self.sizes.get(cycle).or(self.sizes.last()).copied().unwrap_or(recipe.size)
    }
}
