//! A run's curves as data: what its logs tell of training, once.

use anyhow::Result;

use super::curve::Sweep;
use super::event::{Epoch, Event, Step};
use super::folder::Run;
use super::log::LogLines;

/// How a run was trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Training {
    /// Every epoch, in order.
    pub epochs: Vec<Epoch>,
    /// The learning-rate finder's sweeps, in order.
    pub sweeps: Vec<Sweep>,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// What could not be read: file, line and fault.
    pub faults: Vec<String>,
}

impl Run {
    /// What the logs hold; nothing where there are none.
    pub fn training(&self) -> Result<Training> {
        let LogLines { lines, faults } = self.events()?;
        let mut training = Training { faults, ..Training::default() };
        for event in lines {
            training.take(event);
        }
        let LogLines { lines, faults } = self.steps()?;
        training.steps = lines;
        training.faults.extend(faults);
        // The curves come from the events; a spreadsheet takes them from here.
        training.faults.extend(self.sweep_rows()?.faults);
        Ok(training)
    }
}

impl Training {
    /// A run that was resumed tells the epoch and the sweep in which it died again.
    fn take(&mut self, event: Event) {
        match event {
            Event::Epoch(epoch) => {
                self.epochs.retain(|e| (e.stage, e.epoch) != (epoch.stage, epoch.epoch));
                self.epochs.push(epoch);
            }
            Event::RateFound(sweep) => {
                self.sweeps.retain(|s| s.stage != sweep.stage);
                self.sweeps.push(sweep);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Stage;

    const LOG: &str = r#"{"event":"stage-started","stage":"find-head-rate","time":"2026-11-24T06:00:08Z"}
{"event":"rate-found","stage":"find-head-rate","curve":{"rates":[1e-4,1e-3,1e-2],"losses":[2.0,1.0,null],"batch_losses":[2.1,0.9,5.0],"end":"not-finite","suggestions":{"clear":0.0012,"valley":null}},"chosen":{"rate":0.0012,"why":"clear"}}
{"event":"stage-finished","stage":"find-head-rate","found":"1.2e-3, the highest rate","seconds":0.5}
{"event":"epoch","stage":"head-on-activations","epoch":1,"cycle":1,"train_loss":1.2,"score":{"loss":0.3,"metric":0.3,"accuracy":0.9},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"something-new","stage":"head-on-activations","field":[1,2]}
{"event":"epoch","stage":"head-on-activations","epoch":1,"cycle":1,"train_loss":1.1,"score":{"loss":0.25,"metric":0.25,"accuracy":0.92},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"epoch","stage":"head-on-activ"#;

    #[test]
    fn a_log_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert_eq!(run.training().unwrap(), Training::default());
        run.write("events.jsonl", LOG).unwrap();
        let training = run.training().unwrap();
        assert_eq!(training.faults, [""; 0]);
        // The epoch that was told twice, after a resumption, counts once; half a line does not.
        assert_eq!(training.epochs.len(), 1);
        assert_eq!(training.epochs[0].train_loss, 1.1);
        assert_eq!(training.epochs[0].stage, Stage::HeadOnActivations);
        let sweep = &training.sweeps[0];
        assert_eq!(sweep.curve.suggestions.clear, Some(0.0012));
        assert_eq!(
            sweep.chosen.to_string(),
            "1.2e-3, the highest rate at which the loss still clearly improves"
        );
        assert!(sweep.curve.losses[2].is_nan());
    }
}
