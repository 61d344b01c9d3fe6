//! What training has done so far: enough to do the golden rule again up to any batch without
//! computing anything, and to go on from there.

use serde::{Deserialize, Serialize};

use super::score::Score;
use super::stage::Stage;

/// One finished piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A rate was chosen.
    Rate {
        stage: Stage,
        /// The last group's rate.
        rate: f64,
    },
    /// A cycle was trained to its end.
    Cycle {
        stage: Stage,
        /// Its number within the stage, from 1.
        number: usize,
        /// The score after each epoch.
        scores: Vec<Score>,
    },
    /// A stage was finished.
    Stage { stage: Stage, seconds: f64, found: String },
}

/// A place in the middle of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Position {
    pub stage: Stage,
    /// The cycle's number within it.
    pub cycle: usize,
    /// Whole epochs of the cycle that are done.
    pub epoch: usize,
    /// Steps of the epoch that are done.
    pub step: usize,
    /// The sum of their losses.
    pub loss_sum: f64,
    /// The score after each whole epoch.
    pub scores: Vec<Score>,
}

impl Position {
    pub fn start_of(stage: Stage, cycle: usize) -> Self {
        Self { stage, cycle, epoch: 0, step: 0, loss_sum: 0.0, scores: Vec::new() }
    }
}

/// Everything but the tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Journal {
    /// Epochs of training, in all stages.
    pub epochs: u64,
    /// Steps, likewise.
    pub steps: u64,
    /// The best score so far.
    pub best: Option<Score>,
    /// Where in a cycle training stands, if it stands in one.
    #[serde(rename = "place")]
    pub position: Option<Position>,
    /// What is finished, in order.
    pub done: Vec<Entry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_back_as_it_was_written() {
        let (stage, score) =
            (Stage::WholeNetwork, Score { loss: 0.25, metric: 0.5, accuracy: None });
        let mut position = Position::start_of(stage, 2);
        (position.step, position.loss_sum) = (3, 0.75);
        position.scores.push(Score { accuracy: Some(0.9), ..score });
        let journal = Journal {
            epochs: 4,
            steps: 99,
            best: Some(score),
            position: Some(position),
            done: vec![
                Entry::Rate { stage: Stage::FindFullRate, rate: 1e-3 },
                Entry::Stage {
                    stage: Stage::FindFullRate,
                    seconds: 1.5,
                    found: "a \"rate\"".into(),
                },
                Entry::Cycle { stage, number: 1, scores: vec![score] },
            ],
        };
        for journal in [journal, Journal::default()] {
            let text = toml::to_string(&journal).unwrap();
            assert_eq!(toml::from_str::<Journal>(&text).unwrap(), journal, "{text}");
            assert!(!text.contains("position"), "{text}");
        }
    }
}
