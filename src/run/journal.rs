//! What training has done so far: enough to do the golden rule again up to any batch without
//! computing anything, and to go on from there.

use serde::{Deserialize, Serialize};

use super::checked::{Checked, Fault, finite, hold};
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
    /// Linear layers on the activations were fitted.
    Fitted {
        stage: Stage,
        /// That of the layer with the lowest loss on the held-out images.
        strength: f64,
        /// That layer alone.
        linear: Score,
        /// The mean of its logits and those that were there.
        mean: Score,
    },
    /// A cycle was trained to its end.
    Cycle {
        stage: Stage,
        /// Its number within the stage, from 1.
        number: usize,
        /// The score after each epoch.
        scores: Vec<Score>,
    },
    /// Whether the mean of the whole network's weights was kept, or the best of them.
    Averaged { is_kept: bool, mean: Score, best: Score },
    /// Of the network before its backbone trained, the best since, and the one midway between them one was
    /// kept.
    Chosen { kept: Kept, frozen: Score, midway: Score, whole: Score },
    /// A stage was finished.
    Stage { stage: Stage, seconds: f64, found: String },
}

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    Frozen,
    Midway,
    Whole,
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
    /// Seconds that the stage took so far that a checkpoint was written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<f64>,
    /// The best score so far; once the backbone trains, since then.
    pub best: Option<Score>,
    /// The best before the backbone trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Score>,
    /// Moments whose weights are in their mean.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub averaged: u64,
    /// Where in a cycle training stands, if it stands in one.
    #[serde(rename = "place")]
    pub position: Option<Position>,
    /// Whether time or a number that is none ended training before its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_stopped: bool,
    /// Whether it was such a number: the same training would end there again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverged: bool,
    /// What is finished, in order.
    pub done: Vec<Entry>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// No training comes so far: what is beyond cannot be counted with.
const MOST: u64 = 1 << 50;

impl Checked for Journal {
    const HINT: &'static str = "an older version made this run, or its folder was not copied whole: train it \
                                again with `--anew`";

    /// Finds what no training could go on from.
    fn check(&self) -> Result<(), Fault> {
        for (key, n) in
            [("epochs", self.epochs), ("steps", self.steps), ("averaged", self.averaged)]
        {
            hold(n <= MOST, key, || format!("is {n}, more than any training makes"))?;
        }
        if let Some(best) = &self.best {
            finite("loss", best.loss).map_err(|fault| fault.within("best"))?;
        }
        if let Some(position) = &self.position {
            position.check().map_err(|fault| fault.within("place"))?;
        }
        for (i, entry) in self.done.iter().enumerate() {
            entry.check().map_err(|fault| fault.within(format!("done.{i}")))?;
        }
        Ok(())
    }
}

impl Position {
    fn check(&self) -> Result<(), Fault> {
        for (key, n) in [("cycle", self.cycle), ("epoch", self.epoch), ("step", self.step)] {
            hold(n as u64 <= MOST, key, || format!("is {n}, more than any training makes"))?;
        }
        let (n_scores, n_epochs) = (self.scores.len(), self.epoch);
        hold(n_scores == n_epochs, "scores", || format!("are {n_scores} of {n_epochs} epochs"))?;
        finite("loss-sum", self.loss_sum)
    }
}

impl Entry {
    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Rate { rate, .. } => {
                let is_rate = *rate > 0.0 && finite("rate", *rate).is_ok();
                hold(is_rate, "rate.rate", || format!("is {rate}: it must be above 0"))
            }
            Self::Fitted { strength, linear, mean, .. } => {
                finite("fitted.strength", *strength)?;
                finite("fitted.linear.loss", linear.loss)?;
                finite("fitted.mean.loss", mean.loss)
            }
            Self::Cycle { number, .. } => {
                hold(*number as u64 <= MOST, "cycle.number", || format!("is {number}"))
            }
            Self::Averaged { mean, best, .. } => {
                finite("averaged.mean.loss", mean.loss)?;
                finite("averaged.best.loss", best.loss)
            }
            Self::Chosen { frozen, midway, whole, .. } => {
                for (key, score) in [("frozen", frozen), ("midway", midway), ("whole", whole)] {
                    finite(&format!("chosen.{key}.loss"), score.loss)?;
                }
                Ok(())
            }
            Self::Stage { seconds, .. } => finite("stage.seconds", *seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_back_as_it_was_written() {
        let (stage, score) =
            (Stage::WholeNetwork, Score { loss: 0.25, metric: 0.5, accuracy: None, error: None });
        let mut position = Position::start_of(stage, 2);
        (position.step, position.loss_sum) = (3, 0.75);
        position.scores.push(Score { accuracy: Some(0.9), ..score });
        let journal = Journal {
            epochs: 4,
            steps: 99,
            under_way: Some(2.5),
            best: Some(score),
            frozen: Some(score),
            averaged: 3,
            position: Some(position),
            was_stopped: true,
            diverged: true,
            done: vec![
                Entry::Rate { stage: Stage::FindFullRate, rate: 1e-3 },
                Entry::Stage {
                    stage: Stage::FindFullRate,
                    seconds: 1.5,
                    found: "a \"rate\"".into(),
                },
                Entry::Fitted { stage, strength: 0.03, linear: score, mean: score },
                Entry::Cycle { stage, number: 1, scores: vec![score] },
                Entry::Averaged { is_kept: true, mean: score, best: score },
                Entry::Chosen { kept: Kept::Midway, frozen: score, midway: score, whole: score },
            ],
        };
        for journal in [journal, Journal::default()] {
            let text = toml::to_string(&journal).unwrap();
            assert_eq!(toml::from_str::<Journal>(&text).unwrap(), journal, "{text}");
            assert!(!text.contains("position"), "{text}");
        }
    }
}
