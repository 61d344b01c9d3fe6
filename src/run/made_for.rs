//! What predictions for test images were made for: everything that they follow from. Kept ones count
//! where all of it is the same, and are made again where anything is not.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::VIEWS;
use super::checked::{Checked, Fault};
use super::folder::Run;
use super::weights::WeightsFile;
use crate::fs;
use crate::hash::Hash;

/// Of the layout of [`MadeFor`], and of how a picture becomes the numbers that a network sees: a
/// change of either is a new one.
const VERSION: u32 = 2;

/// What predictions for test images were made for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MadeFor {
    version: u32,
    /// A hash of the images' ids and bytes.
    images: String,
    /// A hash of the recipe (backbone, head, size, crop, views, precision), of the views that were
    /// chosen, and of the classes.
    settings: String,
    /// Of the CSV that was made; none of one that is not whole yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    predictions: Option<String>,
    weights: Vec<WeightsFile>,
}

impl Checked for MadeFor {
    const VERSION: Option<u32> = Some(VERSION);

    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl MadeFor {
    /// With the hash of the CSV that was made.
    pub(super) fn made(self, csv: &[u8]) -> Self {
        Self { predictions: Some(Hash::of(csv).to_string()), ..self }
    }

    /// What a run would predict now; `images` is the [digest](crate::dataset::digest_of_set) of the test
    /// images. An error where the weights are not those of the run.
    pub(super) fn of(run: &Run, images: &str) -> Result<Self> {
        let summary = run.summary()?;
        let views = run.file(VIEWS);
        let views = if views.is_file() { fs::read_to_string(views)? } else { String::new() };
        let recipe = toml::to_string(&run.recipe()?)?;
        let kind = format!("{:?}", run.competition()?.target.kind);
        // Each with its length, so that no two lists make the same bytes.
        let mut settings = Vec::new();
        let classes = summary.classes.names().iter().map(String::as_str);
        for text in [kind.as_str(), &recipe, &views].into_iter().chain(classes) {
            settings.extend((text.len() as u64).to_le_bytes());
            settings.extend(text.as_bytes());
        }
        Ok(Self {
            version: VERSION,
            images: images.to_owned(),
            settings: Hash::of(&settings).to_string(),
            predictions: None,
            weights: run.weights(&summary)?,
        })
    }
}
