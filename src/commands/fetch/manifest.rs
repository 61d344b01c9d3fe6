//! What every file of a data folder is, so that it can be verified later: `manifest.csv` with a
//! SHA-256 a file, and a hash a part for `fetched.toml`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::layout;
use crate::competition::Competition;
use crate::convert;
use crate::fs::{self, Other};
use crate::hash::{Hash, PIECE, hash_reader};
use crate::progress::Progress;
use crate::relative::RelativePath;

const NAME: &str = "manifest.csv";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Below the data folder, with `/` between folders.
    pub(super) path: RelativePath,
    pub(super) bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

/// A folder of images or a table, all its files taken together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// As the competition's layout names it.
    pub name: RelativePath,
    pub files: usize,
    pub bytes: u64,
    /// Of the lines `path,bytes,sha256` of its files, sorted, each with a newline.
    pub sha256: String,
}

/// Everything that the layout names, hashed.
pub(super) struct Manifest {
    pub(super) parts: Vec<Part>,
    pub(super) entries: Vec<Entry>,
    /// Where the entries' files are.
    pub(super) files: Vec<PathBuf>,
    /// What lies among them and is no file.
    pub(super) others: Vec<Other>,
}

impl Manifest {
    /// Reads all files of a data folder; progress counts their bytes.
    pub(super) fn take(
        competition: &Competition,
        data: &Path,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let found = layout::parts(competition, data)?;
        let mut files: Vec<(&RelativePath, PathBuf, u64)> = Vec::new();
        let mut others = Vec::new();
        for (name, path) in &found.folders {
            let below = fs::below(path, None)?;
            files.extend(below.files.into_iter().map(|(path, is)| (name, path, is.len())));
            others.extend(below.others);
        }
        for (name, path) in &found.tables {
            files.push((name, path.clone(), fs::metadata(path)?.len()));
        }
        let converted = convert::folder(data);
        let made =
            (competition.raw().is_some() && converted.is_dir()).then_some(convert::folder_name()?);
        if let Some(name) = &made {
            let below = fs::below(&converted, None)?;
            files.extend(below.files.into_iter().map(|(path, is)| (name, path, is.len())));
        }
        progress.total(files.iter().fold(0, |sum: u64, (_, _, bytes)| sum.saturating_add(*bytes)));
        let piece = || vec![0; PIECE];
        let hashed = files.par_iter().map_init(piece, |piece, (part, path, _)| {
            let (bytes, sha256) = hash(path, piece, progress)?;
            let inside = path.strip_prefix(data).unwrap_or(path);
            let path = RelativePath::named(&inside.to_string_lossy())?;
            Ok((*part, Entry { path, bytes, sha256 }))
        });
        let mut hashed = hashed.collect::<Result<Vec<(&RelativePath, Entry)>>>()?;
        hashed.sort_by(|a, b| a.1.cmp(&b.1));
        let mut parts = Vec::new();
        let names = found.folders.iter().chain(&found.tables).map(|(name, _)| name).chain(&made);
        for name in names {
            parts.push(Part::of(name, hashed.iter().filter(|(p, _)| *p == name).map(|(_, e)| e)));
        }
        let entries = hashed.into_iter().map(|(_, entry)| entry).collect();
        Ok(Self {
            parts,
            entries,
            files: files.into_iter().map(|(_, path, _)| path).collect(),
            others,
        })
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
    fn of<'a>(name: &RelativePath, entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut digest = Sha256::new();
        let mut part = Self { name: name.clone(), files: 0, bytes: 0, sha256: String::new() };
        for entry in entries {
            digest.update(format!("{},{},{}\n", entry.path, entry.bytes, entry.sha256));
            part.files += 1;
            part.bytes = part.bytes.saturating_add(entry.bytes);
        }
        part.sha256 = Hash::from(digest).to_string();
        part
    }
}

/// What differs between then and now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    pub(super) missing: Vec<RelativePath>,
    pub(super) changed: Vec<RelativePath>,
    pub(super) new: Vec<RelativePath>,
}

impl Differences {
    pub(super) fn between(then: &[Entry], now: &[Entry]) -> Self {
        let by_path = |entries: &'_ [Entry]| -> HashMap<RelativePath, Entry> {
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

fn hash(path: &Path, piece: &mut [u8], progress: &dyn Progress) -> Result<(u64, String)> {
    let mut file = fs::open(path)?;
    let mut bytes = 0;
    let hash = hash_reader(&mut file, piece, |n| {
        bytes += n as u64;
        progress.advance(n as u64);
    })?;
    Ok((bytes, hash.to_string()))
}
