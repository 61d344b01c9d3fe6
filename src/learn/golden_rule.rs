//! The golden rule: fast.ai's recipe for an image classifier on a pretrained network, step by step
//! as the lecture lists it (deep learning for coders, 2017/18, lesson 1).

use std::time::Instant;

use anyhow::Result;

use super::data::Data;
use super::fit::{CyclePlan, FeedKind};
use super::group::agreed;
use super::learner::Learner;
use super::lr_find::choose_rate;
use super::model::{Model, Trainable};
use super::stop::Stop;
use crate::recipe::{FindRate, OptimizerSettings, Recipe, WholeNetwork};
use crate::run::{Entry, Event, Score, Stage, Sweep};
use crate::schedule::{GROUPS, LayerRates, Rates, cycle_epochs, rates_of};
use crate::term;

/// Runs the eight steps; the model ends with the best weights that were met on the way, also where
/// the time is over before, or the loss is no number any more.
pub fn golden_rule<M: Model>(learner: &mut Learner<M>) -> Result<Score> {
    if let Err(error) = eight_steps(learner) {
        learner.make_the_best_of(error.downcast::<Stop>()?)?;
    }
    learner.restore_best();
    if let Some(text) = learner.choose()? {
        learner.listener.event(&Event::Note { text });
    }
    let score = learner.best_score().map_or_else(|| learner.validate(), Ok)?;
    if !score.loss.is_finite() {
        return Err(Stop::NoAnswer.into());
    }
    Ok(score)
}

fn eight_steps<M: Model>(learner: &mut Learner<M>) -> Result<()> {
    let data = learner.data;
    let recipe = &data.recipe;

    // 1. Enable data augmentation, and precompute the activations.
    if recipe.precompute.run {
        learner.stage(Stage::Precompute, Learner::precompute)?;
    }

    // 2. Find the highest learning rate at which the loss still clearly improves.
    learner.begin(Trainable::Head);
    let equal = LayerRates::Factor(1.0);
    let rate = learner.rate(Stage::FindHeadRate, &recipe.find_head_rate, &equal)?;

    // 3. Train the last layer from precomputed activations for 1-2 epochs.
    if recipe.head_on_activations.run {
        let epochs = epochs_on_activations(data);
        let plan = CyclePlan { epochs, ..cycle(recipe, Stage::HeadOnActivations, [rate; GROUPS]) };
        learner.stage(plan.stage, |learner| {
            let scores = learner.train_cycle(&plan, FeedKind::Activations)?;
            let fitted = learner.fit_linear(plan.stage)?;
            Ok(describe(learner.data, scores.last()) + &fitted)
        })?;
    }

    // 4. Train the last layer with augmentation for 2-3 epochs, with cycle_len = 1.
    if recipe.head_with_augmentation.run {
        // On few images step 3 goes on beyond its best; this step starts from there.
        learner.restore_best();
        learner.begin(Trainable::Head);
        let first = cycle(recipe, Stage::HeadWithAugmentation, [rate; GROUPS]);
        learner.stage(first.stage, |learner| {
            let mut last = None;
            for number in 1..=recipe.head_with_augmentation.epochs {
                let plan = first.restarted(number, number - 1, 1);
                last = learner.train_cycle(&plan, FeedKind::Images)?.pop();
            }
            Ok(describe(learner.data, last.as_ref()))
        })?;
    }

    if recipe.unfreeze.run {
        // 5. Unfreeze all layers. The backbone is about to change, and its activations with it; the
        // head goes on from the best that it has been.
        learner.stage(Stage::Unfreeze, |learner| {
            learner.restore_best();
            learner.set_frozen_aside();
            learner.activations = None;
            learner.begin(Trainable::Everything);
            Ok(format!("from {}", describe(learner.data, learner.best_score().as_ref())))
        })?;

        // 6. Set earlier layers to a 3x-10x lower learning rate than the next higher layer.
        let slower = recipe.earlier_layers.rates();
        learner.stage(Stage::EarlierLayers, |_| Ok(describe_rates(&rates_of(1.0, &slower)?)))?;

        // 7. Find the learning rate again.
        let settings = FindRate { run: finds_full_rate(data), ..recipe.find_full_rate };
        let rate = learner.rate(Stage::FindFullRate, &settings, &slower)?;

        // 8. Train the full network with cycle_mult = 2 until over-fitting.
        if recipe.whole_network.run {
            let rates = rates_of(rate, &slower)?;
            learner.stage(Stage::WholeNetwork, |learner| {
                let ended = learner.until_over_fitting(rates)?;
                learner.restore_best();
                Ok(learner.choose()?.map_or(ended.clone(), |chosen| format!("{ended}; {chosen}")))
            })?;
        }
    }
    Ok(())
}

