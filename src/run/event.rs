//! What training tells as it goes: the only way out for reporters, none of which can stop a run.

use serde::{Deserialize, Serialize};

use super::checked::{self, Fault, all_finite, between, finite, hold};
use super::curve::Sweep;
use super::number;
use super::score::Score;
use super::stage::Stage;
use crate::schedule::Rates;

/// Something that happened. What is written down of it is a line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    StageStarted {
        stage: Stage,
    },
    /// A pass over images or activations begins.
    #[serde(skip)]
    PassStarted {
        /// What is counted: `images`, `steps`.
        #[serde(skip)]
        unit: &'static str,
        total: usize,
    },
    /// So many more of the pass's units are done; a step of training is one as well.
    #[serde(skip)]
    Advanced {
        units: usize,
    },
    /// A run that was stopped goes on.
    Resumed {
        /// Steps that are done.
        steps: u64,
        /// The lowest validation loss so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        best: Option<f64>,
    },
    /// One step of training: a line of `steps.csv`.
    #[serde(skip)]
    Step(Step),
    /// Something worth knowing that changes no number.
    Note {
        text: String,
    },
    /// Training ended before its time.
    Stopped {
        stage: Stage,
        why: String,
    },
    /// An epoch of training is over and has been validated.
    Epoch(Epoch),
    /// The learning-rate finder is done.
    RateFound(Sweep),
    StageFinished {
        stage: Stage,
        seconds: f64,
        /// What it found, in a few words.
        found: String,
    },
    /// What a newer version wrote down; nobody sends it.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// One step of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub stage: Stage,
    /// Within the stage, from 1.
    pub cycle: usize,
    /// Within the stage, from 1.
    pub epoch: usize,
    /// Its number in the whole run, from 1.
    pub step: u64,
    /// The batch's mean loss before it.
    pub loss: f64,
    /// The last group's rate.
    pub rate: f64,
    /// The optimiser's momentum.
    pub momentum: f64,
}

/// One epoch of training, with the look at the validation images that ended it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    pub stage: Stage,
    /// Its number within the stage, from 1.
    pub epoch: usize,
    /// The cycle it belongs to, from 1.
    pub cycle: usize,
    /// Mean loss over the epoch's batches.
    #[serde(deserialize_with = "number::or_nan")]
    pub train_loss: f64,
    pub score: Score,
    /// Each group's rate at the cycle's height.
    pub rates: Rates,
    /// With its validation.
    pub seconds: f64,
}

impl Event {
    /// Finds what cannot be drawn or counted with. A loss that was no number may be told as that.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Epoch(epoch) => epoch.check(),
            Self::RateFound(sweep) => sweep.check(),
            Self::Resumed { best, .. } => finite("best", best.unwrap_or_default()),
            Self::StageFinished { seconds, .. } => checked::seconds("seconds", *seconds),
            _ => Ok(()),
        }
    }
}

impl Epoch {
    fn check(&self) -> Result<(), Fault> {
        let Self { epoch, train_loss, score, rates, seconds, .. } = self;
        checked::loss("train_loss", *train_loss)?;
        checked::loss("loss", score.loss)?;
        // Kappa, MCC and R2 may be below 0.
        if !score.metric.is_nan() {
            finite("metric", score.metric)?;
        }
        between("accuracy", score.accuracy.unwrap_or_default(), 0.0, 1.0)?;
        all_finite("rates", rates)?;
        checked::seconds("seconds", *seconds)?;
        hold(*epoch > 0, "epoch", || "is 0".to_owned())
    }
}

/// Whoever wants to know.
pub trait Listener: Send {
    /// Takes note of an event.
    fn event(&mut self, event: &Event);
}

/// Nobody listens where there is none.
impl<L: Listener> Listener for Option<L> {
    fn event(&mut self, event: &Event) {
        if let Some(listener) = self {
            listener.event(event);
        }
    }
}

impl Listener for () {
    fn event(&mut self, _: &Event) {}
}
