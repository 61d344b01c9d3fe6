//! `summary.toml`, a run's last word: with it the run is finished.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::folder::{Run, SUMMARY};
use crate::target::Classes;

/// What a finished run says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Of this file's layout.
    pub version: u32,
    pub competition: String,
    /// When the run was finished, RFC 3339.
    pub finished: String,
    /// The program that made it.
    pub program: String,
    /// The device it ran on.
    pub device: String,
    pub metric: String,
    /// Its value on the validation images, decided and with test-time augmentation.
    pub score: f64,
    /// Images trained on.
    pub train_images: usize,
    /// Images held out.
    pub valid_images: usize,
    pub seconds: f64,
    /// Everything random followed from it.
    pub seed: u64,
    /// How many folds there are; 0: a single hold-out.
    pub folds: usize,
    /// Which of them this run held out, from 1.
    pub fold: usize,
    /// A name for all folds of one model: what it follows from is the same for all of them.
    pub group: String,
    /// The files whose predictions are averaged.
    pub weights: Vec<String>,
    /// The vocabulary, in the order of the network's outputs.
    pub classes: Classes,
    /// Wall time of each stage, in order.
    pub stages: Vec<StageTime>,
}

/// A line of the summary's table of stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage's title.
    pub stage: String,
    pub seconds: f64,
    /// What it found.
    pub found: String,
}

impl Run {
    /// The finished run of a group that held out `fold`, if there is one.
    pub fn of_fold(
        runs: &Path,
        competition: &str,
        group: &str,
        fold: usize,
    ) -> Result<Option<Self>> {
        let all = Self::all(runs, Some(competition))?;
        let is_it = |run: &Self| {
            run.summary().is_ok_and(|summary| summary.group == group && summary.fold == fold)
        };
        Ok(all.into_iter().rev().filter(Self::is_finished).find(is_it))
    }

    /// The run's last word, which makes it a finished one.
    pub fn finish(&self, summary: &Summary) -> Result<()> {
        self.write_toml(SUMMARY, summary)
    }

    /// What the finished run says of itself.
    pub fn summary(&self) -> Result<Summary> {
        self.read_toml(SUMMARY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert!(!run.is_finished());
        let summary = Summary {
            version: 1,
            competition: "planet".to_owned(),
            finished: "2026-11-24T06:00:00Z".to_owned(),
            program: "kaggle-kit 0.1.0".to_owned(),
            device: "cpu".to_owned(),
            metric: "F2".to_owned(),
            score: 0.93,
            train_images: 180,
            valid_images: 20,
            seconds: 1.25,
            seed: 42,
            folds: 5,
            fold: 2,
            group: "00ff".to_owned(),
            weights: vec!["weights.safetensors".to_owned()],
            classes: ["a", "b"].map(str::to_owned).to_vec().into(),
            stages: vec![StageTime {
                stage: "unfreeze".to_owned(),
                seconds: 0.5,
                found: "from loss 0.1".to_owned(),
            }],
        };
        run.finish(&summary).unwrap();
        assert!(run.is_finished());
        assert_eq!(run.summary().unwrap(), summary);
    }
}
