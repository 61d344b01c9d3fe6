//! What training has done so far: enough to do the golden rule again up to any batch without
//! computing anything, and to go on from there.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event::Stage;
use super::learner::Score;

/// One finished piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A rate was chosen.
    Rate {
        /// For which stage.
        stage: Stage,
        /// The last group's rate.
        rate: f64,
    },
    /// A cycle was trained to its end.
    Cycle {
        /// The stage it belongs to.
        stage: Stage,
        /// Its number within the stage, from 1.
        number: usize,
        /// The score after each epoch.
        scores: Vec<Score>,
    },
    /// A stage was finished.
    Stage {
        /// Which.
        stage: Stage,
        /// Wall time.
        seconds: f64,
        /// What it found.
        found: String,
    },
}

/// A place in the middle of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// The stage.
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

impl Place {
    pub(super) fn start_of(stage: Stage, cycle: usize) -> Self {
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
    pub place: Option<Place>,
    /// What is finished, in order.
    pub done: Vec<Entry>,
}

/// A journal that is gone through once more. While anything of it is left, the work that it tells
/// of must not be done again.
#[derive(Debug, Default)]
pub(super) struct Replay {
    done: VecDeque<Entry>,
    place: Option<Place>,
}

impl Replay {
    pub(super) fn of(journal: &Journal) -> Self {
        Self { done: journal.done.iter().cloned().collect(), place: journal.place.clone() }
    }

    /// Whether what comes next has been done before.
    pub(super) fn is_on(&self) -> bool {
        !self.done.is_empty() || self.place.is_some()
    }

    /// Whether a stage is still to come in what has been done.
    pub(super) fn has_finished(&self, wanted: Stage) -> bool {
        self.done
            .iter()
            .any(|entry| matches!(entry, Entry::Stage { stage, .. } if *stage == wanted))
    }

    /// The rate that was chosen, if that is what comes next.
    pub(super) fn rate(&mut self, wanted: Stage) -> Option<f64> {
        match self.done.front() {
            Some(&Entry::Rate { stage, rate }) if stage == wanted => {
                self.done.pop_front();
                Some(rate)
            }
            _ => None,
        }
    }

    /// The scores of a cycle, if it comes next.
    pub(super) fn cycle(&mut self, wanted: Stage, of: usize) -> Option<Vec<Score>> {
        match self.done.front() {
            Some(Entry::Cycle { stage, number, scores }) if *stage == wanted && *number == of => {
                let scores = scores.clone();
                self.done.pop_front();
                Some(scores)
            }
            _ => None,
        }
    }

    /// Whether a stage's end comes next; it is passed then.
    pub(super) fn stage(&mut self, wanted: Stage) -> bool {
        let next = self.done.front();
        let is_next = matches!(next, Some(Entry::Stage { stage, .. }) if *stage == wanted);
        if is_next {
            self.done.pop_front();
        }
        is_next
    }

    /// The place in a cycle, if training stands in this one.
    pub(super) fn place(&mut self, stage: Stage, cycle: usize) -> Option<Place> {
        let is_here =
            |place: &Place| self.done.is_empty() && place.stage == stage && place.cycle == cycle;
        if self.place.as_ref().is_some_and(is_here) { self.place.take() } else { None }
    }
}
