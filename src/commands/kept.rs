//! What a run said about the test images, kept in its folder, so that deciding anew and going on
//! after a stop need no network.
//!
//! The file counts only for the images that it was made for: beside it stands a hash of their ids
//! and sizes and of the weights' names.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cache::Hash;
use crate::dataset::Sample;
use crate::fs;
use crate::run::{Run, TEST_PREDICTIONS};
use crate::target::{Classes, Predictions};

/// What the predictions were made for.
const MADE_FOR: &str = "test-predictions.toml";

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct MadeFor {
    version: u32,
    fingerprint: String,
}

impl MadeFor {
    fn of(run: &Run, samples: &[Sample]) -> Result<Self> {
        let mut hash = Sha256::new();
        for name in run.summary()?.weights {
            hash.update(format!("{name}\n"));
        }
        for sample in samples {
            let size = fs::metadata(&sample.path)?.len();
            hash.update(format!("{} {size}\n", sample.id));
        }
        let fingerprint = Hash(hash.finalize().into()).to_string();
        Ok(Self { version: 1, fingerprint })
    }
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

/// Keeps what a run says about the test images.
pub fn write(run: &Run, samples: &[Sample], predictions: &Predictions) -> Result<()> {
    run.write(TEST_PREDICTIONS, table(predictions)?)?;
    run.write_toml(MADE_FOR, &MadeFor::of(run, samples)?)
}

/// What a run has said about just these images, if it was asked before.
pub fn read(run: &Run, samples: &[Sample], classes: &Classes) -> Result<Option<Predictions>> {
    if !is_there(run, samples)? {
        return Ok(None);
    }
    let rows = super::members::predictions(run, TEST_PREDICTIONS, classes)?;
    let mut by_id: std::collections::HashMap<String, Vec<f32>> = rows.into_iter().collect();
    let mut probabilities = Vec::with_capacity(samples.len() * classes.len());
    for sample in samples {
        let row = by_id.remove(&sample.id).with_context(|| {
            let path = run.file(TEST_PREDICTIONS);
            format!(
                "`{}` has no row `{}`\nhint: remove the file; `kaggle-kit submit` makes it again",
                path.display(),
                sample.id
            )
        })?;
        probabilities.extend(row);
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Some(Predictions { ids, probabilities, classes: classes.clone() }))
}

/// Whether a run was asked about just these images before.
pub fn is_there(run: &Run, samples: &[Sample]) -> Result<bool> {
    let made_for: Option<MadeFor> = run.read_toml(MADE_FOR).ok();
    match made_for.filter(|_| run.file(TEST_PREDICTIONS).is_file()) {
        Some(made_for) => Ok(made_for == MadeFor::of(run, samples)?),
        None => Ok(false),
    }
}
