//! The loop: batches in, steps down the gradient, a look at the validation images after each epoch.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::data::{Activations, Data, Feed};
use super::event::{Event, Listener, Stage};
use super::model::{Input, Model, Rates};
use crate::metric::{self, Metric};
use crate::schedule::Cycle;
use crate::target::TargetKind;

/// How a network does on the validation images, over all of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean cross-entropy: an image (single-label) or an image and tag (multi-label).
    pub loss: f64,
    /// The competition's metric; F2 before thresholds are chosen is taken at 0.2.
    pub metric: f64,
    /// Fraction of images whose most probable class is right; none for multi-label.
    pub accuracy: Option<f64>,
}

/// One cosine cycle of training.
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
}

/// A model in training: its data, its clock, and the best that it has been.
pub struct Learner<'a, M: Model> {
    /// The network.
    pub model: &'a mut M,
    /// What it learns from.
    pub data: &'a Data,
    /// Who wants to know.
    pub listener: &'a mut dyn Listener,
    /// The backbone's answers, while it is frozen.
    pub activations: Option<Activations>,
    best: Option<(Score, M::Snapshot)>,
    epochs: u64,
    steps: u64,
}

impl<'a, M: Model> Learner<'a, M> {
    /// A learner that has not seen anything yet.
    pub fn new(model: &'a mut M, data: &'a Data, listener: &'a mut dyn Listener) -> Self {
        Self { model, data, listener, activations: None, best: None, epochs: 0, steps: 0 }
    }

    /// The best score so far.
    pub fn best_score(&self) -> Option<Score> {
        self.best.as_ref().map(|(score, _)| *score)
    }

    /// Goes back to the weights that had the best score.
    pub fn restore_best(&mut self) {
        if let Some((_, snapshot)) = &self.best {
            self.model.restore(snapshot);
        }
    }

    /// Trains through one cycle; gives the score after each epoch.
    pub fn train_cycle(&mut self, plan: &CyclePlan, feed: FeedKind) -> Result<Vec<Score>> {
        let data = self.data;
        let (n_steps, mut scores) = (data.steps(), Vec::new());
        for epoch in 0..plan.epochs {
            let start = Instant::now();
            self.listener.event(&Event::PassStarted { unit: "steps", total: n_steps });
            let (mut loss_sum, mut n_done) = (0.0, 0);
            // Taken out while it is read, so that the model can be changed meanwhile.
            let activations = self.activations.take();
            let batches = data.train_batches(feed.with(activations.as_ref()), self.epochs);
            for (step, batch) in batches.enumerate() {
                let (input, targets) = batch?;
                let t = (epoch * n_steps + step) as f64 / (plan.epochs * n_steps) as f64;
                let height = Cycle { rate: 1.0, warm_up: plan.warm_up }.at(t);
                let rates = plan.rates.map(|rate| rate * height);
                let loss = self.model.step(&input, &targets, &rates, self.step_seed())?;
                ensure!(
                    loss.is_finite(),
                    "the loss is {loss} at step {} of epoch {} ({}), at rate {:.1e}\nhint: lower \
                     the rate, such as `--set find-full-rate.run=false --set \
                     find-full-rate.rate=1e-4`",
                    step + 1,
                    epoch + 1,
                    plan.stage.title(),
                    rates[rates.len() - 1],
                );
                self.steps += 1;
                loss_sum += loss;
                n_done += 1;
                self.listener.event(&Event::Advanced { units: 1 });
            }
            self.activations = activations;
            self.epochs += 1;
            let score = self.validate()?;
            self.keep_if_best(score);
            scores.push(score);
            self.listener.event(&Event::Epoch {
                stage: plan.stage,
                epoch: plan.epochs_before + epoch + 1,
                cycle: plan.number,
                train_loss: loss_sum / f64::from(n_done.max(1)),
                score,
                rates: plan.rates,
                seconds: start.elapsed().as_secs_f64(),
            });
        }
        Ok(scores)
    }

    /// The score on the validation images, centre crop.
    pub fn validate(&mut self) -> Result<Score> {
        let data = self.data;
        let mut probabilities = Vec::new();
        if let Some(activations) = &self.activations {
            let rows = activations.width * data.batch_size;
            for batch in activations.valid.chunks(rows.max(1)) {
                let input = Input::Activations(batch.to_vec());
                probabilities.extend(self.model.predict(&input)?);
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
        self.data.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(self.steps)
    }

    fn keep_if_best(&mut self, score: Score) {
        if self.best.as_ref().is_none_or(|(best, _)| score.loss < best.loss) {
            self.best = Some((score, self.model.snapshot()));
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
    pub fn with(self, activations: Option<&Activations>) -> Feed<'_> {
        match (self, activations) {
            (Self::Activations, Some(activations)) => Feed::Activations(activations),
            _ => Feed::Images,
        }
    }
}

/// The threshold for F2 while training: with calibrated probabilities the best one is
/// F / (1 + beta^2), which is close to 0.2 (Lipton et al. 2014, <https://arxiv.org/abs/1402.1892>).
const TRAINING_THRESHOLD: f32 = 0.2;

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
                Metric::MeanF2 => {
                    let tags: Vec<bool> =
                        probabilities.iter().map(|&p| p > TRAINING_THRESHOLD).collect();
                    metric::mean_fbeta(&truth, &tags, n_classes, 2.0)
                }
            };
            Score { loss, metric, accuracy: None }
        }
    }
}
