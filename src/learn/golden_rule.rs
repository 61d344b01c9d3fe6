//! The golden rule: fast.ai's recipe for an image classifier on a pretrained network, step by step
//! as the lecture lists it (deep learning for coders, 2017/18, lesson 1).

use std::time::Instant;

use anyhow::Result;

use super::data::{Activations, Data};
use super::event::{Event, Stage};
use super::learner::{CyclePlan, FeedKind, Learner, Score};
use super::lr_find::RateCurve;
use super::model::{GROUPS, Model, Trainable};
use crate::recipe::{FindRate, Recipe};
use crate::schedule::{cycle_epochs, differential};
use crate::term;

/// Runs the eight steps; the model ends with the best weights that were met on the way.
pub fn golden_rule<M: Model>(learner: &mut Learner<M>, recipe: &Recipe) -> Result<Score> {
    let factor = recipe.earlier_layers.factor;

    // 1. Enable data augmentation, and precompute the activations.
    if recipe.precompute.run {
        learner.stage(Stage::Precompute, Learner::precompute)?;
    }

    // 2. Find the highest learning rate at which the loss still clearly improves.
    learner.model.begin(Trainable::Head);
    let rate = learner.rate(Stage::FindHeadRate, &recipe.find_head_rate, 1.0)?;

    // 3. Train the last layer from precomputed activations for 1-2 epochs.
    if recipe.head_on_activations.run {
        let epochs = epochs_on_activations(recipe, learner.data);
        let plan = CyclePlan {
            stage: Stage::HeadOnActivations,
            number: 1,
            epochs_before: 0,
            epochs,
            rates: [rate; GROUPS],
            warm_up: recipe.optimizer.warm_up,
        };
        learner.stage(plan.stage, |learner| {
            let scores = learner.train_cycle(&plan, FeedKind::Activations)?;
            Ok(told(scores.last()))
        })?;
    }

    // 4. Train the last layer with augmentation for 2-3 epochs, with cycle_len = 1.
    if recipe.head_with_augmentation.run {
        // On few images step 3 goes on beyond its best; this step starts from there.
        learner.restore_best();
        learner.model.begin(Trainable::Head);
        learner.stage(Stage::HeadWithAugmentation, |learner| {
            let mut last = None;
            for cycle in 0..recipe.head_with_augmentation.epochs {
                let plan = CyclePlan {
                    stage: Stage::HeadWithAugmentation,
                    number: cycle + 1,
                    epochs_before: cycle,
                    epochs: 1,
                    rates: [rate; GROUPS],
                    warm_up: if cycle == 0 { recipe.optimizer.warm_up } else { 0.0 },
                };
                last = learner.train_cycle(&plan, FeedKind::Images)?.pop();
            }
            Ok(told(last.as_ref()))
        })?;
    }

    if recipe.unfreeze.run {
        // 5. Unfreeze all layers. The backbone is about to change, and its activations with it; the
        // head goes on from the best that it has been.
        learner.stage(Stage::Unfreeze, |learner| {
            learner.restore_best();
            learner.activations = None;
            learner.model.begin(Trainable::Everything);
            Ok(format!("from {}", told(learner.best_score().as_ref())))
        })?;

        // 6. Set earlier layers to a 3x-10x lower learning rate than the next higher layer.
        learner.stage(Stage::EarlierLayers, |_| Ok(told_factors(factor)))?;

        // 7. Find the learning rate again.
        let rate = learner.rate(Stage::FindFullRate, &recipe.find_full_rate, factor)?;

        // 8. Train the full network with cycle_mult = 2 until over-fitting.
        if recipe.whole_network.run {
            learner.stage(Stage::WholeNetwork, |learner| {
                learner.until_over_fitting(recipe, differential(rate, factor))
            })?;
        }
    }

    learner.restore_best();
    learner.best_score().map_or_else(|| learner.validate(), Ok)
}

/// What the golden rule will do with this recipe and these images: a line a step.
pub fn plan(recipe: &Recipe, data: &Data) -> Vec<(Stage, String)> {
    let off = |run: bool, text: String| if run { text } else { "off".to_owned() };
    let find = |settings: &FindRate| {
        let FindRate { run, start, end, steps, rate } = settings;
        if *run {
            format!("{start:.0e} to {end:.0e} in {steps} steps of {} images", recipe.batch_size)
        } else {
            format!("off: {rate:.1e}")
        }
    };
    let (whole, full) = (&recipe.whole_network, recipe.unfreeze.run);
    let cycles: Vec<String> = cycle_epochs(whole.cycle_len, whole.cycle_mult, whole.max_cycles)
        .map(|epochs| epochs.to_string())
        .collect();
    let images = data.train.len() + data.valid.len();
    vec![
        (Stage::Precompute, off(recipe.precompute.run, format!("{images} images, once"))),
        (Stage::FindHeadRate, find(&recipe.find_head_rate)),
        (Stage::HeadOnActivations, {
            let epochs = epochs_on_activations(recipe, data);
            let steps = epochs * data.steps();
            let text = format!("{}, {steps} steps", term::count(epochs, "epoch"));
            off(recipe.head_on_activations.run, text)
        }),
        (Stage::HeadWithAugmentation, {
            let epochs = recipe.head_with_augmentation.epochs;
            let text = format!("{}, each a cycle", term::count(epochs, "epoch"));
            off(recipe.head_with_augmentation.run, text)
        }),
        (Stage::Unfreeze, off(full, "three layer groups".to_owned())),
        (Stage::EarlierLayers, { off(full, told_factors(recipe.earlier_layers.factor)) }),
        (Stage::FindFullRate, off(full, find(&recipe.find_full_rate))),
        (Stage::WholeNetwork, {
            let text = format!("cycles of {} epochs, until over-fitting", cycles.join(" + "));
            off(full && whole.run, text)
        }),
    ]
}

