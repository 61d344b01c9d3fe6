//! What training tells as it goes: the only way out for reporters, none of which can stop a run.

use serde::{Deserialize, Serialize};

use super::learner::Score;
use super::lr_find::{Choice, RateCurve};
use super::model::Rates;

/// The golden rule's eight steps, and the look at validation images that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// 1. The backbone's activations for every image, once.
    Precompute,
    /// 2. The learning-rate finder for the head.
    FindHeadRate,
    /// 3. The head on activations.
    HeadOnActivations,
    /// 4. The head with augmentation.
    HeadWithAugmentation,
    /// 5. All layers train from here on.
    Unfreeze,
    /// 6. Lower rates for earlier layers.
    EarlierLayers,
    /// 7. The learning-rate finder for the whole network.
    FindFullRate,
    /// 8. The whole network until it over-fits.
    WholeNetwork,
    /// Predictions for the validation images with test-time augmentation.
    Predict,
}

impl Stage {
    /// All steps, in order.
    pub const ALL: [Self; 9] = [
        Self::Precompute,
        Self::FindHeadRate,
        Self::HeadOnActivations,
        Self::HeadWithAugmentation,
        Self::Unfreeze,
        Self::EarlierLayers,
        Self::FindFullRate,
        Self::WholeNetwork,
        Self::Predict,
    ];

    /// The step's place in the list, from 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The name in plans, tables and summaries.
    pub fn title(self) -> &'static str {
        match self {
            Self::Precompute => "precompute activations",
            Self::FindHeadRate => "find the head's rate",
            Self::HeadOnActivations => "head on activations",
            Self::HeadWithAugmentation => "head with augmentation",
            Self::Unfreeze => "unfreeze",
            Self::EarlierLayers => "earlier layers slower",
            Self::FindFullRate => "find the full rate",
            Self::WholeNetwork => "whole network",
            Self::Predict => "predict validation images",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event<'a> {
    /// A stage begins.
    StageStarted {
        /// Which.
        stage: Stage,
    },
    /// A pass over images or activations begins.
    PassStarted {
        /// What is counted: `images`, `steps`.
        unit: &'static str,
        /// How many of them there are.
        total: usize,
    },
    /// So many more of the pass's units are done; a step of training is one as well.
    Advanced {
        /// Units.
        units: usize,
    },
    /// A run that was stopped goes on.
    Resumed {
        /// Steps that are done.
        steps: u64,
    },
    /// One step of training.
    Step {
        /// The stage it belongs to.
        stage: Stage,
        /// The cycle it belongs to, from 1.
        cycle: usize,
        /// The epoch within the stage, from 1.
        epoch: usize,
        /// Its number in the whole run, from 1.
        step: u64,
        /// The batch's mean loss before it.
        loss: f64,
        /// The last group's rate.
        rate: f64,
        /// The optimiser's momentum.
        momentum: f64,
    },
    /// Something worth knowing that changes no number.
    Note {
        /// In words.
        text: &'a str,
    },
    /// Training ended before its time.
    Stopped {
        /// In which stage.
        stage: Stage,
        /// Why.
        why: String,
    },
    /// An epoch of training is over and has been validated.
    Epoch {
        /// The stage it belongs to.
        stage: Stage,
        /// Its number within the stage, from 1.
        epoch: usize,
        /// The cycle it belongs to, from 1.
        cycle: usize,
        /// Mean loss over the epoch's batches.
        train_loss: f64,
        /// How the network does on the validation images.
        score: Score,
        /// Each group's rate at the cycle's height.
        rates: Rates,
        /// Wall time of the epoch with its validation.
        seconds: f64,
    },
    /// The learning-rate finder is done.
    RateFound {
        /// The stage it belongs to.
        stage: Stage,
        /// The sweep.
        curve: &'a RateCurve,
        /// The rate that is taken, and why.
        chosen: Choice,
    },
    /// A stage is over.
    StageFinished {
        /// Which.
        stage: Stage,
        /// Wall time.
        seconds: f64,
        /// What it found, in a few words.
        found: String,
    },
}

/// Whoever wants to know.
pub trait Listener {
    /// Takes note of an event.
    fn event(&mut self, event: &Event);
}

impl Listener for () {
    fn event(&mut self, _: &Event) {}
}
