//! `train --refit`: once more on all images, by the plan of a finished run.
//!
//! The second run holds nothing out, so it has no score of its own: what it says of held-out images, how it
//! decides and which views it takes are the first run's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use kaggle_kit::commands::train::{Args, Refit};
use kaggle_kit::learn::{Data, Plan, Stop};
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{
    DECISION, Fate, JOURNAL, Journal, Run, SplitTable, Stage, StageTime, VIEWS, WayStep, Workspace,
};
use kaggle_kit::term;

use super::Training;
use super::finish::Known;
use crate::commands::ranks::Ranks;

/// The recipe of the `nth` network on all images, from 0: each draws by a seed of its own.
pub(super) fn nth_recipe(first: &Recipe, plan: &str, nth: usize) -> Recipe {
    let seed = first.seed.wrapping_add(nth as u64);
    Recipe { refit: plan.to_owned(), seed, ..first.clone() }
}

/// The plan that a recipe names, if it names one, and the seed by which its run held out images; the first of
/// several ranks reads it.
pub(super) fn plan_of(
    recipe: &Recipe,
    workspace: &Workspace,
    ranks: &Ranks,
) -> Result<Option<(Plan, u64)>> {
    if recipe.refit.is_empty() {
        return Ok(None);
    }
    let read = || -> Result<String> {
        let run = first_run(recipe, workspace)?;
        let of_run = run.recipe()?;
        let (seed, fold) = (of_run.seed, of_run.fold);
        ensure!(
            of_run == Recipe { refit: String::new(), seed, fold, ..recipe.clone() },
            "run `{}` was trained by another recipe\nhint: give what it was trained with, and `--refit`",
            recipe.refit
        );
        ensure!(
            fold == recipe.fold && (recipe.folds == 0 || seed == recipe.seed),
            "run `{}` is fold {fold} with seed {seed}, whose plan is for that one\nhint: give `--fold {fold}` and \
             `--set seed={seed}`",
            recipe.refit
        );
        let journal: Journal = run.read_toml(JOURNAL)?;
        Ok(format!("{seed}\n{}", toml::to_string(&journal)?))
    };
    let told = ranks.follow(if ranks.is_first() { read()? } else { String::new() })?;
    let (seed, journal) = told.split_once('\n').context("no plan was told")?;
    let plan = Plan::new(toml::from_str(journal)?);
    Ok(Some((plan.with_context(|| format!("run `{}`", recipe.refit))?, seed.parse()?)))
}

/// Trains networks on all images by the plan of each of `first`, which the first of several ranks has; none, where
/// there is no time for it.
pub(super) fn networks(
    training: &mut Training,
    first: &[Run],
    recipe: &Recipe,
    begun: Instant,
    interrupted: &Arc<AtomicBool>,
) -> Result<Vec<Run>> {
    let (ranks, workspace) = (training.ranks, training.workspace);
    let mut plans = Vec::new();
    if training.networks > 0
        && ranks.is_first()
        && are_plans(training.args, first)?
        && has_time(training, first, recipe, begun.elapsed())?
    {
        plans.extend(first.iter().map(Run::id));
    }
    let plans = ranks.follow(plans.join(" "))?;
    let mut runs = Vec::new();
    for (fold, plan) in training.folds(recipe).zip(plans.split_whitespace()) {
        let recipe = Recipe { fold, ..recipe.clone() };
        let of_plan = nth_recipe(&recipe, plan, 0);
        training.images.plan = plan_of(&of_plan, workspace, ranks)?.map(|(plan, _)| plan);
        for nth in 0..training.networks {
            let trained = training.one(&nth_recipe(&recipe, plan, nth), interrupted);
            runs.extend(trained.map_err(|error| or_without(error, plan))?);
        }
    }
    Ok(runs)
}

/// What to do where a loss is no number, beside what the error says.
fn or_without(error: Error, plan: &str) -> Error {
    match error.downcast_ref() {
        Some(Stop::NotFinite { .. } | Stop::NoAnswer) => error.context(format!(
            "run `{plan}` is finished, but was not to be repeated on all images, which `--refit=never` leaves out"
        )),
        _ => error,
    }
}