/// Step 3's epochs, stretched for small data sets until enough steps are made.
fn epochs_on_activations(recipe: &Recipe, data: &Data) -> usize {
    let settings = &recipe.head_on_activations;
    if !recipe.precompute.run {
        return settings.epochs;
    }
    settings.epochs.max(settings.min_steps.div_ceil(data.steps().max(1)))
}

impl<M: Model> Learner<'_, M> {
    /// Runs a stage between its two events; `work` says what it found.
    fn stage(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<String>,
    ) -> Result<()> {
        let start = Instant::now();
        self.listener.event(&Event::StageStarted { stage });
        let found = work(self)?;
        let seconds = start.elapsed().as_secs_f64();
        self.listener.event(&Event::StageFinished { stage, seconds, found });
        Ok(())
    }

    fn precompute(&mut self) -> Result<String> {
        let data = self.data;
        let total = data.train.len() + data.valid.len();
        self.listener.event(&Event::PassStarted { unit: "images", total });
        let mut answers = [Vec::new(), Vec::new()];
        for (answers, part) in answers.iter_mut().zip([&data.train, &data.valid]) {
            for batch in data.centre_batches(part) {
                let batch = batch?;
                answers.extend(self.model.activations(&batch.images)?);
                self.listener.event(&Event::Advanced { units: batch.images.n });
            }
        }
        let [train, valid] = answers;
        let width = train.len() / data.train.len().max(1);
        self.activations = Some(Activations { width, train, valid });
        Ok(format!("{} of {width} numbers", term::count(total, "activation")))
    }

    /// The finder's suggestion, or the recipe's own rate where it does not run or finds nothing.
    fn rate(&mut self, stage: Stage, settings: &FindRate, factor: f64) -> Result<f64> {
        if !settings.run {
            return Ok(settings.rate);
        }
        let mut rate = settings.rate;
        self.stage(stage, |learner| {
            let curve = learner.find_rate(settings, factor, FeedKind::Activations)?;
            learner.listener.event(&Event::RateFound { stage, curve: &curve });
            rate = curve.rate(settings.rate);
            Ok(told_rate(&curve, rate))
        })?;
        Ok(rate)
    }

    /// Cycle after cycle, until one ends without having lowered the validation loss below what the
    /// cycle before reached: from then on the network only learns its training images by heart.
    fn until_over_fitting(&mut self, recipe: &Recipe, rates: [f64; GROUPS]) -> Result<String> {
        let settings = &recipe.whole_network;
        let cycles = cycle_epochs(settings.cycle_len, settings.cycle_mult, settings.max_cycles);
        let (mut epochs_before, mut reached_before) = (0, f64::INFINITY);
        for (cycle, epochs) in cycles.enumerate() {
            let plan = CyclePlan {
                stage: Stage::WholeNetwork,
                number: cycle + 1,
                epochs_before,
                epochs,
                rates,
                warm_up: if cycle == 0 { recipe.optimizer.warm_up } else { 0.0 },
            };
            let scores = self.train_cycle(&plan, FeedKind::Images)?;
            let reached = scores.iter().map(|score| score.loss).fold(f64::INFINITY, f64::min);
            if reached > reached_before * (1.0 - settings.min_gain) {
                return Ok(format!(
                    "over-fitting: cycle {} reached a loss of {reached:.4}, the one before \
                     {reached_before:.4}; kept: {}",
                    cycle + 1,
                    told(self.best_score().as_ref())
                ));
            }
            epochs_before += epochs;
            reached_before = reached;
        }
        let best = told(self.best_score().as_ref());
        Ok(format!("all {} done; kept: {best}", term::count(settings.max_cycles, "cycle")))
    }
}

fn told(score: Option<&Score>) -> String {
    match score {
        None => "nothing trained so far".to_owned(),
        Some(Score { loss, accuracy: Some(accuracy), .. }) => {
            format!("loss {loss:.4}, accuracy {accuracy:.4}")
        }
        Some(Score { loss, metric, accuracy: None }) => format!("loss {loss:.4}, F2 {metric:.4}"),
    }
}

fn told_factors(factor: f64) -> String {
    let [first, second, _] = differential::<GROUPS>(1.0, factor);
    format!("rates x {first:.2}, x {second:.2}, x 1 (the head)")
}

fn told_rate(curve: &RateCurve, rate: f64) -> String {
    match curve.suggestion {
        Some(_) => format!("{rate:.1e}, the highest rate at which the loss still clearly improves"),
        None => format!("the loss never clearly improves at any rate: {rate:.1e} is taken"),
    }
}
