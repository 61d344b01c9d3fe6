//! The loop: batches in, steps down the gradient, a look at the validation images after each epoch.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::data::{Activations, Data, Feed};
use super::model::{Input, Model, Pace, Trainable};
use super::precompute::Precomputed;
use super::replay::Replay;
use super::stop::{Limits, Stop};
use crate::metric::{self, Metric};
use crate::run::checkpoint::{Checkpoints, Encode};
use crate::run::{
    Entry, Epoch, Event, Journal, Listener, Position, Score, Stage, Step, cycle_file,
};
use crate::schedule::{Rates, Shape};
use crate::target::TargetKind;

/// One cycle of training.
#[derive(Clone, Copy, Debug)]
pub struct CyclePlan {
    /// The stage it belongs to.
    pub stage: Stage,
    /// Its number within the stage, from 1.
    pub number: usize,
    /// Epochs the stage has made before.
    pub epochs_before: usize,
    /// Epochs of this cycle.
    pub epochs: usize,
    /// Each group's rate at the cycle's height.
    pub rates: Rates,
    /// Fraction of the cycle in which rates climb to it.
    pub warm_up: f64,
    /// The course of rates and momentum.
    pub shape: Shape,
    /// The optimiser's momentum, where the shape has none of its own.
    pub momentum: f64,
    /// Side of the training images, in pixels.
    pub size: usize,
}

impl CyclePlan {
    /// What the optimiser is told at `t` in `[0, 1)` of the cycle.
    fn pace(&self, t: f64) -> Pace {
        let height = self.shape.height(self.warm_up, t);
        Pace {
            rates: self.rates.map(|rate| rate * height),
            momentum: self.shape.momentum(self.momentum, t),
        }
    }
}

/// A step that was made, of which nobody has been told yet.
struct Made<L> {
    loss: L,
    pace: Pace,
    /// Its number in the epoch, and in the run.
    step: usize,
    number: u64,
}

/// A model in training: its data, its clock, and the best that it has been.
pub struct Learner<'a, M: Model> {
    /// The network.
    pub model: &'a mut M,
    /// What it learns from.
    pub data: &'a Data,
    /// Who wants to know.
    pub listener: &'a mut dyn Listener,
    /// When to end before the end.
    pub limits: Limits,
    /// The backbone's answers, while it is frozen.
    pub activations: Option<Activations>,
    /// Where those are kept for other runs.
    pub precomputed: Option<Precomputed>,
    /// Where the weights at the end of each cycle are kept, if they are.
    pub cycles: Option<PathBuf>,
    pub(super) journal: Journal,
    pub(super) replay: Replay,
    /// The stage that runs.
    pub(super) now: Option<(Stage, Instant)>,
    best: Option<M::Snapshot>,
    /// Whether the newest checkpoint has the best weights.
    best_is_kept: bool,
    checkpoints: Option<Checkpoints>,
}

impl<'a, M: Model> Learner<'a, M> {
    /// A learner that has not seen anything yet.
    pub fn new(model: &'a mut M, data: &'a Data, listener: &'a mut dyn Listener) -> Self {
        Self {
            model,
            data,
            listener,
            limits: Limits::default(),
            activations: None,
            precomputed: None,
            cycles: None,
            journal: Journal::default(),
            replay: Replay::default(),
            now: None,
            best: None,
            best_is_kept: false,
            checkpoints: None,
        }
    }

    /// Writes checkpoints from here on, and goes on from the newest one that is there.
    pub fn keep_checkpoints(&mut self, mut checkpoints: Checkpoints) -> Result<()> {
        let (model, listener) = (&*self.model, &mut *self.listener);
        let loaded = checkpoints
            .load(|bytes| model.snapshot_of(bytes), |text| listener.event(&Event::Note { text }))?;
        if let Some(loaded) = loaded {
            self.model.resume(&loaded.state);
            self.replay = Replay::of(&loaded.journal);
            self.best_is_kept = loaded.best.is_some();
            self.best = loaded.best;
            self.journal = Journal { position: None, ..loaded.journal };
            self.listener.event(&Event::Resumed { steps: self.journal.steps });
        }
        self.checkpoints = Some(checkpoints);
        Ok(())
    }

    /// What has been done so far.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The best score so far.
    pub fn best_score(&self) -> Option<Score> {
        self.journal.best
    }

    /// Chooses the layers that train, with a fresh optimiser.
    pub(super) fn begin(&mut self, trainable: Trainable) {
        if !self.replay.is_on() {
            self.model.begin(trainable);
        }
    }

    /// Goes back to the weights that had the best score.
    pub fn restore_best(&mut self) {
        if let Some(snapshot) = self.best.as_ref().filter(|_| !self.replay.is_on()) {
            self.model.restore(snapshot);
        }
    }

