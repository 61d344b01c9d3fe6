//! What `torch.save` writes since `PyTorch` 1.6: a zip of a pickle and of each storage's numbers.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use zip::{CompressionMethod, ZipArchive};

use super::gather::{NumberKind, StorageSpan};
use super::source::WeightFile;
use super::{Stored, checkpoint, pickle};

/// The end of the pickle's name; what is before it is before every other name too.
const PICKLE: &str = "data.pkl";

pub(super) fn read(source: &mut WeightFile) -> Result<BTreeMap<String, Stored>> {
    let entries = entries(source)?;
    let pickled = entries.keys().find(|name| *name == PICKLE || name.ends_with("/data.pkl"));
    let Some(pickled) = pickled else {
        bail!("it is a zip, but not of `torch.save`: it has no `{PICKLE}`")
    };
    let prefix = &pickled[..pickled.len() - PICKLE.len()];
    if entries.contains_key(&format!("{prefix}constants.pkl")) {
        bail!(
            "it is a TorchScript program, not a state dict\nhint: `torch.save(torch.jit.load(file)\
             .state_dict(), 'weights.pt')` in Python makes one of it"
        );
    }
    if let Some(&(start, n)) = entries.get(&format!("{prefix}byteorder")) {
        ensure!(
            source.at(start, n.min(16))? == b"little",
            "it was written on a big-endian machine"
        );
    }
    let (start, n) = entries[pickled];
    ensure!(n <= pickle::LONGEST, "its pickle is larger than that of any state dict");
    let (loaded, _) = pickle::load(&source.at(start, n)?)?;
    let places = |key: &str, kind: NumberKind| {
        let (start, n) = *entries.get(&format!("{prefix}data/{key}"))?;
        Some(StorageSpan { start, n: n / kind.bytes() })
    };
    checkpoint::tensors(source, &loaded, &places)
}

/// Where each entry's bytes lie, and how many they are: `torch.save` packs nothing.
fn entries(source: &mut WeightFile) -> Result<HashMap<String, (u64, u64)>> {
    let mut archive = ZipArchive::new(source).context("it is no whole zip: it is damaged")?;
    let mut entries = HashMap::new();
    for i in 0..archive.len() {
        let entry = archive.by_index_raw(i)?;
        let name = entry.name()?.into_owned();
        ensure!(
            entry.compression() == CompressionMethod::Stored && !entry.encrypted(),
            "`{name}` in it is packed, which `torch.save` never does"
        );
        let start = entry.data_start().with_context(|| format!("`{name}` in it is nowhere"))?;
        entries.insert(name, (start, entry.size()));
    }
    Ok(entries)
}
