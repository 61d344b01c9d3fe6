//! The training loop: batches in, steps down the gradient, a look at the validation images after
//! each epoch.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::agreed::Signs;
use super::data::{Activations, Data, Feed};
use super::held_out::{losses, standard_error};
use super::learner::{Learner, OTHER_VERSION};
use super::model::{Input, Model, StepLoss, StepRates};
use super::stop::Stop;
use crate::metric::{self, Outputs};
use crate::recipe::WeightAverage;
use crate::run::{Entry, Epoch, Event, Position, Score, Stage, Step, cycle_file};
use crate::schedule::{Rates, Schedule};
use crate::table::Table;
use crate::target::TargetKind;

/// One cycle of training.
#[derive(Clone, Copy, Debug)]
pub(super) struct CyclePlan {
    pub(super) stage: Stage,
    /// Its number within the stage, from 1.
    pub(super) number: usize,
    /// Epochs the stage has made before.
    pub(super) epochs_before: usize,
    pub(super) epochs: usize,
    /// Each group's rate at the cycle's height.
    pub(super) rates: Rates,
    /// Fraction of the cycle in which rates climb to it.
    pub(super) warm_up: f64,
    /// The course of rates and momentum.
    pub(super) schedule: Schedule,
    /// The optimiser's momentum, where the schedule has none of its own.
    pub(super) momentum: f64,
    /// Side of the training images, in pixels.
    pub(super) size: usize,
}

impl CyclePlan {
    /// The rates at `t` in `[0, 1)` of the cycle.
    fn step_rates(&self, t: f64) -> StepRates {
        let height = self.schedule.height(self.warm_up, t);
        StepRates {
            rates: self.rates.map(|rate| rate * height),
            momentum: self.schedule.momentum(self.momentum, t),
        }
    }
}

/// What a cycle is fed with; a [`Feed`] once the learner's activations are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// Activations, where they have been precomputed; images otherwise.
    Activations,
    Images,
}

impl FeedKind {
    pub(super) fn with(self, activations: Option<&Activations>, size: usize) -> Feed<'_> {
        match (self, activations) {
            (Self::Activations, Some(activations)) => Feed::Activations(activations),
            _ => Feed::Images { size },
        }
    }
}

/// Losses of a device that works ahead are asked for so many steps at a time, and at least so often: each
/// time it has to wait for the program.
const UNASKED: usize = 16;
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// A step that was made and not reported yet.
struct PendingStep {
    loss: StepLoss,
    rates: StepRates,
    /// Its number in the epoch, and in the run.
    step: usize,
    number: u64,
}

