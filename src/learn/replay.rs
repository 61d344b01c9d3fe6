//! Going on after a stop: the golden rule done again without computing, as far as its journal goes.

use std::collections::VecDeque;

use crate::run::{Entry, Journal, Position, Stage};

/// A journal that is gone through once more, and what the model was where it ends. While anything of
/// it is left, the work in it must not be done again.
#[derive(Debug)]
pub(super) struct Replay<S> {
    done: VecDeque<Entry>,
    position: Option<Position>,
    state: Option<S>,
}

impl<S> Replay<S> {
    pub(super) fn nothing() -> Self {
        Self { done: VecDeque::new(), position: None, state: None }
    }

    pub(super) fn of(journal: &Journal, state: S) -> Self {
        let (done, position) = (journal.done.iter().cloned().collect(), journal.position.clone());
        Self { done, position, state: Some(state) }
    }

    /// Whether what comes next has been done before.
    pub(super) fn is_on(&self) -> bool {
        !self.done.is_empty() || self.position.is_some()
    }

    /// Whether a stage's end is still to come in what has been done.
    pub(super) fn has_finished(&self, wanted: Stage) -> bool {
        self.done
            .iter()
            .any(|entry| matches!(entry, Entry::Stage { stage, .. } if *stage == wanted))
    }

    /// What the next entry says, which is passed then, if it is one that `read` knows.
    pub(super) fn next<T>(&mut self, read: impl FnOnce(&Entry) -> Option<T>) -> Option<T> {
        let found = read(self.done.front()?)?;
        self.done.pop_front();
        Some(found)
    }

    /// Where in a cycle training stood, if it was in this one.
    pub(super) fn position(&mut self, stage: Stage, cycle: usize) -> Option<Position> {
        let is_here = |position: &mut Position| {
            self.done.is_empty() && position.stage == stage && position.cycle == cycle
        };
        self.position.take_if(is_here)
    }

    /// What the model was, once all before has been passed.
    pub(super) fn end(&mut self) -> Option<S> {
        if self.is_on() { None } else { self.state.take() }
    }
}
