//! What a run said about the test images, kept in its folder, so that deciding anew and going on
//! after a stop need no network.
//!
//! The file counts only for the images that it was made for: beside it stand a hash of their ids and
//! sizes, and the weights' names.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::Sample;
use crate::fs;
use crate::hash::Hash;
use crate::run::{Run, TEST_PREDICTIONS};
use crate::table::Table;
use crate::target::{Classes, Predictions};

/// What the predictions were made for.
const MADE_FOR: &str = "test-predictions.toml";

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MadeFor {
    version: u32,
    weights: Vec<String>,
    images: String,
}

impl MadeFor {
    pub(super) fn of(run: &Run, fingerprint: &str) -> Result<Self> {
        Ok(Self { version: 1, weights: run.summary()?.weights, images: fingerprint.to_owned() })
    }
}

/// A hash of images' ids and sizes.
pub fn fingerprint(samples: &[Sample]) -> Result<String> {
    let mut hash = Sha256::new();
    for sample in samples {
        let size = fs::metadata(&sample.path)?.len();
        hash.update(format!("{} {size}\n", sample.id));
    }
    Ok(Hash::from(hash).to_string())
}

/// Predictions as `id,class,class,...`, one row an image.
pub fn table(predictions: &Predictions) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let header =
        std::iter::once("id").chain(predictions.classes.names().iter().map(String::as_str));
    table.write_record(header)?;
    for (id, row) in predictions.ids.iter().zip(predictions.rows()) {
        let cells = row.iter().map(f32::to_string);
        table.write_record(std::iter::once(id.clone()).chain(cells))?;
    }
    Ok(table.into_inner()?)
}

/// Keeps what a run says about the test images with that fingerprint.
pub fn write(run: &Run, fingerprint: &str, predictions: &Predictions) -> Result<()> {
    run.write(TEST_PREDICTIONS, table(predictions)?)?;
    run.write_toml(MADE_FOR, &MadeFor::of(run, fingerprint)?)
}

/// What a run has said about these images, in their order.
pub fn read(run: &Run, samples: &[Sample], classes: &Classes) -> Result<Predictions> {
    let rows = super::members::predictions(run, TEST_PREDICTIONS, classes)?;
    let mut by_id: HashMap<String, Vec<f32>> = rows.into_iter().collect();
    let mut probabilities = Table::empty(classes.len());
    for sample in samples {
        let row = by_id.remove(&sample.id).with_context(|| {
            let path = run.file(TEST_PREDICTIONS);
            format!(
                "`{}` has no row `{}`\nhint: remove the file; `kaggle-kit submit` makes it again",
                path.display(),
                sample.id
            )
        })?;
        probabilities.push(&row);
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Predictions { ids, probabilities, classes: classes.clone() })
}

/// Whether a run was asked about just these images before.
pub fn is_there(run: &Run, fingerprint: &str) -> Result<bool> {
    let made_for: Option<MadeFor> = run.read_toml(MADE_FOR).ok();
    match made_for.filter(|_| run.file(TEST_PREDICTIONS).is_file()) {
        Some(made_for) => Ok(made_for == MadeFor::of(run, fingerprint)?),
        None => Ok(false),
    }
}
