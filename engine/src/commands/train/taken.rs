//! What is trained already, and is not trained again.

use std::path::Path;

use anyhow::Result;
use kaggle_kit::commands::train::Args;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::Run;

/// The finished run of a group that has the recipe's fold and seed, unless it is to be trained anew. One that was
/// ended before its end counts where minutes are given again.
pub(super) fn taken(
    args: &Args,
    runs: &Path,
    competition: &str,
    group: &str,
    recipe: &Recipe,
) -> Result<Option<Run>> {
    if args.start.anew {
        return Ok(None);
    }
    let mut found = Run::of_group(runs, competition, group, recipe)?;
    found.retain(|run| args.max_minutes.is_some() || !run.was_ended_early());
    Ok(found.into_iter().next())
}