    /// Trains through one cycle; gives the score after each epoch.
    pub fn train_cycle(&mut self, plan: &CyclePlan, feed: FeedKind) -> Result<Vec<Score>> {
        if let Some(scores) = self.replay.cycle(plan.stage, plan.number) {
            return Ok(scores);
        }
        let place = self.replay.position(plan.stage, plan.number);
        ensure!(
            !self.replay.is_on(),
            "the checkpoint was made by another version of the golden rule\nhint: `--anew` starts over"
        );
        let mut place = place.unwrap_or_else(|| Position::start_of(plan.stage, plan.number));
        while place.epoch < plan.epochs {
            self.train_epoch(plan, feed, &mut place)?;
        }
        let Position { stage, cycle: number, scores, .. } = place;
        self.journal.done.push(Entry::Cycle { stage, number, scores: scores.clone() });
        if let Some(folder) = &self.cycles {
            self.model.save(&folder.join(cycle_file(stage, number)))?;
        }
        self.checkpoint_if_due(None)?;
        Ok(scores)
    }

    /// The rest of an epoch, with the look at the validation images that ends it.
    fn train_epoch(
        &mut self,
        plan: &CyclePlan,
        feed: FeedKind,
        place: &mut Position,
    ) -> Result<()> {
        let (data, start) = (self.data, Instant::now());
        let n_steps = data.steps();
        self.listener.event(&Event::PassStarted { unit: "steps", total: n_steps });
        self.listener.event(&Event::Advanced { units: place.step });
        // Taken out while it is read, so that the model can be changed meanwhile.
        let activations = self.activations.take();
        let feed = feed.with(activations.as_ref(), plan.size);
        let mut untold = None;
        for batch in data.train_batches(feed, self.journal.epochs, place.step)? {
            self.look_up(plan, &mut untold, place)?;
            let (input, targets) = batch?;
            let t = (place.epoch * n_steps + place.step) as f64 / (plan.epochs * n_steps) as f64;
            let pace = plan.pace(t);
            let loss = self.model.step(&input, &targets, &pace, self.step_seed())?;
            if let Some(note) = self.model.note() {
                self.listener.event(&Event::Note { text: note });
            }
            place.step += 1;
            self.journal.steps += 1;
            let made = Made { loss, pace, step: place.step, number: self.journal.steps };
            // The step before: a device that works ahead has this one to do meanwhile.
            let before = untold.replace(made);
            self.tell(plan, before, place)?;
            if !self.model.works_ahead() || self.is_checkpoint_due() {
                self.tell(plan, untold.take(), place)?;
                self.checkpoint_if_due(Some(place))?;
            }
        }
        self.tell(plan, untold, place)?;
        self.activations = activations;
        self.journal.epochs += 1;
        let score = self.validate()?;
        self.keep_if_best(score);
        self.listener.event(&Event::Epoch(Epoch {
            stage: plan.stage,
            epoch: plan.epochs_before + place.epoch + 1,
            cycle: plan.number,
            train_loss: place.loss_sum / place.step.max(1) as f64,
            score,
            rates: plan.rates,
            seconds: start.elapsed().as_secs_f64(),
        }));
        place.scores.push(score);
        (place.epoch, place.step, place.loss_sum) = (place.epoch + 1, 0, 0.0);
        // The end of a cycle is written as that.
        if place.epoch < plan.epochs { self.checkpoint_if_due(Some(place)) } else { Ok(()) }
    }

    /// Tells of a step once its loss is there; an error if that is no number.
    fn tell(
        &mut self,
        plan: &CyclePlan,
        made: Option<Made<M::Loss>>,
        place: &mut Position,
    ) -> Result<()> {
        let Some(Made { loss, pace, step, number }) = made else { return Ok(()) };
        let loss = self.model.loss(&loss)?;
        let rate = pace.rates[pace.rates.len() - 1];
        let epoch = place.epoch + 1;
        if !loss.is_finite() {
            return Err(Stop::NotFinite { loss, epoch, step, rate }.into());
        }
        place.loss_sum += loss;
        self.listener.event(&Event::Step(Step {
            stage: plan.stage,
            cycle: plan.number,
            epoch: plan.epochs_before + epoch,
            step: number,
            loss,
            rate,
            momentum: pace.momentum,
        }));
        Ok(())
    }

    /// Whether somebody wants training to end here.
    fn look_up(
        &mut self,
        plan: &CyclePlan,
        untold: &mut Option<Made<M::Loss>>,
        place: &mut Position,
    ) -> Result<()> {
        if self.limits.is_interrupted() {
            self.tell(plan, untold.take(), place)?;
            self.checkpoint(Some(place))?;
            return self.heed_interruption();
        }
        self.heed_time(place.epoch + 1, place.step + 1)
    }