impl<M: Model> Learner<'_, M> {
    /// Trains through one cycle; gives the score after each epoch.
    pub(super) fn train_cycle(&mut self, plan: &CyclePlan, feed: FeedKind) -> Result<Vec<Score>> {
        let CyclePlan { stage, number, .. } = *plan;
        // As many epochs, also where more images make less of them to so many steps.
        let planned = self.data.plan.as_ref().map(|plan| plan.scores(stage, number)).transpose()?;
        let plan = &CyclePlan { epochs: planned.map_or(plan.epochs, <[Score]>::len), ..*plan };
        let read = |entry: &Entry| match entry {
            Entry::Cycle { stage: of, number: n, scores } if (*of, *n) == (stage, number) => {
                Some(scores.clone())
            }
            _ => None,
        };
        self.once(read, |learner| {
            let mut position = learner.position(stage, number)?;
            let is_here = position.epoch <= plan.epochs && position.step <= learner.data.steps();
            ensure!(is_here, OTHER_VERSION);
            while position.epoch < plan.epochs {
                learner.train_epoch(plan, feed, &mut position)?;
            }
            learner.average_at(WeightAverage::Cycles, stage);
            if let Some(folder) = &learner.cycles {
                learner.model.save(&folder.join(cycle_file(stage, number)))?;
            }
            let scores = position.scores;
            Ok((scores.clone(), Entry::Cycle { stage, number, scores }))
        })
    }

    /// The rest of an epoch, with the look at the validation images that ends it.
    fn train_epoch(
        &mut self,
        plan: &CyclePlan,
        feed: FeedKind,
        position: &mut Position,
    ) -> Result<()> {
        let (data, start) = (self.data, Instant::now());
        let n_steps = data.steps();
        self.listener.event(&Event::PassStarted { unit: "steps", total: n_steps });
        self.listener.event(&Event::Advanced { units: position.step });
        let activations = self.activations.clone();
        let feed = feed.with(activations.as_deref(), plan.size);
        let (mut pending, mut asked) = (Vec::new(), Instant::now());
        let share = self.group.share();
        for batch in data.train_batches(feed, self.journal.epochs, position.step, share)? {
            let signs = self.signs_and(asked.elapsed() >= ASKED_EVERY)?;
            self.stop_here(signs, plan, &mut pending, position)?;
            let (input, targets) = batch?;
            let step = position.epoch * n_steps + position.step;
            let rates = plan.step_rates(step as f64 / (plan.epochs * n_steps) as f64);
            let loss = self.step(&input, &targets, &rates, self.step_seed())?;
            let is_known = loss.is_known();
            position.step += 1;
            self.journal.steps += 1;
            pending.push(PendingStep {
                loss,
                rates,
                step: position.step,
                number: self.journal.steps,
            });
            let is_time = pending.len() >= UNASKED || signs.is_asking_time;
            if is_known || is_time || signs.is_checkpoint_due {
                self.report_steps(plan, &mut pending, position)?;
                asked = Instant::now();
            }
            if signs.is_checkpoint_due {
                self.checkpoint(Some(position))?;
            }
        }
        self.report_steps(plan, &mut pending, position)?;
        self.align()?;
        self.journal.epochs += 1;
        let score = match &data.plan {
            Some(followed) => followed.scores(plan.stage, plan.number)?[position.epoch],
            None => self.validate()?,
        };
        if !score.loss.is_finite() {
            return Err(Stop::NoAnswer.into());
        }
        self.keep_if_best(score);
        self.average_at(WeightAverage::Epochs, plan.stage);
        self.listener.event(&Event::Epoch(Epoch {
            stage: plan.stage,
            epoch: plan.epochs_before + position.epoch + 1,
            cycle: plan.number,
            train_loss: position.loss_sum / position.step.max(1) as f64,
            score,
            rates: plan.rates,
            seconds: start.elapsed().as_secs_f64(),
        }));
        position.scores.push(score);
        (position.epoch, position.step, position.loss_sum) = (position.epoch + 1, 0, 0.0);
        // The end of a cycle is written as that.
        if position.epoch < plan.epochs { self.checkpoint_if_due(Some(position)) } else { Ok(()) }
    }

    /// Reports steps in turn, each once its loss is there; an error if one is no number.
    fn report_steps(
        &mut self,
        plan: &CyclePlan,
        pending: &mut Vec<PendingStep>,
        position: &mut Position,
    ) -> Result<()> {
        pending.drain(..).try_for_each(|step| self.report_step(plan, step, position))
    }

    fn report_step(
        &mut self,
        plan: &CyclePlan,
        PendingStep { loss, rates, step, number }: PendingStep,
        position: &mut Position,
    ) -> Result<()> {
        let loss = loss.wait()?;
        let rate = rates.rates[rates.rates.len() - 1];
        let epoch = position.epoch + 1;
        if !loss.is_finite() {
            return Err(Stop::NotFinite { loss, epoch, step, rate }.into());
        }
        position.loss_sum += loss;
        self.listener.event(&Event::Step(Step {
            stage: plan.stage,
            cycle: plan.number,
            epoch: plan.epochs_before + epoch,
            step: number,
            loss,
            rate,
            momentum: rates.momentum,
        }));
        Ok(())
    }

    /// Ends here if somebody wants it; Ctrl-C loses no step.
    fn stop_here(
        &mut self,
        signs: Signs,
        plan: &CyclePlan,
        pending: &mut Vec<PendingStep>,
        position: &mut Position,
    ) -> Result<()> {
        if signs.is_interrupted {
            self.report_steps(plan, pending, position)?;
            self.checkpoint(Some(position))?;
        }
        self.check_stop(signs, position.epoch + 1, position.step + 1)
    }

    /// The score on the validation images, centre crop; no number where an answer is none. Each rank
    /// looks at its part of them, every image is looked at once, and all have the same score.
    pub fn validate(&mut self) -> Result<Score> {
        let said = self.held_out()?;
        self.score_of(&said)
    }

    /// The score of what the model says of the validation images; all ranks have the same.
    pub(super) fn score_of(&self, said: &Table) -> Result<Score> {
        if !said.as_slice().iter().all(|p| p.is_finite()) {
            // A log loss clips what it is given, and so would take them for mistakes.
            let (loss, metric) = (f64::NAN, f64::NAN);
            return self.agreed_score(Score { loss, metric, accuracy: None, error: None });
        }
        self.agreed_score(score(self.data, said)?)
    }

    /// What the model says of the validation images, `[n, outputs]`.
    pub(super) fn held_out(&mut self) -> Result<Table> {
        let (data, share) = (self.data, self.group.share());
        let mut probabilities = Vec::new();
        if let Some(activations) = &self.activations {
            let (n, batch_size) = (data.valid.len(), data.recipe.batch_size);
            for start in (0..n).step_by(batch_size) {
                let rows = activations.of_valid(start..(start + batch_size).min(n))?;
                probabilities.extend(self.model.predict(&Input::Activations(rows))?);
            }
        } else {
            let (share, batches) = data.centre_batches(&data.valid, share);
            for batch in batches {
                let batch = batch?;
                let lengths = share.lengths(batch.indices.len());
                let own = match batch.images.n {
                    0 => Vec::new(),
                    _ => self.model.predict(&Input::Images(batch.images))?,
                };
                let all = self.group.gather(&own, &lengths, self.model.n_outputs())?;
                probabilities.extend(all);
            }
        }
        Ok(Table::new(probabilities, data.outputs.n()))
    }
}

/// The loss and the metric of plain answers: `outputs` are what a network says of the held-out images, in
/// their order, `[n, outputs]`.
pub fn score(data: &Data, outputs: &Table) -> Result<Score> {
    let truth = data.valid.truth(data.kind);
    let first = |classes: &Vec<usize>| classes.first().copied().unwrap_or_default();
    let (loss, accuracy) = match data.kind {
        TargetKind::SingleLabel => {
            let truth: Vec<usize> = truth.classes().iter().map(first).collect();
            (metric::log_loss(outputs, &truth), Some(metric::accuracy(outputs, &truth)))
        }
        TargetKind::MultiLabel => {
            let truth: Vec<bool> = data.valid.targets.iter().map(|&y| y > 0.5).collect();
            (metric::binary_log_loss(outputs.as_slice(), &truth), None)
        }
        TargetKind::Ordinal | TargetKind::Number => {
            (data.outputs.number_loss(outputs, &data.valid.targets), None)
        }
    };
    let ids: Vec<String> = data.valid.samples.iter().map(|sample| sample.id.clone()).collect();
    let of = Outputs { kind: data.kind, ids: &ids, classes: &data.classes, outputs, truth: &truth };
    let error = standard_error(&losses(data, outputs));
    Ok(Score { loss, metric: of.plain_score(&data.metric)?, accuracy, error })
}
