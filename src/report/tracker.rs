//! Other people's programs that show training: what is written for them as it goes.

use anyhow::Result;
use serde::Deserialize;

use crate::run::{Event, Listener, Run, TensorBoardLog};
use crate::term;

/// A program that shows training, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tracker {
    /// Event files in the run's folder.
    TensorBoard,
}

/// Those that were asked for.
pub struct Trackers {
    tensorboard: Option<TensorBoardLog>,
}

impl Trackers {
    /// Opens what they read; `metric` is what the metric is called.
    pub fn open(asked: &[Tracker], run: &Run, metric: &str) -> Result<Self> {
        let tensorboard = if asked.contains(&Tracker::TensorBoard) {
            Some(TensorBoardLog::create(run, metric)?)
        } else {
            None
        };
        Ok(Self { tensorboard })
    }
}

impl Listener for Trackers {
    fn event(&mut self, event: &Event) {
        let Some(log) = &mut self.tensorboard else { return };
        if let Err(error) = log.write(event) {
            term::warn(format_args!("TensorBoard gets no more of this run: {error:#}"));
            self.tensorboard = None;
        }
    }
}
