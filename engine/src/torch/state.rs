//! A network in training at one moment, in memory and as bytes.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};
use kaggle_kit::learn::Trainable;
use tch::Tensor;

use super::weights;

/// Weights, norms' statistics and the optimiser's memory, as far as they change.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) trainable: Trainable,
    /// While the head alone trains, only its own.
    pub(super) variables: BTreeMap<String, Tensor>,
    /// The optimiser's means of gradients, and of their squares if it keeps any.
    pub(super) means: BTreeMap<String, Tensor>,
    pub(super) squares: BTreeMap<String, Tensor>,
    /// Steps that the optimiser has made.
    pub(super) steps: i64,
    /// The running mean of the weights, and the steps in it.
    pub(super) average: Option<(BTreeMap<String, Tensor>, i64)>,
    /// Pieces of a batch.
    pub(super) pieces: usize,
    /// What a loss in half precision is multiplied by.
    pub(super) scale: f64,
}

/// What the tensors in the file are, before their name.
const KINDS: [&str; 4] = ["variable.", "mean.", "square.", "average."];

impl Snapshot {
    /// As a safetensors file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let empty = BTreeMap::new();
        let average = self.average.as_ref().map_or(&empty, |(weights, _)| weights);
        let mut all = BTreeMap::new();
        let groups = [&self.variables, &self.means, &self.squares, average];
        for (kind, tensors) in KINDS.iter().zip(groups) {
            for (name, tensor) in tensors {
                all.insert(format!("{kind}{name}"), tensor.shallow_clone());
            }
        }
        let mut notes = HashMap::from([
            ("trainable".to_owned(), told(self.trainable).to_owned()),
            ("steps".to_owned(), self.steps.to_string()),
            ("pieces".to_owned(), self.pieces.to_string()),
            ("scale".to_owned(), self.scale.to_string()),
        ]);
        if let Some((_, steps)) = &self.average {
            notes.insert("average-steps".to_owned(), steps.to_string());
        }
        weights::to_bytes(&all, notes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (all, notes) = weights::from_bytes(bytes)?;
        let note =
            |name: &str| notes.get(name).with_context(|| format!("it does not say `{name}`"));
        let [variables, means, squares, average] = KINDS.map(|kind| {
            let of_kind = all.iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(kind)?.to_owned(), tensor.shallow_clone()))
            });
            of_kind.collect::<BTreeMap<_, _>>()
        });
        let trainable = match note("trainable")?.as_str() {
            "head" => Trainable::Head,
            "everything" => Trainable::Everything,
            other => bail!("unknown layers `{other}`"),
        };
        let average = match notes.get("average-steps") {
            Some(steps) => Some((average, steps.parse()?)),
            None => None,
        };
        Ok(Self {
            trainable,
            variables,
            means,
            squares,
            steps: note("steps")?.parse()?,
            average,
            pieces: note("pieces")?.parse()?,
            scale: note("scale")?.parse()?,
        })
    }
}

fn told(trainable: Trainable) -> &'static str {
    match trainable {
        Trainable::Head => "head",
        Trainable::Everything => "everything",
    }
}