/// What the golden rule will do with these images: a line a step.
pub fn plan(data: &Data) -> Vec<(Stage, String)> {
    let planned = |stage| Some((stage, planned(stage, data)?));
    Stage::ALL.into_iter().filter_map(planned).collect()
}

/// What a step will do, if it is one of the golden rule's.
fn planned(stage: Stage, data: &Data) -> Option<String> {
    let recipe = &data.recipe;
    let off = |run: bool, text: String| if run { text } else { "off".to_owned() };
    let find = |settings: &FindRate| {
        let FindRate { run, start, end, rate, .. } = settings;
        if let Some(plan) = &data.plan {
            format!("{:.1e}, as planned", plan.rate(stage).unwrap_or(*rate))
        } else if *run {
            let steps = steps_of(settings, data);
            format!("{start:.0e} to {end:.0e} in {steps} steps of {} images", recipe.batch_size)
        } else {
            format!("off: {rate:.1e}")
        }
    };
    let full = recipe.unfreeze.run;
    Some(match stage {
        Stage::Precompute => {
            let held_out = if data.plan.is_none() { data.valid.len() } else { 0 };
            let images = data.train.len() + held_out;
            let views = match recipe.precompute.views {
                0 => String::new(),
                n => format!(", and {} of each to train on", term::count(n, "random view")),
            };
            off(recipe.precompute.run, format!("{}, once{views}", term::count(images, "image")))
        }
        Stage::FindHeadRate => find(&recipe.find_head_rate),
        Stage::HeadOnActivations => {
            let epochs = epochs_on_activations(data);
            let steps = epochs * data.steps();
            let linear = if recipe.head.linear && recipe.precompute.run {
                ", and a linear layer fitted beside it"
            } else {
                ""
            };
            let text =
                [term::count(epochs, "epoch"), term::count(steps, "step")].join(", ") + linear;
            off(recipe.head_on_activations.run, text)
        }
        Stage::HeadWithAugmentation => {
            let epochs = recipe.head_with_augmentation.epochs;
            let text = format!("{}, each a cycle", term::count(epochs, "epoch"));
            off(recipe.head_with_augmentation.run, text)
        }
        Stage::Unfreeze => off(full, "three layer groups".to_owned()),
        Stage::EarlierLayers => {
            let rates = rates_of(1.0, &recipe.earlier_layers.rates());
            off(full, rates.map_or_else(|error| error.to_string(), |rates| describe_rates(&rates)))
        }
        Stage::FindFullRate
            if recipe.find_full_rate.run && data.plan.is_none() && !finds_full_rate(data) =>
        {
            let FindRate { share, rate, .. } = recipe.find_full_rate;
            let text = format!(
                "{rate:.1e}: a sweep would take more than {:.0} % of the steps that follow",
                share * 100.0
            );
            off(full, text)
        }
        Stage::FindFullRate => off(full, find(&recipe.find_full_rate)),
        Stage::WholeNetwork => {
            let cycles: Vec<String> =
                cycles(data).into_iter().map(|epochs| epochs.to_string()).collect();
            let text = match &cycles[..] {
                [one] => format!("a cycle of {one} epoch{}", if one == "1" { "" } else { "s" }),
                _ if data.plan.is_some() => format!("cycles of {} epochs", cycles.join(" + ")),
                _ => format!("cycles of {} epochs, until over-fitting", cycles.join(" + ")),
            };
            off(full && recipe.whole_network.run, text)
        }
        Stage::Predict => return None,
    })
}

/// Steps of a sweep.
pub(super) fn steps_of(settings: &FindRate, data: &Data) -> usize {
    if settings.steps == 0 { data.steps() } else { settings.steps }
}

