//! What `torch.save` wrote before `PyTorch` 1.6, and writes still if asked: five pickles in a row
//! (a magic number, the protocol, the machine, the object, the keys of its storages) and then, in
//! the order of the keys, each storage: a 64-bit count, and the numbers.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};

use super::gather::{NumberKind, StorageSpan};
use super::pickle::{self, Loaded, Value};
use super::source::WeightFile;
use super::{Stored, checkpoint};

/// The magic number as any protocol from 2 on pickles it: ten bytes, the least significant first.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
const PROTOCOL: i128 = 1001;

/// Whether a file may be one, by its first bytes.
pub(super) fn begins(start: &[u8]) -> bool {
    let Some(rest) = start.strip_prefix(b"\x80").and_then(|rest| rest.get(1..)) else {
        return false;
    };
    // From protocol 4 on, a frame with its length comes before.
    let framed = rest.strip_prefix(b"\x95").and_then(|rest| rest.get(8..));
    framed.unwrap_or(rest).starts_with(MAGIC)
}

pub(super) fn read(source: &mut WeightFile) -> Result<BTreeMap<String, Stored>> {
    let mut at = 0;
    // The magic number is what brought us here.
    next(source, &mut at)?;
    let protocol = next(source, &mut at)?;
    ensure!(
        matches!(protocol.root, Value::Int(PROTOCOL)),
        "it was saved under a protocol other than {PROTOCOL}"
    );
    let machine = next(source, &mut at)?;
    let little = machine.entry(&machine.root, "little_endian");
    ensure!(matches!(little, Some(Value::Bool(true))), "it was written on a big-endian machine");
    let loaded = next(source, &mut at)?;
    let keys = next(source, &mut at)?;
    let kinds: HashMap<&str, NumberKind> =
        loaded.storages().iter().map(|storage| (&*storage.key, storage.kind)).collect();
    let mut places = HashMap::new();
    for key in keys.items(&keys.root).context("it has no list of storages")? {
        let Value::Text(key) = key else { bail!("one of its storages has no name") };
        let kind = kinds.get(&**key);
        let kind = *kind.with_context(|| format!("storage `{key}` belongs to no tensor"))?;
        let count = source.at(at, 8)?;
        let n = u64::from_le_bytes(count.try_into().unwrap_or_default());
        let start = at + 8;
        let end = n.checked_mul(kind.bytes()).and_then(|bytes| start.checked_add(bytes));
        at = end
            .filter(|&end| end <= source.length())
            .context("it ends in the middle of a tensor: it is cut short or damaged")?;
        places.insert(key.clone(), StorageSpan { start, n });
    }
    checkpoint::tensors(source, &loaded, &|key, _| places.get(key).copied())
}

/// The pickle at `at`, which then is behind it.
fn next(source: &mut WeightFile, at: &mut u64) -> Result<Loaded> {
    // Most are tens of bytes long, and a state dict's tens of thousands.
    let rest = source.length() - *at;
    let mut n = rest.min(1 << 16);
    loop {
        let bytes = source.at(*at, n)?;
        match pickle::load(&bytes) {
            Ok((loaded, used)) => {
                *at += used as u64;
                return Ok(loaded);
            }
            Err(error) if n == rest.min(pickle::LONGEST) || !error.is::<pickle::Ended>() => {
                return Err(error);
            }
            Err(_) => n = (n * 16).min(rest).min(pickle::LONGEST),
        }
    }
}