    /// Ends here once the time is over; the step is the one that would come now.
    pub(super) fn heed_time(&self, epoch: usize, step: usize) -> Result<()> {
        if self.limits.is_out_of_time() {
            return Err(Stop::OutOfTime { epoch, step }.into());
        }
        Ok(())
    }

    /// Ends here after Ctrl-C; work since the last checkpoint will be done again.
    pub(super) fn heed_interruption(&self) -> Result<()> {
        if self.limits.is_interrupted() {
            return Err(Stop::Interrupted { steps: self.journal.steps }.into());
        }
        Ok(())
    }

    fn is_checkpoint_due(&self) -> bool {
        self.checkpoints.as_ref().is_some_and(Checkpoints::is_due)
    }

    fn checkpoint_if_due(&mut self, place: Option<&Position>) -> Result<()> {
        if self.is_checkpoint_due() { self.checkpoint(place) } else { Ok(()) }
    }

    /// Writes down where training stands, if anybody wants to know.
    pub(super) fn checkpoint(&mut self, place: Option<&Position>) -> Result<()> {
        let Some(checkpoints) = self.checkpoints.as_mut().filter(|_| !self.replay.is_on()) else {
            return Ok(());
        };
        let journal = Journal { position: place.cloned(), ..self.journal.clone() };
        let best = self.best.as_ref().filter(|_| !self.best_is_kept);
        let best = best.map(|best| || M::to_bytes(best));
        let best = best.as_ref().map(|encode| encode as Encode);
        let state = self.model.snapshot();
        checkpoints.write(&journal, &|| M::to_bytes(&state), best)?;
        self.best_is_kept = true;
        Ok(())
    }

    /// The score on the validation images, centre crop.
    pub fn validate(&mut self) -> Result<Score> {
        let data = self.data;
        let mut probabilities = Vec::new();
        if let Some(activations) = &self.activations {
            let n = data.valid.len();
            for start in (0..n).step_by(data.batch_size) {
                let rows = activations.of_valid(start..(start + data.batch_size).min(n));
                probabilities.extend(self.model.predict(&Input::Activations(rows))?);
            }
        } else {
            for batch in data.centre_batches(&data.valid) {
                probabilities.extend(self.model.predict(&Input::Images(batch?.images))?);
            }
        }
        Ok(score(data, &probabilities))
    }

    /// A number that no other step of this run has.
    pub(super) fn step_seed(&self) -> u64 {
        self.data.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(self.journal.steps)
    }

    fn keep_if_best(&mut self, score: Score) {
        // A loss that is not a number is no best.
        let is_better = self.journal.best.is_none_or(|best| score.loss < best.loss);
        if is_better && score.loss.is_finite() {
            self.journal.best = Some(score);
            self.best = Some(self.model.snapshot());
            self.best_is_kept = false;
        }
    }
}

/// What a cycle is fed with; a [`Feed`] once the learner's activations are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// Activations, where they have been precomputed; images otherwise.
    Activations,
    /// Augmented images.
    Images,
}

impl FeedKind {
    /// The feed itself.
    pub fn with(self, activations: Option<&Activations>, size: usize) -> Feed<'_> {
        match (self, activations) {
            (Self::Activations, Some(activations)) => Feed::Activations(activations),
            _ => Feed::Images { size },
        }
    }
}

fn score(data: &Data, probabilities: &[f32]) -> Score {
    let (n_classes, targets) = (data.classes.len(), &data.valid.targets);
    match data.kind {
        TargetKind::SingleLabel => {
            let truth: Vec<usize> =
                data.valid.samples.iter().map(|sample| sample.target[0]).collect();
            let loss = metric::log_loss(probabilities, n_classes, &truth);
            let accuracy = Some(metric::accuracy(probabilities, n_classes, &truth));
            Score { loss, metric: loss, accuracy }
        }
        TargetKind::MultiLabel => {
            let truth: Vec<bool> = targets.iter().map(|&y| y > 0.5).collect();
            let loss = metric::binary_log_loss(probabilities, &truth);
            let metric = match data.metric {
                Metric::LogLoss => loss,
                Metric::MeanFbeta { beta } => {
                    let threshold = metric::usual_threshold(beta);
                    let tags: Vec<bool> =
                        probabilities.iter().map(|&p| f64::from(p) > threshold).collect();
                    metric::mean_fbeta(&truth, &tags, n_classes, beta)
                }
            };
            Score { loss, metric, accuracy: None }
        }
    }
}
