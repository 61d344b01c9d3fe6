//! What is trained already, and is not trained again.

use std::path::Path;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::Competition;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{Run, Workspace};

/// What to do where a run would have to be begun.
pub(super) const OR_START: &str = "leave `--resume` out to start one";
/// What to do where all are finished.
pub(super) const OR_TAKE: &str = "leave `--resume` out to take what is finished, or give `--anew`";

/// The newest finished run of a group that has the recipe's fold and seed, which is the one that `submit` takes,
/// unless it is to be trained anew, or that was begun and stopped since. One that had no time to come to its end
/// counts where minutes are given again.
pub(super) fn taken(
    args: &Args,
    runs: &Path,
    competition: &Competition,
    group: &str,
    recipe: &Recipe,
    redone: Option<&Redone>,
) -> Result<Option<Run>> {
    if args.start.anew {
        return Ok(None);
    }
    let newest = Run::of_group(runs, &competition.name, group, recipe)?.into_iter().next();
    let is_whole = |run: &Run| args.max_minutes.is_some() || !run.had_no_time();
    let Some(finished) = newest.filter(is_whole) else { return Ok(None) };
    let is_to_go_on = stopped_since(&finished, runs, competition, recipe)?.is_some();
    let is_of_before = redone.is_some_and(|redone| redone.comes_after(&finished, recipe));
    Ok(Some(finished).filter(|_| !is_to_go_on && !is_of_before))
}

/// A run of the recipe that was begun after `finished`, and stopped.
fn stopped_since(
    finished: &Run,
    runs: &Path,
    competition: &Competition,
    recipe: &Recipe,
) -> Result<Option<Run>> {
    for stopped in Run::unfinished(runs, competition, recipe)? {
        if stopped.time() > finished.time()
            && stopped.has_checkpoints()?
            && stopped.lock()?.is_some()
        {
            return Ok(Some(stopped));
        }
    }
    Ok(None)
}

/// A fold in which `--anew` was stopped, and when it was begun. It is gone on with without `--anew`, and those
/// after it are to follow, whatever was finished of them before.
pub(super) struct Redone {
    fold: usize,
    begun: Timestamp,
}

impl Redone {
    /// The first such fold, if all folds are trained.
    pub(super) fn find(
        args: &Args,
        runs: &Path,
        competition: &Competition,
        group: &str,
        recipe: &Recipe,
    ) -> Result<Option<Self>> {
        if args.start.anew || args.fold.is_some() || !recipe.refit.is_empty() {
            return Ok(None);
        }
        for fold in 1..=recipe.folds {
            let recipe = Recipe { fold, ..recipe.clone() };
            let finished = Run::of_group(runs, &competition.name, group, &recipe)?;
            let Some(finished) = finished.first() else { continue };
            if let Some(stopped) = stopped_since(finished, runs, competition, &recipe)? {
                return Ok(Some(Self { fold, begun: stopped.time() }));
            }
        }
        Ok(None)
    }

    /// Whether a run is of before.
    fn comes_after(&self, run: &Run, recipe: &Recipe) -> bool {
        recipe.refit.is_empty() && recipe.fold > self.fold && run.time() < self.begun
    }
}

/// With `--resume` something must be there to go on with, or have been.
pub(super) fn ensure_resumes(
    args: &Args,
    workspace: &Workspace,
    competition: &Competition,
    is_there: bool,
    way_on: &str,
) -> Result<()> {
    ensure!(
        !args.start.resume || is_there,
        "no unfinished run of `{}` with this recipe in `{}`\nhint: {way_on}",
        competition.name,
        workspace.runs().display()
    );
    Ok(())
}