/// Whether step 7 runs: a sweep that is long beside the training that it is for costs more than a better
/// rate gains.
pub(super) fn finds_full_rate(data: &Data) -> bool {
    let FindRate { run, share, .. } = data.recipe.find_full_rate;
    let planned = cycles(data).iter().sum::<usize>() * data.steps();
    let is_short = steps_of(&data.recipe.find_full_rate, data) as f64 <= share * planned as f64;
    run && (share == 0.0 || !data.recipe.whole_network.run || is_short)
}

/// How often every training image is looked at in a random view of the usual size, if nothing ends
/// training before: what keeping its decoded picture would pay for.
pub fn epochs_on_images(data: &Data) -> usize {
    let Recipe { precompute, head_on_activations, head_with_augmentation, unfreeze, .. } =
        &data.recipe;
    let of_stage = |stage| match stage {
        Stage::HeadOnActivations if head_on_activations.run && !precompute.run => {
            epochs_on_activations(data)
        }
        Stage::HeadWithAugmentation if head_with_augmentation.run => head_with_augmentation.epochs,
        Stage::WholeNetwork if unfreeze.run && data.recipe.whole_network.run => {
            let size = |cycle| data.recipe.whole_network.size(cycle, &data.recipe);
            let at_size = cycles(data).into_iter().enumerate();
            at_size.filter(|(i, _)| size(*i) == data.recipe.size).map(|(_, epochs)| epochs).sum()
        }
        Stage::Precompute
        | Stage::FindHeadRate
        | Stage::HeadOnActivations
        | Stage::HeadWithAugmentation
        | Stage::Unfreeze
        | Stage::EarlierLayers
        | Stage::FindFullRate
        | Stage::WholeNetwork
        | Stage::Predict => 0,
    };
    Stage::ALL.into_iter().map(of_stage).sum()
}

/// Step 3's epochs, stretched for small data sets until enough steps are made.
pub(super) fn epochs_on_activations(data: &Data) -> usize {
    let settings = &data.recipe.head_on_activations;
    if let Some(scores) =
        data.plan.as_ref().and_then(|plan| plan.scores(Stage::HeadOnActivations, 1).ok())
    {
        return scores.len();
    }
    if !data.recipe.precompute.run {
        return settings.epochs;
    }
    settings.epochs.max(settings.min_steps.div_ceil(data.steps().max(1)))
}

/// Step 8's epochs, a cycle each; as many as it is planned, by a plan those that lead to the best weights.
pub(super) fn cycles(data: &Data) -> Vec<usize> {
    let settings = &data.recipe.whole_network;
    let WholeNetwork { cycle_len, cycle_mult, max_cycles, .. } = *settings;
    let all = cycle_epochs(cycle_len, cycle_mult, max_cycles);
    match &data.plan {
        Some(plan) => all.take(plan.whole_cycles(settings)).collect(),
        None => all.collect(),
    }
}

/// A stage's first cycle, of one epoch.
fn cycle(recipe: &Recipe, stage: Stage, rates: Rates) -> CyclePlan {
    let OptimizerSettings { schedule, momentum, warm_up, .. } = recipe.optimizer;
    let (size, epochs) = (recipe.size, 1);
    CyclePlan {
        stage,
        number: 1,
        epochs_before: 0,
        epochs,
        rates,
        warm_up,
        schedule,
        momentum,
        size,
    }
}

impl CyclePlan {
    /// A later cycle of the same stage: it restarts at the full rate, without a climb.
    fn restarted(&self, number: usize, epochs_before: usize, epochs: usize) -> Self {
        let warm_up = if number == 1 { self.warm_up } else { 0.0 };
        Self { number, epochs_before, epochs, warm_up, ..*self }
    }
}

