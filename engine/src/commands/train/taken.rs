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
    let Some(finished) = newest.filter(|run| is_whole(run, args)) else { return Ok(None) };
    let is_to_go_on = stopped_since(&finished, runs, competition, recipe)?.is_some();
    let is_of_before = redone.is_some_and(|redone| redone.outdates(&finished, recipe));
    Ok(Some(finished).filter(|_| !is_to_go_on && !is_of_before))
}

/// Whether the same again would come no further.
fn is_whole(run: &Run, args: &Args) -> bool {
    args.max_minutes.is_some() || !run.had_no_time()
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
            // One that had no time is trained again without `--anew`.
            let newest = finished.first().filter(|run| is_whole(run, args));
            let Some(finished) = newest else { continue };
            if let Some(stopped) = stopped_since(finished, runs, competition, &recipe)? {
                return Ok(Some(Self { fold, begun: stopped.time() }));
            }
        }
        Ok(None)
    }

    /// Whether a finished run is of before, in a fold that is to follow.
    fn outdates(&self, run: &Run, recipe: &Recipe) -> bool {
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

#[cfg(test)]
mod tests {
    use kaggle_kit::competition;
    use kaggle_kit::fs;
    use kaggle_kit::recipe::{self, Layer};
    use kaggle_kit::run::{CHECKPOINT, JOURNAL, Summary};

    use super::*;

    const GROUP: &str = "a-group";

    fn of_fold(fold: usize) -> Recipe {
        let layers = ["folds=3".to_owned(), format!("fold={fold}")]
            .map(|typed| Layer::assignment(&typed).unwrap());
        recipe::resolve(&layers).unwrap()
    }

    fn finished(runs: &Path, competition: &Competition, fold: usize, when: &str) -> Run {
        let recipe = of_fold(fold);
        let run = Run::create(runs, competition, &recipe).unwrap();
        let classes = ["a", "b"].map(str::to_owned).to_vec().into();
        let summary = Summary {
            fold,
            folds: 3,
            seed: recipe.seed,
            group: GROUP.to_owned(),
            finished: when.to_owned(),
            ..Summary::made_up(&competition.name, &competition.metric, &classes)
        };
        run.finish(&summary).unwrap();
        run
    }

    #[test]
    fn the_newest_run_is_taken_unless_it_had_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, planet) = (folder.path(), competition::find("planet").unwrap());
        let mut args = Args::new("planet".to_owned());
        let id = |args: &Args| {
            let run = taken(args, runs, &planet, GROUP, &of_fold(1), None).unwrap();
            run.map(|run| run.id())
        };
        assert_eq!(id(&args), None);
        let whole = finished(runs, &planet, 1, "2016-11-24T06:00:00Z");
        assert_eq!(id(&args), Some(whole.id()));
        let newer = finished(runs, &planet, 1, "2016-11-25T06:00:00Z");
        let ended = |more: &str| {
            let journal = format!("epochs = 1\nsteps = 1\nwas-stopped = true\n{more}done = []\n");
            fs::write_atomic(newer.file(JOURNAL), journal).unwrap();
            assert!(newer.was_ended_early());
        };
        // What `submit` takes is the newest; the same again comes further only where time ended it.
        ended("");
        assert_eq!(id(&args), None);
        args.max_minutes = Some(1.0);
        assert_eq!(id(&args), Some(newer.id()));
        args.max_minutes = None;
        ended("diverged = true\n");
        assert_eq!(id(&args), Some(newer.id()));
        args.start.anew = true;
        assert_eq!(id(&args), None);
    }

    #[test]
    fn what_follows_a_fold_that_is_trained_anew_is_trained_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, planet) = (folder.path(), competition::find("planet").unwrap());
        let mut args = Args::new("planet".to_owned());
        for fold in 1..=3 {
            finished(runs, &planet, fold, "2016-11-24T06:00:00Z");
        }
        let redone = |args: &Args| Redone::find(args, runs, &planet, GROUP, &of_fold(1)).unwrap();
        assert!(redone(&args).is_none());
        // `--anew` has trained the first fold, and was stopped in the second.
        finished(runs, &planet, 1, "2016-11-25T06:00:00Z");
        let newest = finished(runs, &planet, 2, "2016-11-24T07:00:00Z");
        let stopped = Run::create(runs, &planet, &of_fold(2)).unwrap();
        fs::write_atomic(stopped.file(CHECKPOINT).join("1.toml"), "").unwrap();
        let found = redone(&args);
        let are_taken = [1, 2, 3].map(|fold| {
            let run = taken(&args, runs, &planet, GROUP, &of_fold(fold), found.as_ref()).unwrap();
            run.is_some()
        });
        assert_eq!(are_taken, [true, false, false]);
        // Had the finished one had no time, the stopped one would be its repetition.
        let journal = "epochs = 1\nsteps = 1\nwas-stopped = true\ndone = []\n";
        fs::write_atomic(newest.file(JOURNAL), journal).unwrap();
        assert!(redone(&args).is_none());
        args.max_minutes = Some(1.0);
        assert!(redone(&args).is_some());
        args.fold = Some(3);
        assert!(redone(&args).is_none(), "one fold is asked for");
    }
}
