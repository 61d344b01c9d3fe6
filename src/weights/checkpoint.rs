//! The state dict in what a file holds: training scripts put it into a dictionary beside an epoch
//! and an optimiser, and wrappers put a prefix before every name.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::Stored;
use super::gather::{NumberKind, StorageSpan, StridedView, gather};
use super::pickle::{Loaded, Value};
use super::source::WeightFile;

/// Where training scripts keep it, the means of weights first: they are what is to be used.
const KEYS: [&str; 7] = [
    "state_dict_ema",
    "model_ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
];
/// Dictionaries in dictionaries that are looked into.
const DEEPEST: usize = 4;
/// What `DataParallel`, `torch.compile` and trainers put before every name.
const PREFIXES: [&str; 3] = ["module.", "_orig_mod.", "model."];

/// The tensors of a pickle's state dict; `places` tells where a storage's numbers lie.
pub(super) fn tensors(
    source: &mut WeightFile,
    loaded: &Loaded,
    places: &dyn Fn(&str, NumberKind) -> Option<StorageSpan>,
) -> Result<BTreeMap<String, Stored>> {
    let mut tensors = BTreeMap::new();
    for (name, value) in state_dict(loaded)? {
        let (Value::Text(name), Value::Tensor(tensor)) = (name, value) else { continue };
        let tensor = loaded.tensor(*tensor);
        let storage = &loaded.storages()[tensor.storage];
        let NumberKind::Float(dtype) = storage.kind else { continue };
        let mut stored = || {
            let place = places(&storage.key, storage.kind).context("its storage is not there")?;
            let offset = tensor.offset.checked_add(storage.offset);
            let view = StridedView {
                dtype,
                offset: offset.context("it reaches over the end of its storage")?,
                shape: tensor.shape.clone(),
                strides: tensor.strides.clone(),
            };
            gather(source, place, &view)
        };
        tensors.insert(name.to_string(), stored().with_context(|| format!("`{name}`"))?);
    }
    Ok(unwrapped(tensors))
}

/// The first dictionary that has a tensor in it.
fn state_dict(loaded: &Loaded) -> Result<&[(Value, Value)]> {
    let mut value = &loaded.root;
    for _ in 0..DEEPEST {
        let Some(entries) = loaded.entries(value) else {
            bail!("it holds something else than tensors by name")
        };
        if entries.iter().any(|(_, value)| matches!(value, Value::Tensor(_))) {
            return Ok(entries);
        }
        let inner = KEYS.iter().find_map(|key| {
            loaded.entry(value, key).filter(|value| loaded.entries(value).is_some())
        });
        let Some(inner) = inner else {
            let names: Vec<String> = entries
                .iter()
                .filter_map(|(key, _)| match key {
                    Value::Text(key) => Some(format!("`{key}`")),
                    _ => None,
                })
                .take(5)
                .collect();
            bail!(
                "there is no state dict in it{}\nhint: save the state dict alone: \
                 `torch.save(model.state_dict(), 'weights.pt')`",
                if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
            )
        };
        value = inner;
    }
    bail!("its state dict is too deep inside")
}

/// The same tensors without prefixes that all their names share.
fn unwrapped(mut tensors: BTreeMap<String, Stored>) -> BTreeMap<String, Stored> {
    let shared = |tensors: &BTreeMap<String, Stored>| {
        PREFIXES.into_iter().find(|prefix| tensors.keys().all(|name| name.starts_with(prefix)))
    };
    while !tensors.is_empty()
        && let Some(prefix) = shared(&tensors)
    {
        let short = |(name, tensor): (String, _)| (name[prefix.len()..].to_owned(), tensor);
        tensors = tensors.into_iter().map(short).collect();
    }
    tensors
}
