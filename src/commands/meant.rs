//! The model that a person means by one word, or by none.

use std::path::Path;

use anyhow::Result;

use crate::decide::ensemble::members::{self, Member};
use crate::run::{Run, Workspace};

/// A run by its folder or id, a fold for all folds of its model; a competition, for its newest finished run;
/// without a word the newest of all.
pub(super) fn member(given: Option<&str>, workspace: &Workspace) -> Result<Member> {
    let runs = workspace.runs();
    let Some(name) = given else { return members::of(Run::newest(&runs, None)?) };
    match workspace.find(name) {
        Ok(competition) => members::of(Run::newest(&runs, Some(&competition))?),
        // A spec that cannot be read is meant as one; else it may be a run.
        Err(error) if Path::new(name).extension().is_some_and(|of| of == "toml") => Err(error),
        Err(error) => Run::find(&runs, None, name).and_then(members::of).map_err(|no_run| {
            let is_near = format!("{error:#}").contains("did you mean");
            if is_near && !Path::new(name).exists() && !name.contains('/') { error } else { no_run }
        }),
    }
}
