//! A network in training at one moment, in memory and as bytes.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use kaggle_kit::learn::Trainable;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::weights;

/// Weights, norms' statistics and the optimiser's memory, as far as they change.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) header: Header,
    /// While the head alone trains, only its own.
    pub(super) variables: BTreeMap<String, Tensor>,
    /// The optimiser's means of gradients, and of their squares if it keeps any.
    pub(super) means: BTreeMap<String, Tensor>,
    pub(super) squares: BTreeMap<String, Tensor>,
    /// The moving average of the weights, if there is one.
    pub(super) averages: BTreeMap<String, Tensor>,
}

/// What of a snapshot is no tensor.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) trainable: Trainable,
    /// Steps that the optimiser has made, and those in the moving average.
    pub(super) steps: i32,
    pub(super) averaged_steps: i64,
    pub(super) micro_batches: usize,
    /// What a loss in half precision is multiplied by.
    pub(super) loss_scale: f64,
    /// Steps since that last changed; older versions never raised it.
    #[serde(default)]
    pub(super) good_steps: u32,
}

/// What the tensors in the file are, before their name.
const KINDS: [&str; 4] = ["variable.", "mean.", "square.", "average."];

/// The key of the file's metadata that has the header, as JSON.
const HEADER: &str = "snapshot";

impl Snapshot {
    /// As a safetensors file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut all = BTreeMap::new();
        let groups = [&self.variables, &self.means, &self.squares, &self.averages];
        for (kind, tensors) in KINDS.iter().zip(groups) {
            for (name, tensor) in tensors {
                all.insert(format!("{kind}{name}"), tensor.shallow_clone());
            }
        }
        let header = serde_json::to_string(&self.header)?;
        weights::to_bytes(&all, HashMap::from([(HEADER.to_owned(), header)]))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (all, metadata) = weights::from_bytes(bytes)?;
        let header = metadata.get(HEADER).context("it is no snapshot of this version")?;
        let [variables, means, squares, averages] = KINDS.map(|kind| {
            let of_kind = all.iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(kind)?.to_owned(), tensor.shallow_clone()))
            });
            of_kind.collect()
        });
        Ok(Self { header: serde_json::from_str(header)?, variables, means, squares, averages })
    }
}