impl<M: Model> Learner<'_, M> {
    /// Ends with what is best so far, where that is what was meant.
    fn make_the_best_of(&mut self, stop: Stop) -> Result<()> {
        let (stage, start) = self.now.unwrap_or((Stage::Precompute, Instant::now()));
        match (&stop, self.best_score()) {
            (Stop::Interrupted { .. }, _) | (Stop::NotFinite { .. } | Stop::NoAnswer, None) => {
                Err(stop.into())
            }
            // By a plan nothing is asked: what is half done would pass for what the first run's score is of.
            _ if self.data.plan.is_some() => Err(stop.into()),
            // What no epoch was made of would guess.
            (Stop::OutOfTime { .. }, None) => Err(Stop::TooLittleTime.into()),
            (_, best) => {
                let reason = stop.to_string();
                let reason = reason.lines().next().unwrap_or_default();
                let why = format!("{reason}; kept: {}", describe(self.data, best.as_ref()));
                self.journal.was_stopped = true;
                self.journal.diverged = !matches!(stop, Stop::OutOfTime { .. });
                let (seconds, found) = (start.elapsed().as_secs_f64(), why.clone());
                self.journal.done.push(Entry::Stage { stage, seconds, found });
                self.listener.event(&Event::Stopped { stage, why });
                Ok(())
            }
        }
    }

    /// The finder's suggestion, or the recipe's own rate where it does not run or finds nothing.
    fn rate(&mut self, stage: Stage, settings: &FindRate, slower: &LayerRates) -> Result<f64> {
        if let Some(plan) = &self.data.plan {
            return Ok(plan.rate(stage).unwrap_or(settings.rate));
        }
        if !settings.run {
            return Ok(settings.rate);
        }
        let read = |entry: &Entry| match entry {
            Entry::Rate { stage: of, rate } if *of == stage => Some(*rate),
            _ => None,
        };
        let mut rate = settings.rate;
        self.stage(stage, |learner| {
            let mut found = String::new();
            rate = learner.once(read, |learner| {
                let curve = learner.find_rate(settings, slower.clone(), FeedKind::Activations)?;
                let mut chosen = choose_rate(&curve, settings.rate);
                [chosen.rate] = agreed(&*learner.group, [chosen.rate])?;
                found = chosen.to_string();
                learner.listener.event(&Event::RateFound(Sweep { stage, curve, chosen }));
                Ok((chosen.rate, Entry::Rate { stage, rate: chosen.rate }))
            })?;
            Ok(found)
        })?;
        Ok(rate)
    }

    /// Cycle after cycle, until one ends without having lowered the validation loss by `min-gain` of what the
    /// cycle before reached: from then on the network mostly learns its training images by heart.
    fn until_over_fitting(&mut self, rates: Rates) -> Result<String> {
        let recipe = &self.data.recipe;
        let settings = &recipe.whole_network;
        let first = cycle(recipe, Stage::WholeNetwork, rates);
        let (mut epochs_before, mut reached_before) = (0, f64::INFINITY);
        let cycles = cycles(self.data);
        for (number, &epochs) in (1..).zip(&cycles) {
            let size = settings.size(number - 1, recipe);
            let plan = CyclePlan { size, ..first.restarted(number, epochs_before, epochs) };
            let scores = self.train_cycle(&plan, FeedKind::Images)?;
            let reached = scores.iter().map(|score| score.loss).fold(f64::INFINITY, f64::min);
            // Small images are a preparation: a cycle on larger ones is not judged by them.
            let is_last_size = number + 1 >= settings.sizes.len().max(1);
            if is_last_size && reached > reached_before * (1.0 - settings.min_gain) {
                let what = if reached > reached_before { "over-fitting" } else { "little gained" };
                return Ok(format!(
                    "{what}: cycle {number} reached a loss of {reached:.4}, the one before \
                     {reached_before:.4}"
                ));
            }
            epochs_before += epochs;
            reached_before = reached;
        }
        Ok(match cycles.len() {
            1 => "one cycle done".to_owned(),
            n => format!("all {n} cycles done"),
        })
    }
}

pub(super) fn describe(data: &Data, score: Option<&Score>) -> String {
    match score {
        None => "nothing trained so far".to_owned(),
        Some(Score { loss, accuracy: Some(accuracy), .. }) => {
            format!("loss {loss:.4}, accuracy {accuracy:.4}")
        }
        Some(Score { loss, metric, accuracy: None, .. }) => {
            format!("loss {loss:.4}, {} {metric:.4}", data.metric.short())
        }
    }
}

fn describe_rates([first, second, last]: &Rates) -> String {
    format!("rates x {first:.2}, x {second:.2}, x {last:.0} (the head)")
}
