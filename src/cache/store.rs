//! The door: all caches of this machine, of either kind.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail};
use serde::Serialize;

use super::activations::{
    self, AboutActivations, ActivationRows, ActivationsKey, DATA, PART, SUMS, Shape, Slot,
};
use super::pictures::{self, AboutPictures, PICTURES, PictureFile, PicturesKey};
use super::shelf::{self, Item, Removal, Shelf};
use crate::fs;
use crate::progress::Progress;

/// A folder of caches.
#[derive(Clone, Debug)]
pub struct Store {
    shelf: Shelf,
}

/// A cache as it lies there.
#[derive(Clone, Debug)]
pub struct CacheEntry {
    pub key: String,
    /// On disk.
    pub bytes: u64,
    /// Whether it can be used.
    pub state: CacheState,
    /// What it is, where that can be read.
    pub holds: Option<Holds>,
    /// When it was finished, or last written to.
    pub made: SystemTime,
    /// When a run last used it.
    pub used: SystemTime,
    /// Whether a run reads or writes it now.
    pub in_use: bool,
}

/// What a cache holds.
#[derive(Clone, Debug)]
pub enum Holds {
    /// What a backbone makes of images.
    Activations(AboutActivations, Shape),
    /// Images, decoded and resized.
    Pictures(AboutPictures),
}

/// Whether a cache can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheState {
    /// It is whole; or it holds pictures, which are used as they come.
    Finished,
    /// Its writer was stopped, or is at work.
    Unfinished,
    /// Another version wrote it, or something happened to its header.
    Unusable,
}

impl Store {
    /// The usual one: `kept` in the cache folder, with the limit of `KAGGLE_KIT_CACHE_GB`.
    pub fn usual() -> Result<Self> {
        let limit = std::env::var_os("KAGGLE_KIT_CACHE_GB");
        let limit = limit.map(|text| text.to_string_lossy().into_owned());
        Self::with_limit(fs::cache_folder().join("kept"), limit.as_deref())
    }

    /// The one in `folder` with a limit as it is typed, in gigabytes; an empty text is none.
    pub fn with_limit(folder: impl Into<PathBuf>, limit: Option<&str>) -> Result<Self> {
        let limit = limit.map(str::trim).filter(|text| !text.is_empty());
        Ok(Self::new(folder, limit.map(parse_limit).transpose()?))
    }

    /// The one in `folder`, which may hold `limit` bytes; without a limit, 20 GB or half of what
    /// its disk has for it, whichever is less.
    pub fn new(folder: impl Into<PathBuf>, limit: Option<u64>) -> Self {
        Self { shelf: Shelf::new(folder.into(), limit, &[DATA, PART, SUMS, PICTURES]) }
    }

    pub fn folder(&self) -> &Path {
        self.shelf.folder()
    }

    /// The rows of `key`, whole and verified, if they are there and nobody is about to write or to
    /// remove them.
    pub fn open(&self, key: &ActivationsKey) -> Option<ActivationRows> {
        activations::open(&self.shelf, key).ok().flatten()
    }

    /// The rows of `key`, or the only writer of them; while another run computes the same ones this
    /// waits for it. Where nothing can be kept, and that is no error, the writer keeps them in
    /// memory.
    pub fn claim(&self, key: &ActivationsKey, progress: &dyn Progress) -> Slot {
        activations::claim(&self.shelf, key, progress)
    }

    /// The pictures of `key`: a file that other runs use or have left, or a new one.
    pub fn pictures(&self, key: &PicturesKey) -> Result<PictureFile> {
        pictures::open(&self.shelf, key)
    }

    /// How much all caches may take together.
    pub fn limit(&self) -> Result<u64> {
        self.shelf.limit()
    }

    /// All caches, by name; other files in the folder are nobody's business.
    pub fn entries(&self) -> Result<Vec<CacheEntry>> {
        Ok(self.shelf.items()?.into_iter().map(|item| self.entry(item)).collect())
    }

    /// Removes a cache, unless it is in use. Only what this program wrote is removed.
    pub fn remove(&self, key: &str) -> Result<Removal> {
        self.shelf.remove(key)
    }

    fn entry(&self, item: Item) -> CacheEntry {
        let Item { key, bytes, used, in_use } = item;
        let file = |name| self.shelf.file(&key, name);
        let (path, whole) = if file(PICTURES).is_file() {
            (file(PICTURES), CacheState::Finished)
        } else if file(DATA).is_file() {
            (file(DATA), CacheState::Finished)
        } else {
            (file(PART), CacheState::Unfinished)
        };
        let holds = Holds::read(&path).ok();
        let state = match &holds {
            Some(holds) if holds.are_ours(&key) => whole,
            // A writer that has just begun has no header yet.
            None if whole == CacheState::Unfinished => whole,
            _ => CacheState::Unusable,
        };
        let made = shelf::time(&path).or(used).unwrap_or(SystemTime::UNIX_EPOCH);
        CacheEntry { key, bytes, state, holds, made, used: used.unwrap_or(made), in_use }
    }
}

impl Holds {
    fn read(path: &Path) -> Result<Self> {
        if path.ends_with(PICTURES) {
            return Ok(Self::Pictures(pictures::describe(path)?));
        }
        let (about, shape) = activations::describe(path)?;
        Ok(Self::Activations(about, shape))
    }

    /// Whether this version can read the cache of that name.
    fn are_ours(&self, name: &str) -> bool {
        let (format, key, known) = match self {
            Self::Activations(about, _) => (&about.format, &about.key, activations::FORMAT),
            Self::Pictures(about) => (&about.format, &about.key, pictures::FORMAT),
        };
        format == known && key == name
    }
}

fn parse_limit(text: &str) -> Result<u64> {
    match text.parse::<f64>() {
        Ok(gigabytes) if gigabytes >= 0.0 && gigabytes.is_finite() => Ok((gigabytes * 1e9) as u64),
        _ => bail!(
            "`KAGGLE_KIT_CACHE_GB` is `{text}`, which is no number of gigabytes\nhint: such as \
             `KAGGLE_KIT_CACHE_GB=40`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_gigabytes() {
        let limit = |text| Store::with_limit("kept", Some(text)).and_then(|store| store.limit());
        assert_eq!(limit(" 1.5 ").unwrap(), 1_500_000_000);
        assert_eq!(limit("0").unwrap(), 0);
        assert!(Store::with_limit("kept", Some(" ")).is_ok());
        for text in ["abc", "-1", "nan", "inf", "1e999", "40 GB"] {
            let error = limit(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`KAGGLE_KIT_CACHE_GB` is `{text}`")), "{error}");
        }
    }
}
