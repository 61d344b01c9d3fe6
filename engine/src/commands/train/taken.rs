//! What is trained already, and is not trained again.

use std::path::Path;

use anyhow::{Result, ensure};
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::Competition;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{Run, Workspace};

/// What to do where a run would have to be begun.
pub(super) const OR_START: &str = "leave `--resume` out to start one";
/// What to do where all are finished.
pub(super) const OR_TAKE: &str = "leave `--resume` out to take what is finished, or give `--anew`";

/// The finished run of a group that has the recipe's fold and seed, unless it is to be trained anew, or that was
/// begun and stopped since. One that was ended before its end counts where minutes are given again.
pub(super) fn taken(
    args: &Args,
    runs: &Path,
    competition: &Competition,
    group: &str,
    recipe: &Recipe,
) -> Result<Option<Run>> {
    if args.start.anew {
        return Ok(None);
    }
    let mut found = Run::of_group(runs, &competition.name, group, recipe)?;
    found.retain(|run| args.max_minutes.is_some() || !run.was_ended_early());
    let Some(finished) = found.into_iter().next() else { return Ok(None) };
    for stopped in Run::unfinished(runs, competition, recipe)? {
        if stopped.time() > finished.time()
            && stopped.has_checkpoints()?
            && stopped.lock()?.is_some()
        {
            return Ok(None);
        }
    }
    Ok(Some(finished))
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
