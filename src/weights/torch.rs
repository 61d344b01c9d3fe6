//! The two files that `torch.save` writes: a zip with a pickle and a file a storage (since
//! `PyTorch` 1.6), and before that five pickles in a row and the storages behind them.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use super::Stored;
use super::pickle::{Id, Pickle, Tensor, Value};
use super::tensors::{contiguous, dtype_of, width_of};

/// How a legacy file begins: `0x1950a86a20f9469cfc6c` as a pickle of protocol 2.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Under which names checkpoints keep their weights.
const WEIGHTS: [&str; 6] =
    ["state_dict", "model_state_dict", "model", "teacher", "model_ema", "net"];

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(LEGACY)
}

pub(super) fn read_zip(bytes: &[u8]) -> Result<BTreeMap<String, Stored>> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).context("it is no whole zip file")?;
    let names = zip.file_names().map(|name| Ok(name?.into_owned()));
    let names = names.collect::<Result<Vec<String>>>()?;
    let pickled = names.iter().find(|name| name.ends_with("/data.pkl"));
    let pickled = pickled.context("it is a zip without `data.pkl`: no PyTorch file")?;
    let folder = pickled.trim_end_matches("data.pkl");
    if names.iter().any(|name| *name == format!("{folder}byteorder")) {
        let order = entry(&mut zip, &format!("{folder}byteorder"))?;
        ensure!(order == b"little", "it was written on a big-endian machine");
    }
    let pickle = Pickle::read(&entry(&mut zip, pickled)?)?;
    let mut storages = HashMap::new();
    for (_, tensor) in tensors(&pickle)? {
        let key = tensor.storage.key.as_str();
        if dtype_of(&tensor.storage.kind).is_some() && !storages.contains_key(key) {
            storages.insert(key, entry(&mut zip, &format!("{folder}data/{key}"))?);
        }
    }
    collect(&pickle, &|key| storages.get(key).map(Vec::as_slice))
}

/// A whole file in the zip; what it holds is bounded by what the archive's own length allows.
fn entry(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>> {
    let whole = zip.clone().into_inner().get_ref().len() as u64;
    let file = zip.by_name(name).with_context(|| format!("`{name}` is missing in it"))?;
    // `torch.save` stores without packing, so that nothing is longer than the archive.
    ensure!(file.size() <= whole, "`{name}` in it claims {} bytes", file.size());
    let mut bytes = Vec::with_capacity(file.size() as usize);
    file.take(whole + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("`{name}` in it is damaged"))?;
    Ok(bytes)
}

pub(super) fn read_legacy(bytes: &[u8]) -> Result<BTreeMap<String, Stored>> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickle> {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.length..];
        Ok(pickle)
    };
    let (_magic, protocol, system) = (next()?, next()?, next()?);
    ensure!(*protocol.root() == Value::Int(1001), "it is of an unknown protocol");
    let little = entries(&system, system.root())
        .find(|(key, _)| *key == "little_endian")
        .is_some_and(|(_, value)| *system.get(value) == Value::Bool(true));
    ensure!(little, "it was written on a big-endian machine");
    let (object, keys) = (next()?, next()?);
    let mut kinds = HashMap::new();
    for tensor in tensors(&object)?.into_iter().map(|(_, tensor)| tensor) {
        kinds.insert(tensor.storage.key.clone(), tensor.storage.kind.clone());
    }
    let Value::List(list) = keys.root() else { bail!("its list of storages is none") };
    let mut storages = HashMap::new();
    for &id in list {
        let key = keys.text(id).context("a storage's key is no text")?;
        let (count, behind) =
            rest.split_first_chunk::<8>().context("it ends before its numbers")?;
        // A storage of which no weight is a view tells its kind nowhere here.
        let kind = kinds.get(key).with_context(|| format!("storage `{key}` is no weight's"))?;
        let width = width_of(kind).with_context(|| format!("its `{kind}` is unknown"))?;
        let length = usize::try_from(u64::from_le_bytes(*count)).ok();
        let length = length.and_then(|count| count.checked_mul(width));
        let length = length.filter(|&length| length <= behind.len());
        let length = length.context("it ends in the middle of its numbers")?;
        storages.insert(key, &behind[..length]);
        rest = &behind[length..];
    }
    collect(&object, &|key| storages.get(key).copied())
}

/// Every tensor of floats by its name, with its numbers from the storages.
fn collect<'a>(
    pickle: &Pickle,
    storage: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<BTreeMap<String, Stored>> {
    let mut collected = BTreeMap::new();
    for (name, tensor) in tensors(pickle)? {
        let Some(dtype) = dtype_of(&tensor.storage.kind) else { continue };
        let bytes = storage(&tensor.storage.key);
        let bytes = bytes.with_context(|| format!("the numbers of `{name}` are missing"))?;
        let stored = contiguous(tensor, dtype, bytes);
        let stored = stored.with_context(|| format!("`{name}` in it is unusable"))?;
        collected.insert(name.to_owned(), stored);
    }
    Ok(collected)
}

/// The tensors of a state dict, or of the one that a checkpoint holds.
fn tensors(pickle: &Pickle) -> Result<Vec<(&str, &Tensor)>> {
    let mut dict = pickle.root();
    // A checkpoint in a checkpoint in a checkpoint is no checkpoint.
    for _ in 0..3 {
        let found: Vec<(&str, &Tensor)> = entries(pickle, dict)
            .filter_map(|(name, id)| match pickle.get(id) {
                Value::Tensor(tensor) => Some((name, tensor)),
                _ => None,
            })
            .collect();
        if !found.is_empty() {
            let parallel = found.iter().all(|(name, _)| name.starts_with("module."));
            let prefix = if parallel { "module.".len() } else { 0 };
            return Ok(found.into_iter().map(|(name, tensor)| (&name[prefix..], tensor)).collect());
        }
        let inner = WEIGHTS.iter().find_map(|wanted| {
            let mut all = entries(pickle, dict);
            all.find(|(name, id)| name == wanted && matches!(pickle.get(*id), Value::Dict(_)))
        });
        match inner {
            Some((_, id)) => dict = pickle.get(id),
            None => break,
        }
    }
    bail!("it holds no weights by name")
}

/// The entries of a dictionary whose keys are texts; none of anything else.
fn entries<'a>(pickle: &'a Pickle, value: &'a Value) -> impl Iterator<Item = (&'a str, Id)> {
    let pairs = match value {
        Value::Dict(pairs) => pairs.as_slice(),
        _ => &[],
    };
    pairs.iter().filter_map(|(key, value)| Some((pickle.text(*key)?, *value)))
}
