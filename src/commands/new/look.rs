//! What there is on this machine: the names below a folder or in archives, and the tables among them.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::archive::{self, Kind};
use crate::fs;
use crate::infer::{self, Data, Entry, Listing, Table};
use crate::term;

/// Archives that are looked into; more are data of another kind.
const MOST_ARCHIVES: usize = 32;
/// Tables that are read out of one archive.
const MOST_TABLES: usize = 48;
/// DICOM files that are asked whose they are.
const PATIENTS: usize = 1_000;
/// Bytes of one that tell it.
const DICOM_HEAD: u64 = 8 << 10;
/// Bytes that hold a `TFRecord`'s first record.
const RECORD_HEAD: u64 = 4 << 20;

/// The files below a folder; archives in it are looked into as `fetch` would unpack them.
pub(super) fn folder(root: &Path) -> Result<Data> {
    let mut entries = Vec::new();
    let mut archives = Vec::new();
    for (path, about) in fs::below(root, None)?.files {
        let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if !is_archive(&inside) {
            entries.push(Entry::new(inside, about.len()));
        } else if archive::head(&path).is_none_or(|head| head == path) {
            // Of one in several files that which stands for all.
            archives.push((inside, path));
        }
    }
    let folders: HashSet<String> = entries
        .iter()
        .filter_map(|entry| Some(entry.path.rsplit_once('/')?.0.to_owned()))
        .collect();
    let files: HashSet<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let is_there = |stem: &String| {
        folders.iter().any(|folder| folder.rsplit('/').next() == Some(stem)) || files.contains(stem)
    };
    let mut inner = Inner::default();
    for (inside, path) in archives.into_iter().take(MOST_ARCHIVES) {
        let stem = archive::stem(&path);
        if is_there(&stem) {
            term::detail(format_args!("`{inside}` is unpacked already"));
            continue;
        }
        match inner.look(&path) {
            Err(error) if is_split(&inside) || archive::head(&path).is_some() => {
                let why = term::describe(&error).0;
                term::warn(format_args!("{why}: what is in it is guessed by its name"));
                inner.unseen.push(stem);
            }
            looked => looked?,
        }
    }
    entries.extend(inner.entries);
    let listing = Listing::new(entries, inner.unseen).lifted();
    let (mut tables, mut unread) = (Vec::new(), Vec::new());
    for entry in listing.tables() {
        // What lies in an archive was read with it.
        if let Some(known) = inner.tables.iter().find(|table| table.path == entry.place()) {
            tables.push(Table { path: entry.path.clone(), ..known.clone() });
            continue;
        }
        let at = root.join(entry.place());
        let file = fs::open(&at)?;
        match Table::read(&entry.path, file) {
            Some(table) => tables.push(table),
            // A JSON may be anything.
            None if infer::extension(&entry.path) != "json" => unread.push(entry.path.clone()),
            None => {}
        }
    }
    let patients = patients(root, &listing);
    let features = features(root, &listing);
    Ok(Data { listing, tables, unread, patients, features })
}

/// The files in one archive.
pub(super) fn one_archive(path: &Path) -> Result<Data> {
    let mut inner = Inner::default();
    inner.look(path)?;
    let listing = Listing::new(inner.entries, inner.unseen).lifted();
    let tables = listing.tables().into_iter().filter_map(|entry| {
        let known = inner.tables.iter().find(|table| table.path == entry.place())?;
        Some(Table { path: entry.path.clone(), ..known.clone() })
    });
    let tables = tables.collect();
    Ok(Data { listing, tables, ..Data::default() })
}

/// What archives hold.
#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    tables: Vec<Table>,
    unseen: Vec<String>,
}

impl Inner {
    fn look(&mut self, archive: &Path) -> Result<()> {
        let mut tables = Vec::new();
        let mut see = |path: &str, content: &mut dyn Read| {
            if tables.len() < MOST_TABLES {
                tables.extend(Table::read(path, content));
            }
        };
        let held = archive::list(archive, &infer::is_table, &mut see)
            .with_context(|| format!("failed to look into `{}`", archive.display()))?;
        self.tables.extend(tables);
        self.entries.extend(held.files.into_iter().map(|(path, bytes)| Entry::new(path, bytes)));
        self.unseen.extend(held.closed);
        Ok(())
    }
}

/// Whether a file's name is that of an archive near the top.
fn is_archive(inside: &str) -> bool {
    const KINDS: [&str; 9] = ["zip", "tar", "7z", "tgz", "tbz", "tbz2", "txz", "bz2", "xz"];
    let extension = infer::extension(inside);
    let is_packed_table = extension == "gz" && !inside.to_lowercase().ends_with(".nii.gz");
    inside.matches('/').count() <= 2
        && (KINDS.contains(&extension.as_str()) || is_packed_table || is_split(inside))
}

/// `train.zip.001`, `train.z01`: a part of an archive.
fn is_split(inside: &str) -> bool {
    let Some((whole, part)) = inside.rsplit_once('.') else { return false };
    let digits = part.trim_start_matches(['z', 'Z']);
    let is_number = digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_packed = || matches!(infer::extension(whole).as_str(), "zip" | "7z" | "tar");
    is_number && (digits.len() < part.len() || is_packed())
}

/// The patients of some DICOM files, evenly spread.
fn patients(root: &Path, listing: &Listing) -> Vec<(String, String)> {
    let files: Vec<&Entry> = listing
        .entries
        .iter()
        .filter(|entry| matches!(infer::extension(&entry.path).as_str(), "dcm" | "dicom"))
        .collect();
    let step = files.len().div_ceil(PATIENTS).max(1);
    let patient = |entry: &&Entry| {
        let start = head(&root.join(entry.place()), DICOM_HEAD)?;
        Some((entry.path.clone(), infer::patient(&start)?))
    };
    files.iter().step_by(step).filter_map(patient).collect()
}

/// What the `TFRecords` hold.
fn features(root: &Path, listing: &Listing) -> Vec<String> {
    let start = infer::telling_record(listing)
        .and_then(|entry| head(&root.join(entry.place()), RECORD_HEAD));
    start.map(|start| infer::features(&start)).unwrap_or_default()
}

fn head(path: &PathBuf, most: u64) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    fs::open(path).ok()?.take(most).read_to_end(&mut start).ok()?;
    Some(start)
}

/// Whether a file is an archive that can be looked into.
pub(super) fn is_readable_archive(path: &Path) -> Result<bool> {
    Ok(Kind::of(path)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_and_their_parts_are_known_by_name() {
        for name in ["train.zip.001", "train.z01", "train.zip", "a/labels.csv.zip", "b.tar.7z"] {
            assert!(is_archive(name), "{name}");
        }
        for name in ["a.nii.gz", "a/b/c/d.zip", "a.jpg", "1.001", "z01", "a.csv"] {
            assert!(!is_archive(name), "{name}");
        }
        assert!(is_split("train.zip.001") && is_split("train.z01") && !is_split("train.zip"));
    }
}
