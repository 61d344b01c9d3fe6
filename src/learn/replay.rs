//! Going on after a stop: the golden rule done again without computing, as far as its journal goes.

use std::collections::VecDeque;

use crate::run::{Entry, Journal, Position, Score, Stage};

/// A journal that is gone through once more. While anything of it is left, the work that it tells
/// of must not be done again.
#[derive(Debug, Default)]
pub(super) struct Replay {
    done: VecDeque<Entry>,
    position: Option<Position>,
}

impl Replay {
    pub(super) fn of(journal: &Journal) -> Self {
        Self { done: journal.done.iter().cloned().collect(), position: journal.position.clone() }
    }

    /// Whether what comes next has been done before.
    pub(super) fn is_on(&self) -> bool {
        !self.done.is_empty() || self.position.is_some()
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
    pub(super) fn position(&mut self, stage: Stage, cycle: usize) -> Option<Position> {
        let is_here = |position: &Position| {
            self.done.is_empty() && position.stage == stage && position.cycle == cycle
        };
        if self.position.as_ref().is_some_and(is_here) { self.position.take() } else { None }
    }
}
