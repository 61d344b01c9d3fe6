//! What every file of a data folder is, so that it can be verified later: `manifest.csv` with a
//! SHA-256 a file, and a hash a part for `fetched.toml`.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::layout;
use crate::competition::Competition;
use crate::fs;
use crate::hash::Hash;
use crate::progress::Progress;

const NAME: &str = "manifest.csv";
const PIECE: usize = 256 * 1024;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Below the data folder, with `/` between folders.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

/// A folder of images or a table, all its files taken together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// As the competition's layout names it.
    pub name: String,
    pub files: usize,
    pub bytes: u64,
    /// Of the lines `path,bytes,sha256` of its files, sorted, each with a newline.
    pub sha256: String,
}

/// Everything that the layout names, hashed.
pub(super) struct Manifest {
    pub(super) parts: Vec<Part>,
    pub(super) entries: Vec<Entry>,
}

impl Manifest {
    /// Reads all files of a data folder; progress counts their bytes.
    pub(super) fn take(
        competition: &Competition,
        data: &Path,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let found = layout::parts(competition, data)?;
        let mut files: Vec<(String, PathBuf, u64)> = Vec::new();
        for (name, path) in found.folders.iter().chain(&found.tables) {
            collect(path, &mut |path| {
                files.push((name.clone(), path.to_owned(), fs::metadata(path)?.len()));
                Ok(())
            })?;
        }
        progress.total(files.iter().map(|(_, _, bytes)| bytes).sum());
        let piece = || vec![0; PIECE];
        let hashed = files.par_iter().map_init(piece, |piece, (part, path, _)| {
            let (bytes, sha256) = hash(path, piece, progress)?;
            let inside = path.strip_prefix(data).unwrap_or(path);
            let path = inside.to_string_lossy().replace('\\', "/");
            Ok((part.as_str(), Entry { path, bytes, sha256 }))
        });
        let mut hashed = hashed.collect::<Result<Vec<(&str, Entry)>>>()?;
        hashed.sort_by(|a, b| a.1.cmp(&b.1));
        let mut parts = Vec::new();
        for (name, _) in found.folders.iter().chain(&found.tables) {
            parts.push(Part::of(name, hashed.iter().filter(|(p, _)| p == name).map(|(_, e)| e)));
        }
        Ok(Self { parts, entries: hashed.into_iter().map(|(_, entry)| entry).collect() })
    }

    pub(super) fn write(&self, data: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        self.entries.iter().try_for_each(|entry| csv.serialize(entry))?;
        fs::write_atomic(data.join(NAME), csv.into_inner()?)
    }

    /// The entries that a fetch left.
    pub(super) fn read(data: &Path) -> Result<Vec<Entry>> {
        let path = data.join(NAME);
        let text = fs::read(&path).context("hint: fetch again with `--force`")?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let entries: std::result::Result<Vec<Entry>, _> = reader.deserialize().collect();
        entries.with_context(|| {
            format!("failed to read `{}`\nhint: fetch again with `--force`", path.display())
        })
    }
}

impl Part {
    fn of<'a>(name: &str, entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut digest = Sha256::new();
        let mut part = Self { name: name.to_owned(), files: 0, bytes: 0, sha256: String::new() };
        for entry in entries {
            digest.update(format!("{},{},{}\n", entry.path, entry.bytes, entry.sha256));
            part.files += 1;
            part.bytes += entry.bytes;
        }
        part.sha256 = Hash::from(digest).to_string();
        part
    }
}

/// What differs between then and now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    pub(super) missing: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) new: Vec<String>,
}

impl Differences {
    pub(super) fn between(then: &[Entry], now: &[Entry]) -> Self {
        let by_path = |entries: &'_ [Entry]| -> HashMap<String, Entry> {
            entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect()
        };
        let (was, is) = (by_path(then), by_path(now));
        let mut differences = Self::default();
        for entry in then {
            match is.get(&entry.path) {
                None => differences.missing.push(entry.path.clone()),
                Some(found) if found != entry => differences.changed.push(entry.path.clone()),
                Some(_) => {}
            }
        }
        let new = now.iter().filter(|entry| !was.contains_key(&entry.path));
        differences.new.extend(new.map(|entry| entry.path.clone()));
        differences
    }
}

/// Every file at or below `path`, hidden ones left out.
fn collect(path: &Path, found: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    if !path.is_dir() {
        return found(path);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            collect(&entry.path(), found)?;
        }
    }
    Ok(())
}

fn hash(path: &Path, piece: &mut [u8], progress: &dyn Progress) -> Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    loop {
        let n = file.read(piece)?;
        if n == 0 {
            break;
        }
        digest.update(&piece[..n]);
        bytes += n as u64;
        progress.advance(n as u64);
    }
    Ok((bytes, Hash::from(digest).to_string()))
}
