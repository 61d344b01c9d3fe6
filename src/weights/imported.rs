//! Where imported networks are on this machine: a folder each in the cache, with the graph, what is
//! written down of it, and its weights.
//!
//! A graph is code that libtorch runs. It is taken from this folder, which `kaggle-kit models import` alone
//! writes, or from a run where somebody has said so; either way its SHA-256 must be that of its description.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};

use crate::fs;
use crate::hash::Hash;
use crate::lines;
use crate::zoo::Architecture;
use crate::zoo::imported::{Description, Imported, PREFIX, is_name};

/// The graph of a network.
pub const GRAPH: &str = "network.pt";
/// What is written down of it.
pub const DESCRIPTION: &str = "network.toml";
/// Its weights, in timm's names.
pub const WEIGHTS: &str = "weights.safetensors";

/// How far the engine is from Python.
#[derive(Clone, Copy, Debug)]
pub struct Parity {
    /// The worst feature.
    pub features: f64,
    /// The worst length of a gradient.
    pub gradients: f64,
}

/// Whether graphs of run folders may be run.
static TRUST: AtomicBool = AtomicBool::new(false);

/// Says so, for the rest of the process.
pub fn trust_runs(trust: bool) {
    TRUST.store(trust, Ordering::Relaxed);
}

/// Whether it was said.
pub fn runs_are_trusted() -> bool {
    TRUST.load(Ordering::Relaxed)
}

/// The folder of a network by timm's name.
pub fn folder(name: &str, cache: &Path) -> PathBuf {
    cache.join("imported").join(name)
}

/// The network of this name in this process's cache; nothing where it was not imported.
pub fn look(name: &str) -> Result<Option<&'static Architecture>> {
    look_in(name, &fs::cache_folder())
}

/// The same in another cache.
pub fn look_in(name: &str, cache: &Path) -> Result<Option<&'static Architecture>> {
    let folder = folder(name, cache);
    let path = folder.join(DESCRIPTION);
    if !path.exists() {
        return Ok(None);
    }
    let described = Description::parse(&lines::read_text(&path)?, &path.display().to_string())?;
    ensure!(
        described.name == name,
        "`{}` describes `{}`\nhint: import `{name}` again: `kaggle-kit models import --help`",
        path.display(),
        described.name
    );
    Ok(Some(described.architecture(folder.join(GRAPH))))
}

/// The names of all that are imported, as recipes have them.
pub fn names(cache: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(cache.join("imported")) else { return Vec::new() };
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let described = folders.filter(|folder| folder.join(DESCRIPTION).is_file());
    let name = |folder: PathBuf| {
        let name = folder.file_name()?.to_str().filter(|name| is_name(name))?;
        Some(format!("{PREFIX}{name}"))
    };
    let mut names: Vec<String> = described.filter_map(name).collect();
    names.sort();
    names
}

/// The bytes of a graph, once they are known to be those that were described.
pub fn graph(net: &Imported) -> Result<Vec<u8>> {
    let name = &net.described.name;
    let again = || {
        format!(
            "no usable graph of `{PREFIX}{name}`\nhint: `kaggle-kit models import {name}` again"
        )
    };
    let bytes = fs::read(&net.graph).with_context(again)?;
    let found = Hash::of(&bytes).to_string();
    ensure!(
        found == net.described.sha256,
        "`{}` has changed since it was imported: its SHA-256 is {found}, not {}\nhint: `kaggle-kit models \
         import {name}` again",
        net.graph.display(),
        net.described.sha256
    );
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo::imported::described;

    #[test]
    fn a_graph_is_what_was_described_or_is_not_read() {
        let cache = tempfile::tempdir().unwrap();
        assert!(look_in("netling", cache.path()).unwrap().is_none());
        let mut about = described("netling");
        about.sha256 = Hash::of(b"graph").to_string();
        let folder = folder("netling", cache.path());
        fs::write_atomic(folder.join(DESCRIPTION), about.to_text().unwrap()).unwrap();
        fs::write_atomic(folder.join(GRAPH), "graph").unwrap();
        assert_eq!(names(cache.path()), ["timm:netling"]);
        let found = look_in("netling", cache.path()).unwrap().unwrap();
        let net = found.imported().unwrap();
        assert_eq!(graph(net).unwrap(), b"graph");
        fs::write_atomic(folder.join(GRAPH), "other code").unwrap();
        let told = graph(net).unwrap_err().to_string();
        assert!(told.contains("has changed since it was imported"), "{told}");
        fs::remove_file(folder.join(GRAPH)).unwrap();
        assert!(format!("{:#}", graph(net).unwrap_err()).contains("no usable graph"));
        // A folder under another name.
        let other = super::folder("other", cache.path());
        fs::write_atomic(other.join(DESCRIPTION), about.to_text().unwrap()).unwrap();
        assert!(look_in("other", cache.path()).is_err());
    }
}
