//! Where a person's data, runs and submissions lie, and how a name finds a competition there.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};

use super::Run;
use crate::competition::{self, Competition};
use crate::explain;

/// Where a person's work lies.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// A workspace in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that holds those below.
    pub fn root(&self) -> &Path {
        if self.root.as_os_str().is_empty() { Path::new(".") } else { &self.root }
    }

    /// A workspace in a folder of this one.
    #[must_use]
    pub fn within(&self, name: &str) -> Self {
        Self::new(self.root.join(name))
    }

    /// A folder of data a competition.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// A folder of runs a competition.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The competition that is named, or that of the newest finished run.
    pub fn competition(&self, name: Option<&str>) -> Result<Competition> {
        match name {
            Some(name) => self.find(name),
            None => Run::newest(&self.runs(), None)?.competition(),
        }
    }

    /// The competition that is named; see [`find_competition`].
    pub fn find(&self, typed: &str) -> Result<Competition> {
        find_competition(&self.runs(), typed)
    }

    /// A folder an exported run.
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }

    /// A folder a competition, to be uploaded as a data set.
    pub fn packs(&self) -> PathBuf {
        self.root.join("packs")
    }

    /// A folder an owner, in it one a data set.
    pub fn data_sets(&self) -> PathBuf {
        self.root.join("data-sets")
    }

    /// The CSVs.
    pub fn submissions(&self) -> PathBuf {
        self.root.join("submissions")
    }
}

/// Finds a competition by what a person types: as [`competition::find`] does, or by the short name or
/// the slug of one that was trained from a spec file, since its runs keep the spec; the newest counts.
pub fn find_competition(runs: &Path, typed: &str) -> Result<Competition> {
    let error = match competition::find(typed) {
        // A spec file that is called as a built-in one's slug has runs under that name.
        Ok(found) if found.name == typed => return Ok(found),
        Ok(found) => {
            let own = Run::all(runs, Some(typed)).unwrap_or_default().into_iter().rev();
            let own = own.filter_map(|run| run.competition().ok()).find(|own| own.name == typed);
            return Ok(own.unwrap_or(found));
        }
        Err(error) => error,
    };
    let kept: Vec<Competition> =
        Run::all(runs, None)?.into_iter().rev().filter_map(|run| run.competition().ok()).collect();
    let is_meant = |kept: &&Competition| kept.name == typed || kept.slug == typed;
    if let Some(found) = kept.iter().find(is_meant) {
        return Ok(found.clone());
    }
    let near = explain::nearest(typed, kept.iter().map(|kept| kept.name.as_str()));
    Err(match near {
        Some(near) => Error::msg(with_guess(&error, near, runs)),
        None => error,
    })
}

/// The error with one more hint.
fn with_guess(error: &Error, near: &str, runs: &Path) -> String {
    format!(
        "{error:#}\nhint: did you mean `{near}`, of which there are runs in `{}`?",
        runs.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe;

    #[test]
    fn a_spec_that_is_called_as_a_built_in_one_s_slug_has_runs_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let built_in = competition::find("planet").unwrap();
        let slug = built_in.slug.as_str();
        let found = || find_competition(folder.path(), slug).unwrap().name;
        assert_eq!(found(), "planet");
        let own = Competition::parse(slug, &built_in.source, "own.toml").unwrap();
        Run::create(folder.path(), &own, &recipe::resolve(&[]).unwrap()).unwrap();
        assert_eq!(found(), slug);
    }
}
