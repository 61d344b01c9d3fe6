//! A model in training: stages one after another, the best that it has been, and going on after a
//! stop. What a journal has of a run is not done again; that is decided here, and only here.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::data::{Activations, Data, Precomputed};
use super::group::{Alone, Group};
use super::model::{Input, Model, StepLoss, StepOutcome, StepRates, Trainable};
use super::replay::Replay;
use super::stop::Limits;
use crate::run::checkpoint::{Checkpoints, Encode, States};
use crate::run::{Entry, Event, Journal, Listener, Position, Score, Stage};

/// A model in training: its data, its clock, and the best that it has been.
pub struct Learner<'a, M: Model> {
    pub(super) model: &'a mut M,
    pub(super) data: &'a Data,
    pub(super) listener: &'a mut dyn Listener,
    pub(super) limits: Limits,
    /// Those that train the same network.
    pub(super) group: Rc<dyn Group>,
    /// The backbones' answers, while they are frozen.
    pub(super) activations: Option<Rc<Activations>>,
    /// Where those are kept for other runs.
    pub(super) precomputed: Option<Precomputed>,
    /// Where the weights at the end of each cycle are kept, if they are.
    pub(super) cycles: Option<PathBuf>,
    pub(super) journal: Journal,
    /// The stage that runs.
    pub(super) now: Option<(Stage, Instant)>,
    replay: Replay<M::Snapshot>,
    best: Option<M::Snapshot>,
    /// The best before the backbone trained, once it does.
    pub(super) frozen: Option<M::Snapshot>,
    /// The mean of the whole network's weights so far, where one is made.
    pub(super) average: Option<M::Snapshot>,
    /// Whether it was looked at.
    pub(super) has_averaged: bool,
    /// Whether one of the two is kept for good, or what lies between them.
    pub(super) has_chosen: bool,
    pub(super) is_kept: IsKept,
    checkpoints: Option<Checkpoints>,
}

/// Which states the newest checkpoint has as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IsKept {
    best: bool,
    frozen: bool,
    pub(super) average: bool,
}

pub(super) const OTHER_VERSION: &str = "the checkpoint was made by another version of the golden rule\nhint: \
                             `--anew` starts over";

impl<'a, M: Model> Learner<'a, M> {
    /// A learner that has not seen anything yet.
    pub fn new(model: &'a mut M, data: &'a Data, listener: &'a mut dyn Listener) -> Self {
        Self {
            model,
            data,
            listener,
            limits: Limits::default(),
            group: Rc::new(Alone),
            activations: None,
            precomputed: None,
            cycles: None,
            journal: Journal::default(),
            now: None,
            replay: Replay::nothing(),
            best: None,
            frozen: None,
            average: None,
            has_averaged: false,
            has_chosen: false,
            is_kept: IsKept::default(),
            checkpoints: None,
        }
    }

    /// Ends before the end where `limits` say so.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Trains together with others, each of which has a model and the same data.
    #[must_use]
    pub fn with_group(self, group: Rc<dyn Group>) -> Self {
        Self { group, ..self }
    }

    /// Keeps activations for other runs.
    #[must_use]
    pub fn with_precomputed(self, precomputed: Option<Precomputed>) -> Self {
        Self { precomputed, ..self }
    }

    /// Keeps the weights at the end of each cycle in a folder.
    #[must_use]
    pub fn with_cycles(self, folder: Option<PathBuf>) -> Self {
        Self { cycles: folder, ..self }
    }