/// Whether all of `first` came to their end, so that each is a plan; an error where they must be.
pub(super) fn are_plans(args: &Args, first: &[Run]) -> Result<bool> {
    if args.all_images.refit == Refit::Auto && first.iter().any(Run::was_ended_early) {
        term::say("   not once more on all images: training was ended before its end");
        return Ok(false);
    }
    for run in first {
        Plan::new(run.read_toml(JOURNAL)?).with_context(|| format!("run `{}`", run.id()))?;
    }
    Ok(true)
}

/// Whether all images can be trained on by the plans of `first`, which took `so_far`; says why not.
fn has_time(training: &Training, first: &[Run], recipe: &Recipe, so_far: Duration) -> Result<bool> {
    let Some(minutes) = training.args.max_minutes else { return Ok(true) };
    let left = 60.0 * minutes - so_far.as_secs_f64();
    let mut wanted = 0.0;
    for (fold, run) in training.folds(recipe).zip(first) {
        let again = nth_recipe(&Recipe { fold, ..recipe.clone() }, &run.id(), 0);
        if training.trained(&training.images.group(&again)?, &again)?.is_none() {
            wanted += seconds_again(run)?;
        }
    }
    if wanted > left {
        term::say(format_args!(
            "   not once more on all images, which takes about {}: {} are left",
            term::duration(wanted),
            term::duration(left.max(0.0))
        ));
    }
    Ok(wanted <= left)
}

/// How long a network on all images takes by the plan of `run`.
fn seconds_again(run: &Run) -> Result<f64> {
    let (recipe, summary) = (run.recipe()?, run.summary()?);
    let plan = Plan::new(run.read_toml(JOURNAL)?)?;
    let again = |stage: &StageTime| match stage.stage.as_str() {
        // Its activations are there by now.
        title if recipe.precompute.cache && title == Stage::Precompute.title() => 0.0,
        title if title == Stage::WholeNetwork.title() => {
            stage.seconds * plan.whole_share(&recipe.whole_network)
        }
        _ => stage.seconds,
    };
    let (n, held_out) = (summary.train_images as f64, summary.valid_images as f64);
    Ok(summary.stages.iter().map(again).sum::<f64>() * (n + held_out) / n)
}

/// The run whose plan is followed.
fn first_run(recipe: &Recipe, workspace: &Workspace) -> Result<Run> {
    Run::find(&workspace.runs(), None, &recipe.refit).with_context(|| {
        format!(
            "all images are to be trained on by the plan of run `{}`, whose folder must be there",
            recipe.refit
        )
    })
}

/// An error where the run whose plan is followed held out other images: what it says of them would be of others.
pub(super) fn ensure_same_images(
    recipe: &Recipe,
    data: &Data,
    workspace: &Workspace,
) -> Result<()> {
    let split = SplitTable::of(&first_run(recipe, workspace)?, &data.classes, data.kind)?;
    ensure!(
        split.held_out().eq(data.valid.samples.iter().map(|sample| sample.id.as_str())),
        "the images have changed since run `{}` was trained, whose plan is to be followed\nhint: train again \
         without `refit`: that makes a new plan",
        recipe.refit
    );
    Ok(())
}

/// What the first run says of the images that it held out, and how it decides.
pub(super) fn known(recipe: &Recipe, data: &Data, workspace: &Workspace) -> Result<Known> {
    let run = first_run(recipe, workspace)?;
    let mut way = run.summary()?.way;
    way.push(WayStep {
        step: format!(
            "once more on all {}",
            term::count(data.train.len() - data.n_pseudo, "image")
        ),
        stage: None,
        loss: None,
        error: None,
        metric: None,
        seconds: None,
        fate: Fate::Kept,
    });
    Ok(Known {
        predictions: run.valid_predictions(&data.classes, data.kind)?,
        decision: run.read_toml(DECISION)?,
        views: run.read_toml(VIEWS)?,
        found: format!("views and decision as of run `{}`", recipe.refit),
        way,
    })
}
