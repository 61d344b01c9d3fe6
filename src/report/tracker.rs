//! Other people's programs that show training: what is written for them as it goes.

use anyhow::Result;
use serde::Deserialize;

use super::mlflow::Mlflow;
use crate::run::{Event, Listener, Run, TensorBoardLog};
use crate::term;

/// A program that shows training, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tracker {
    /// Event files in the run's folder.
    TensorBoard,
    /// A run on a server.
    Mlflow,
}

/// Those that were asked for.
pub struct Trackers<'a> {
    tensorboard: Option<TensorBoardLog>,
    mlflow: Option<Mlflow<'a>>,
}

impl<'a> Trackers<'a> {
    /// Opens what they read; `metric` is what the metric is called.
    pub fn open(asked: &[Tracker], run: &'a Run, metric: &str) -> Result<Self> {
        let tensorboard = if asked.contains(&Tracker::TensorBoard) {
            Some(TensorBoardLog::create(run, metric)?)
        } else {
            None
        };
        let mlflow =
            if asked.contains(&Tracker::Mlflow) { Some(Mlflow::open(run, metric)?) } else { None };
        Ok(Self { tensorboard, mlflow })
    }
}

impl Listener for Trackers<'_> {
    fn event(&mut self, event: &Event) {
        if let Some(log) = &mut self.tensorboard
            && let Err(error) = log.write(event)
        {
            term::warn(format_args!("TensorBoard gets no more of this run: {error:#}"));
            self.tensorboard = None;
        }
        if let Some(server) = &mut self.mlflow
            && let Err(error) = server.write(event)
        {
            term::warn(format_args!("MLflow gets no more of this run: {error:#}"));
            self.mlflow = None;
        }
    }
}
