//! `train --preset`: how long it will take, measured before it begins; and with `--max-minutes` which preset
//! fits into them.

use anyhow::Result;
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::Competition;
use kaggle_kit::learn::{Cores, Pace};
use kaggle_kit::recipe::{self, Preset, Recipe};
use kaggle_kit::run::{Run, Workspace};
use kaggle_kit::term;

use super::{CompetitionImages, NewNetwork};
use crate::commands::ranks::Ranks;

/// Of the minutes that there are, what a plan may take: measurements are not exact, and looking at images
/// and writing takes time as well.
const MARGIN: f64 = 0.85;

/// The recipe that is trained: what was typed, with a quicker preset where that one would take longer than
/// the minutes that there are. Tells how long it will take, if that was asked for.
pub(super) fn planned(
    args: &Args,
    competition: &Competition,
    recipe: Recipe,
    images: &CompetitionImages,
    workspace: &Workspace,
    ranks: &Ranks,
) -> Result<Recipe> {
    let Some(preset) = args.recipe.preset else { return Ok(recipe) };
    let Some(minutes) = args.max_minutes else {
        if ranks.is_first() && !is_begun(&recipe, competition, images, workspace)? {
            let once = seconds(&recipe, competition, images, ranks)?;
            // Once more, on the held-out images as well.
            let again = if args.refit { once / (1.0 - recipe.valid) } else { 0.0 };
            let told = told(&recipe, once + again);
            term::say(format_args!("   `{}`, as measured here: {told}", preset.word()));
        }
        return Ok(recipe);
    };
    let mut chosen = recipe.clone();
    if ranks.is_first() {
        for preset in preset.and_quicker() {
            chosen = recipe::of_competition(competition, &args.layers_with(preset)?)?;
            // What was begun goes on, whatever a measurement says today.
            if is_begun(&chosen, competition, images, workspace)? {
                break;
            }
            let seconds = seconds(&chosen, competition, images, ranks)?;
            let told = told(&chosen, seconds);
            let fits = seconds <= minutes * 60.0 * MARGIN;
            let what = match (fits, preset) {
                (true, _) => "it is taken",
                (false, Preset::Quick) => {
                    "it is taken, since there is none quicker, and ends in time"
                }
                (false, _) => "too long",
            };
            term::say(format_args!("   `{}`, as measured here: {told}; {what}", preset.word()));
            if fits {
                break;
            }
        }
    }
    let told = ranks.follow(toml::to_string(&chosen)?)?;
    Ok(if told.is_empty() { chosen } else { toml::from_str(&told)? })
}

/// Whether a run of this recipe is unfinished, or some of its folds are trained.
fn is_begun(
    recipe: &Recipe,
    competition: &Competition,
    images: &CompetitionImages,
    workspace: &Workspace,
) -> Result<bool> {
    let runs = &workspace.runs();
    for fold in 1..=recipe.folds.max(1) {
        let recipe = Recipe { fold, ..recipe.clone() };
        if !Run::unfinished(runs, competition, &recipe)?.is_empty() {
            return Ok(true);
        }
        let group = images.group(&recipe)?;
        if recipe.folds > 0 && Run::of_fold(runs, &competition.name, &group, fold)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Seconds that all folds of a recipe take, one after the other.
fn seconds(
    recipe: &Recipe,
    competition: &Competition,
    images: &CompetitionImages,
    ranks: &Ranks,
) -> Result<f64> {
    let data = images.split(&Recipe { fold: 1, ..recipe.clone() })?;
    let alone = Ranks::alone(ranks.device);
    let mut new = NewNetwork::new(competition, recipe, &data, &alone)?;
    let pace = Pace::measure(&mut new.network, &data)?;
    let cores = if ranks.device.is_cuda() { Cores::Apart } else { Cores::Shared };
    let first = pace.seconds(&data, cores, true);
    let later = recipe.folds.saturating_sub(1) as f64;
    Ok(first + later * pace.seconds(&data, cores, false))
}

fn told(recipe: &Recipe, seconds: f64) -> String {
    let folds = match recipe.folds {
        0 => String::new(),
        n => format!(" for {}", term::count(n, "fold")),
    };
    // Cycles end where the network begins to over-fit.
    let may_end = recipe.unfreeze.run && recipe.whole_network.max_cycles > 1;
    let bound = if may_end { "at most about" } else { "about" };
    format!("{bound} {}{folds}", term::duration(seconds))
}
