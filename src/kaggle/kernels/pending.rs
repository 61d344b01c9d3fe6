//! What is known of a notebook that is to be submitted: a file beside the folder that it is made of.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::{Error, small_file};
use crate::fs;

/// It holds the numbers of the submissions before.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pending {
    pub(super) endpoint: String,
    /// Stands for the notebook and all that it runs with.
    pub(super) key: String,
    /// The newest version before.
    pub(super) before: Option<u32>,
    /// Its version, once it is saved.
    pub(super) version: Option<u32>,
    /// The call that submits it has been, or was about to be, made.
    pub(super) submitting: Option<Submitting>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Submitting {
    pub(super) message: String,
    /// The submissions that were there before.
    pub(super) before: Vec<u64>,
    /// Kaggle's number for it, once it is made.
    pub(super) reference: Option<u64>,
}

impl Pending {
    pub(super) fn new(endpoint: String, key: String, before: Option<u32>) -> Self {
        Self { endpoint, key, before, version: None, submitting: None }
    }

    pub(super) fn read(folder: &Path) -> Option<Self> {
        toml::from_str(&small_file::read_text(&place(folder), MOST_BYTES).ok()?).ok()
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(anyhow::Error::from)?;
        Ok(fs::write_private(place(folder), text)?)
    }

    pub(super) fn remove(folder: &Path) -> Result<(), Error> {
        let path = place(folder);
        if path.exists() {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn place(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    folder.with_file_name(format!(".{name}.kernel.toml"))
}
