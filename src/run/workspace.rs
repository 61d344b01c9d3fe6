//! Where a person's data, runs and submissions lie.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Run;
use crate::competition::{self, Competition};

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

    /// The folder that holds the three below.
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
            Some(name) => competition::find(name),
            None => Run::newest(&self.runs(), None)?.competition(),
        }
    }

    /// The CSVs.
    pub fn submissions(&self) -> PathBuf {
        self.root.join("submissions")
    }
}
