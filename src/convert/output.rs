//! What a conversion writes: pictures and tables, each whole or not at all. What is there already with
//! the same bytes is left alone, so that a conversion that was stopped goes on.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};

use super::place::{self, Converted};
use crate::competition::{Competition, Raw};
use crate::fs::{self, AtomicFile};
use crate::progress::Progress;
use crate::relative::RelativePath;
use crate::term;

/// Characters of a name that an error shows.
const SHOWN: usize = 60;
/// The longest name of a file that all usual disks take, in bytes, an ending aside.
const LONGEST_NAME: usize = 240;

/// The folder of one conversion.
pub(super) struct Output<'a> {
    data: &'a Path,
    progress: &'a dyn Progress,
    files: Mutex<BTreeSet<PathBuf>>,
    images: Mutex<usize>,
    broken: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Output<'a> {
    pub(super) fn open(data: &'a Path, progress: &'a dyn Progress) -> Result<Self> {
        Converted::forget(data)?;
        Ok(Self {
            data,
            progress,
            files: Mutex::default(),
            images: Mutex::default(),
            broken: Mutex::default(),
        })
    }

    /// So many pictures are to come, where that is known.
    pub(super) fn announce(&self, images: usize) {
        self.progress.total(images as u64);
    }

    /// Takes a name for a picture of a place; two of one name are an error.
    pub(super) fn claim(&self, place: &RelativePath, name: &str) -> Result<PathBuf> {
        let path = place.under(&place::images(self.data)).join(name);
        let is_new = locked(&self.files).insert(path.clone());
        ensure!(
            is_new,
            "two images of `{place}` are called `{}`\nhint: take one of them out",
            term::short(name, SHOWN)
        );
        *locked(&self.images) += 1;
        Ok(path)
    }

    /// Writes a picture whose name was taken.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        if !fs::read(path).is_ok_and(|there| there == bytes) {
            fs::create_dir_all(fs::folder_of(path))?;
            fs::write_unflushed(path, bytes)?;
        }
        self.progress.advance(1);
        Ok(())
    }

    /// A picture that is there already has nothing to be written.
    pub(super) fn kept(&self) {
        self.progress.advance(1);
    }

    /// Puts in a picture's place why there is none: what reads it next says that it is no picture.
    pub(super) fn write_broken(&self, path: &Path, source: &Path, reason: &str) -> Result<()> {
        locked(&self.broken).push(format!("`{}`: {reason}", source.display()));
        let text =
            format!("kaggle-kit: no picture could be made of {}: {reason}\n", source.display());
        self.write(path, text.as_bytes())
    }

    /// How many files gave no picture.
    pub(super) fn n_broken(&self) -> usize {
        locked(&self.broken).len()
    }

    /// One of them, in words.
    pub(super) fn first_broken(&self) -> String {
        locked(&self.broken).iter().min().cloned().unwrap_or_default()
    }

    /// A table, to be committed by whoever writes it.
    pub(super) fn table(&self, name: &str) -> Result<AtomicFile> {
        let path = place::tables(self.data).join(name);
        locked(&self.files).insert(path.clone());
        AtomicFile::create(&path)
    }

    /// Removes what is of an earlier conversion, and says that this one is whole.
    pub(super) fn finish(self, competition: &Competition, raw: &Raw) -> Result<Converted> {
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        for folder in [place::images(self.data), place::tables(self.data)] {
            if folder.is_dir() {
                remove_others(&folder, &files)?;
            }
        }
        let mut broken = self.broken.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.sort();
        let images = self.images.into_inner().unwrap_or_else(PoisonError::into_inner);
        let converted = Converted::new(competition, raw, images, broken)?;
        let files: Vec<PathBuf> = files.into_iter().collect();
        converted.write(self.data, &files)?;
        Ok(converted)
    }
}

fn remove_others(folder: &Path, files: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_others(&path, files)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !files.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// An id as the name of a file, without an ending: one that needs no folder and is not hidden.
pub(super) fn file_name(id: &str) -> Result<&str> {
    let fits = RelativePath::new(id).is_ok_and(|path| path.is_bare() && path == *id);
    ensure!(
        fits && !id.starts_with('.') && id.len() <= LONGEST_NAME,
        "the id `{}` cannot be the name of a file",
        term::short(id, SHOWN)
    );
    Ok(id)
}
