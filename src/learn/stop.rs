//! Why training ends before its time, and who may say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// An end that is no failure of the program; the golden rule makes the best of all but the last.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The time that was given is over.
    #[error("the time is over, at step {step} of epoch {epoch}")]
    OutOfTime {
        /// Of the cycle, from 1.
        epoch: usize,
        /// Of the epoch, from 1.
        step: usize,
    },
    /// The same before anything was trained.
    #[error(
        "the time is over before an epoch was trained\nhint: give more of it, such as `--max-minutes 10`; \
         what was computed is kept, and the same command goes on from there"
    )]
    TooLittleTime,
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch}, at a rate of {rate:.1e}\nhint: lower the \
         rate, such as `--set find-full-rate.run=false --set find-full-rate.rate=1e-4`, or set \
         `optimizer.clip-norm=1`"
    )]
    NotFinite {
        loss: f64,
        /// Of the cycle, from 1.
        epoch: usize,
        /// Of the epoch, from 1.
        step: usize,
        /// The last group's rate.
        rate: f64,
    },
    #[error(
        "what the network says of the images held out is no number\nhint: lower \
         the rate, such as `--set find-full-rate.run=false --set find-full-rate.rate=1e-4`, or set \
         `optimizer.precision=f32` or `optimizer.clip-norm=1`"
    )]
    NoAnswer,
    /// Ctrl-C.
    #[error(
        "interrupted\nhint: run the same command again, without `--anew`, to go on from step {steps}"
    )]
    Interrupted {
        /// Steps that are kept.
        steps: u64,
    },
}

/// What training looks at before every step.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// No step begins after it.
    pub deadline: Option<Instant>,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
}

impl Limits {
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    pub(super) fn is_out_of_time(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
