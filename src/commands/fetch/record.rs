//! `fetched.toml`: that a data folder is whole, and where it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::manifest::Part;
use crate::competition::Competition;
use crate::dataset::{Dataset, Found};
use crate::fs;
use crate::term;

const NAME: &str = "fetched.toml";

/// What a finished fetch leaves in the data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fetched {
    pub version: u32,
    /// Kaggle's name of the competition.
    pub slug: String,
    pub when: String,
    pub sources: Vec<String>,
    /// How many labelled images there are.
    pub train_images: usize,
    /// How many images there are to predict.
    pub test_images: usize,
    pub classes: usize,
    /// What is there, a folder of images or a table each.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What was found in it; none in the records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

impl Fetched {
    pub(super) fn new(
        competition: &Competition,
        sources: Vec<String>,
        dataset: &Dataset,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            version: 2,
            slug: competition.slug.clone(),
            when: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            sources,
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
            classes: dataset.classes.len(),
            parts,
            found: Some(dataset.found.clone()),
        }
    }

    /// Reads the record of a data folder; `None` when no fetch has come to its end there.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(NAME);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        let fetched = toml::from_str(&text).with_context(|| {
            format!("failed to read `{}`\nhint: delete it and fetch again", path.display())
        })?;
        Ok(Some(fetched))
    }

    /// Says that `files` are whole, once they are on the disk: after a power cut they are there, or this
    /// record is not.
    pub(super) fn write(&self, data: &Path, files: &[PathBuf]) -> Result<()> {
        fs::write_record(data.join(NAME), toml::to_string(self)?, files)
    }

    /// Takes the record away: from now on the folder is not known to be whole.
    pub(super) fn forget(data: &Path) -> Result<()> {
        fs::remove_flushed(&data.join(NAME))
    }

    /// The record and its folder as one JSON object.
    pub(super) fn to_json(&self, data: &Path) -> Result<Value> {
        let mut value = serde_json::to_value(self)?;
        value["folder"] = term::path_in_json(data).into();
        Ok(value)
    }
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let day = self.when.split('T').next().unwrap_or_default();
        write!(f, "fetched {day} from {}", self.sources.join(", "))
    }
}
