//! The run, or the model, that a person means by one word, or by none, and what is missing of it.

use std::path::Path;

use anyhow::Result;

use crate::competition::Competition;
use crate::decide::ensemble::members::{self, Member};
use crate::run::{Run, Workspace};
use crate::term;
use crate::typed;

/// What [`run`] means, a fold for all folds of its model.
pub(super) fn member(given: Option<&str>, workspace: &Workspace) -> Result<Member> {
    members::of(run(given, workspace)?)
}

/// The models of a blend, each named by a run; or the one that [`member`] means.
pub(super) fn members(given: &[String], workspace: &Workspace) -> Result<Vec<Member>> {
    match given {
        [] => Ok(vec![member(None, workspace)?]),
        [name] => Ok(vec![member(Some(name), workspace)?]),
        names => members::named(&workspace.runs(), None, names),
    }
}

/// The `n` best models of a competition; of the newest run's, where none is named.
pub(super) fn best(
    competition: Option<&Competition>,
    n: usize,
    workspace: &Workspace,
) -> Result<Vec<Member>> {
    let runs = workspace.runs();
    match competition {
        Some(competition) => members::best(&runs, competition, n),
        None => members::best(&runs, &Run::newest(&runs, None)?.competition()?, n),
    }
}

/// Says which networks a mean is to be of whose training was stopped, or not begun: without a word it would be
/// of fewer.
pub(super) fn tell_of_unfinished(found: &[Member]) -> Result<()> {
    for member in found {
        if member.runs.len() < member.folds {
            term::warn(format_args!(
                "{} are trained, and predict without the others: the `train` that was stopped makes these when \
                 it is run again",
                member.extent()
            ));
        }
        for run in members::unfinished(member)? {
            term::warn(format_args!(
                "run `{}` of the same plan is unfinished, so the mean is without it: `{}` tells how to go on with it",
                run.id(),
                typed::command(["runs"])
            ));
        }
    }
    Ok(())
}

/// A run by its folder or id; a competition, for its newest finished run; without a word the newest of all.
pub(super) fn run(given: Option<&str>, workspace: &Workspace) -> Result<Run> {
    let runs = workspace.runs();
    let Some(name) = given else { return Run::newest(&runs, None) };
    match workspace.find(name) {
        Ok(competition) => Run::newest(&runs, Some(&competition)),
        // A spec that cannot be read is meant as one; else it may be a run.
        Err(error) if Path::new(name).extension().is_some_and(|of| of == "toml") => Err(error),
        Err(error) => Run::find(&runs, None, name).map_err(|no_run| {
            let is_near = format!("{error:#}").contains("did you mean");
            if is_near && !Path::new(name).exists() && !name.contains('/') { error } else { no_run }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::competition;
    use crate::recipe;
    use crate::run::Summary;

    #[test]
    fn a_run_is_meant_by_its_id_its_competition_or_nothing() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path());
        let planet = competition::find("planet").unwrap();
        let made = Run::create(&workspace.runs(), &planet, &recipe::resolve(&[]).unwrap()).unwrap();
        let meant = |given: Option<&str>| run(given, &workspace).map(|run| run.id());
        assert!(meant(Some("planet")).is_err(), "it is not finished");
        let classes = ["a", "b"].map(str::to_owned).to_vec().into();
        made.finish(&Summary::made_up("planet", &planet.metric, &classes)).unwrap();
        let folder = made.folder.display().to_string();
        for given in
            [None, Some("planet"), Some(planet.slug.as_str()), Some(&made.id()), Some(&folder)]
        {
            assert_eq!(meant(given).unwrap(), made.id(), "{given:?}");
        }
        let error = meant(Some("plannet")).unwrap_err();
        assert!(format!("{error:#}").contains("did you mean `planet`"), "{error:#}");
        let error = meant(Some("20990101-000000-aaaa")).unwrap_err();
        assert!(format!("{error:#}").contains("there is no run"), "{error:#}");
    }
}