    /// Writes checkpoints from here on, and goes on from the newest one that is there. Of several ranks
    /// the first alone has any.
    pub fn keep_checkpoints(&mut self, checkpoints: impl Into<Option<Checkpoints>>) -> Result<()> {
        let mut checkpoints = checkpoints.into();
        let (model, listener) = (&*self.model, &mut *self.listener);
        let mut load = |checkpoints: &mut Checkpoints| {
            checkpoints.load(
                |bytes| model.snapshot_of(bytes),
                |text| listener.event(&Event::Note { text }),
            )
        };
        let loaded = checkpoints.as_mut().map(&mut load).transpose()?.flatten();
        if let Some(loaded) = self.followed(loaded)? {
            self.replay = Replay::of(&loaded.journal, loaded.state);
            self.is_kept.best = loaded.best.is_some();
            self.best = loaded.best;
            self.is_kept.frozen = loaded.frozen.is_some();
            self.frozen = loaded.frozen;
            self.is_kept.average = loaded.average.is_some();
            self.average = loaded.average;
            self.journal = Journal { position: None, ..loaded.journal };
            let best = self.journal.best.map(|best| best.loss);
            self.listener.event(&Event::Resumed { steps: self.journal.steps, best });
        }
        self.checkpoints = checkpoints;
        Ok(())
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub fn best_score(&self) -> Option<Score> {
        self.journal.best.or(self.journal.frozen)
    }

    /// The backbone trains from here on: what is best since then is not compared with what was before,
    /// until both are there.
    pub(super) fn set_frozen_aside(&mut self) {
        if !self.replay.is_on() && self.journal.best.is_some() {
            self.journal.frozen = self.journal.best.take();
            self.frozen = Some(self.model.snapshot());
            self.is_kept.frozen = false;
        }
    }

    /// Takes the model as it is for the best, whatever was before.
    pub(super) fn keep_as_best(&mut self, score: Score) {
        self.journal.best = None;
        self.keep_if_best(score);
    }

    /// Runs a stage between its two events; `work` says what it found. It runs again where the run
    /// that goes on had finished it: what it does [`once`](Self::once) it takes from the journal.
    pub(super) fn stage(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<String>,
    ) -> Result<()> {
        let mut start = Instant::now();
        self.check_interrupt()?;
        if !self.is_past(stage) {
            // Of a run that goes on in the middle of it: as if it had begun so much earlier.
            let before = self.journal.under_way.take().unwrap_or_default();
            let before = Duration::try_from_secs_f64(before).unwrap_or_default();
            start = start.checked_sub(before).unwrap_or(start);
            self.now = Some((stage, start));
            self.listener.event(&Event::StageStarted { stage });
        }
        let found = work(self)?;
        let read = |entry: &Entry| match entry {
            Entry::Stage { stage: of, .. } if *of == stage => Some(()),
            _ => None,
        };
        self.once(read, |learner| {
            let seconds = start.elapsed().as_secs_f64();
            learner.listener.event(&Event::StageFinished { stage, seconds, found: found.clone() });
            Ok(((), Entry::Stage { stage, seconds, found }))
        })
    }

    /// Does a piece of work and writes it down, or takes what it came to from the journal of the run
    /// that goes on: `read` finds it there.
    pub(super) fn once<T>(
        &mut self,
        read: impl FnOnce(&Entry) -> Option<T>,
        work: impl FnOnce(&mut Self) -> Result<(T, Entry)>,
    ) -> Result<T> {
        if let Some(known) = self.replayed(|replay| replay.next(read)) {
            return Ok(known);
        }
        let (outcome, entry) = work(self)?;
        ensure!(!self.replay.is_on(), OTHER_VERSION);
        self.journal.done.push(entry);
        match self.journal.done.last() {
            Some(Entry::Stage { .. } | Entry::Averaged { .. } | Entry::Chosen { .. }) => {
                self.checkpoint(None)?;
            }
            Some(Entry::Cycle { .. }) => self.checkpoint_if_due(None)?,
            // Its stage ends right after it.
            Some(Entry::Rate { .. } | Entry::Fitted { .. }) | None => {}
        }
        Ok(outcome)
    }

    /// Where a cycle begins: at its start, or where the run that goes on stood in it.
    pub(super) fn position(&mut self, stage: Stage, cycle: usize) -> Result<Position> {
        let position = self.replayed(|replay| replay.position(stage, cycle));
        ensure!(!self.replay.is_on(), OTHER_VERSION);
        Ok(position.unwrap_or_else(|| Position::start_of(stage, cycle)))
    }

    /// Takes something from the journal of the run that goes on. With the last of it the model becomes
    /// what it was then.
    fn replayed<T>(
        &mut self,
        take: impl FnOnce(&mut Replay<M::Snapshot>) -> Option<T>,
    ) -> Option<T> {
        let known = take(&mut self.replay)?;
        if let Some(state) = self.replay.end() {
            self.model.restore(&state);
        }
        Some(known)
    }

    /// Whether the run that goes on had finished a stage, and this one has not come so far again.
    pub(super) fn is_past(&self, stage: Stage) -> bool {
        self.replay.has_finished(stage)
    }

    /// Chooses the layers that train, with a fresh optimiser.
    pub(super) fn begin(&mut self, trainable: Trainable) {
        self.model.begin(trainable);
    }

    /// Goes back to the weights that had the best score.
    pub(super) fn restore_best(&mut self) {
        // The best of a run that goes on may be of a later stage; its checkpoint has what came of
        // going back in this one.
        if let Some(best) = self.best.as_ref().filter(|_| !self.replay.is_on()) {
            self.model.restore(best);
        }
    }

    pub(super) fn keep_if_best(&mut self, score: Score) {
        // A loss that is not a number is no best.
        let is_better = self.journal.best.is_none_or(|best| score.loss < best.loss);
        if is_better && score.loss.is_finite() {
            self.journal.best = Some(score);
            self.best = Some(self.model.snapshot());
            self.is_kept.best = false;
        }
    }

    /// A step of the model, of which what is worth knowing is passed on.
    pub(super) fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepLoss> {
        let StepOutcome { loss, note } = self.model.step(input, targets, rates, seed)?;
        if let Some(text) = note {
            self.listener.event(&Event::Note { text });
        }
        Ok(loss)
    }

    /// A number that no other step of this run has.
    pub(super) fn step_seed(&self) -> u64 {
        self.data.recipe.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(self.journal.steps)
    }

    /// Whether this process should write one; see [`signs`](Self::signs).
    pub(super) fn is_checkpoint_time(&self) -> bool {
        self.checkpoints.as_ref().is_some_and(Checkpoints::is_due)
    }

    pub(super) fn checkpoint_if_due(&mut self, position: Option<&Position>) -> Result<()> {
        if self.signs()?.is_checkpoint_due { self.checkpoint(position) } else { Ok(()) }
    }

    /// Writes down where training stands, if anybody wants to know.
    pub(super) fn checkpoint(&mut self, position: Option<&Position>) -> Result<()> {
        let Some(checkpoints) = &mut self.checkpoints else { return Ok(()) };
        let is_between = matches!(self.journal.done.last(), Some(Entry::Stage { .. }));
        let stage = self.now.filter(|_| position.is_some() || !is_between);
        let under_way = stage.map(|(_, start)| start.elapsed().as_secs_f64());
        let journal = Journal { position: position.cloned(), under_way, ..self.journal.clone() };
        let best = self.best.as_ref().filter(|_| !self.is_kept.best);
        let best = best.map(|best| || M::to_bytes(best));
        let best = best.as_ref().map(|encode| encode as Encode);
        let frozen = self.frozen.as_ref().filter(|_| !self.is_kept.frozen);
        let frozen = frozen.map(|frozen| || M::to_bytes(frozen));
        let frozen = frozen.as_ref().map(|encode| encode as Encode);
        let average = self.average.as_ref().filter(|_| !self.is_kept.average);
        let average = average.map(|average| || M::to_bytes(average));
        let average = average.as_ref().map(|encode| encode as Encode);
        let state = self.model.snapshot();
        let now = &|| M::to_bytes(&state);
        checkpoints.write(&journal, &States { now, best, frozen, average })?;
        self.is_kept = IsKept { best: true, frozen: true, average: true };
        Ok(())
    }
}
