//! The folder of all caches: finding one, making one, and keeping all of them within bounds.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::format::{self, About, FORMAT, Head, Shape};
use super::key::{Key, NAME_DIGITS};
use super::lock::{self, Lock};
use super::pictures::{self, AboutPictures, PICTURES};
use super::rows::{Mapping, Rows};
use super::writer::{DATA, PART, SUMS, Writer};
use crate::fs;
use crate::progress::Progress;
use crate::term;

/// All caches together, unless `KAGGLE_KIT_CACHE_GB` says otherwise.
const LIMIT: u64 = 20_000_000_000;

/// Left free on the disk under a limit that was asked for; where less is free, half of it.
const RESERVE: u64 = 1_000_000_000;

/// Longer than a look at a lock takes.
const GLANCE: Duration = Duration::from_millis(50);

/// So often a writer may come to nothing, one after another, until who waits goes on alone.
pub(super) const ROUNDS: usize = 20;

/// A folder of caches.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    limit: Option<u64>,
}

/// What [`Store::claim`] found.
#[expect(clippy::large_enum_variant, reason = "there is one, taken apart at once")]
pub enum Slot {
    /// The rows are there.
    Ready(Rows),
    /// They are to be computed.
    Empty(Writer),
}

/// A cache as it lies there.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// On disk.
    pub bytes: u64,
    /// Whether it can be used.
    pub state: State,
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
    Activations(About, Shape),
    /// Images, decoded and resized.
    Pictures(AboutPictures),
}

/// Whether a cache can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is whole; or it holds pictures, which are used as they come.
    Finished,
    /// Its writer was stopped, or is at work.
    Unfinished,
    /// Another version wrote it, or something happened to its header.
    Unusable,
}

/// What came of an attempt to remove a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// A run needs it.
    InUse,
}

impl Store {
    /// The usual one: `kept` in the cache folder.
    pub fn usual() -> Result<Self> {
        let limit = match std::env::var("KAGGLE_KIT_CACHE_GB") {
            Ok(text) if !text.is_empty() => Some(parse_limit(&text)?),
            _ => None,
        };
        Ok(Self::new(fs::cache_folder().join("kept"), limit))
    }

    /// The one in `folder`, which may hold `limit` bytes; without a limit, 20 GB or half of what
    /// its disk has for it, whichever is less.
    pub fn new(folder: impl Into<PathBuf>, limit: Option<u64>) -> Self {
        Self { folder: folder.into(), limit }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The rows of `key`, whole and verified, if they are there and nobody is about to write or to
    /// remove them.
    pub fn open(&self, key: &Key) -> Option<Rows> {
        self.try_open(key).ok().flatten()
    }

    /// The error says what is wrong with the file.
    fn try_open(&self, key: &Key) -> Result<Option<Rows>> {
        let folder = self.folder.join(key.name());
        if !folder.join(DATA).is_file() {
            return Ok(None);
        }
        // Without locks, as on some network disks, or in a folder that others own: who removes a
        // cache there must know what they do.
        let lock = match Lock::shared(&folder) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            Err(_) => None,
        };
        let mapping = Mapping::open(&folder.join(DATA), key)?;
        if let Some(lock) = &lock {
            lock.stamp();
        }
        Ok(Some(Rows::mapped(mapping, lock)))
    }

    /// The rows of `key`, or the only writer of them; while another run computes the same ones this
    /// waits for it. Where nothing can be kept, and that is no error, the writer keeps them in
    /// memory.
    pub fn claim(&self, key: &Key, progress: &dyn Progress) -> Slot {
        self.try_claim(key, progress)
            .unwrap_or_else(|error| Slot::Empty(Writer::in_memory(key, format!("{error:#}"))))
    }

    fn try_claim(&self, key: &Key, progress: &dyn Progress) -> Result<Slot> {
        let folder = self.folder.join(key.name());
        // What is wrong with a file is looked into once it is ours alone.
        if let Some(rows) = self.open(key) {
            return Ok(Slot::Ready(rows));
        }
        for round in 0..ROUNDS {
            fs::create_dir_all(&folder)?;
            let lock = Lock::alone(&folder)
                .with_context(|| format!("failed to lock `{}`", folder.display()))?;
            if let Some(lock) = lock {
                return self.fill(key, lock, progress);
            }
            // Who only looks, as `cache list` does, is gone at once.
            sleep(GLANCE);
            match round {
                0 => continue,
                1 => progress.note("another run computes these activations: waiting for it"),
                _ => {}
            }
            Lock::wait(&folder)?;
            // A file that is no good cannot be replaced as long as others read it.
            let rows = self.try_open(key).with_context(|| {
                format!("`{}` is in use, and damaged", folder.join(DATA).display())
            })?;
            if let Some(rows) = rows {
                return Ok(Slot::Ready(rows));
            }
        }
        bail!("`{}` is in use, but there is nothing to read", folder.display())
    }

    /// The slot of `key`, alone.
    fn fill(&self, key: &Key, lock: Lock, progress: &dyn Progress) -> Result<Slot> {
        let folder = self.folder.join(key.name());
        let data = folder.join(DATA);
        if data.is_file() {
            match Mapping::open(&data, key) {
                Ok(mapping) => {
                    lock.stamp();
                    lock.share()?;
                    return Ok(Slot::Ready(Rows::mapped(mapping, Some(lock))));
                }
                Err(error) => {
                    progress.note(&format!(
                        "`{}` is damaged ({error:#}): the activations are computed again",
                        data.display()
                    ));
                    fs::remove_file(&data)?;
                }
            }
        }
        let there = size(&folder.join(PART));
        if let Err(error) = self.make_room(key.name(), key.shape.bytes() as u64, there) {
            if there == 0 {
                // An empty folder is not worth a line in the list.
                let _ = clear(&folder, lock);
            }
            return Err(error);
        }
        lock.stamp();
        Ok(Slot::Empty(Writer::open(&folder, key, lock)?))
    }

    /// Removes the caches that have gone unused the longest until that of the name `key`, of `bytes`
    /// bytes of which `there` are there, keeps within the limit and leaves the disk its reserve; those
    /// in use stay. Nothing is removed in vain.
    pub(super) fn make_room(&self, key: &str, bytes: u64, there: u64) -> Result<()> {
        let mut others = self.entries()?;
        others.retain(|entry| entry.key != key);
        others.sort_by_key(|entry| entry.used);
        let total: u64 = others.iter().map(|entry| entry.bytes).sum();
        let removable: u64 =
            others.iter().filter(|entry| !entry.in_use).map(|entry| entry.bytes).sum();
        let (limit, free, keep) = self.bounds(total);
        let over_limit = (total + bytes).saturating_sub(limit);
        let over_disk = bytes.saturating_sub(there).saturating_add(keep).saturating_sub(free);
        if over_limit > removable {
            bail!(
                "they take {}, of at most {} for all caches in `{}`; `KAGGLE_KIT_CACHE_GB` can allow \
                 more",
                term::bytes(bytes),
                term::bytes(limit),
                self.folder.display()
            );
        }
        if over_disk > removable {
            bail!(
                "they take {}, and the disk of `{}` has {} left, of which {} stay free",
                term::bytes(bytes),
                self.folder.display(),
                term::bytes(free),
                term::bytes(keep)
            );
        }
        let mut to_free = over_limit.max(over_disk);
        for entry in &others {
            if to_free == 0 {
                break;
            }
            if self.remove(&entry.key)? == Removal::Removed {
                to_free = to_free.saturating_sub(entry.bytes);
            }
        }
        Ok(())
    }

    /// How much all caches may take together.
    pub fn limit(&self) -> Result<u64> {
        let total = self.entries()?.iter().map(|entry| entry.bytes).sum();
        let (limit, free, keep) = self.bounds(total);
        Ok(limit.min(free.saturating_add(total).saturating_sub(keep)))
    }

    /// How much caches may take, how much the disk has, and how much of that stays free; `total` is
    /// what caches take now.
    fn bounds(&self, total: u64) -> (u64, u64, u64) {
        let free = fs::free_space(&self.folder).unwrap_or(u64::MAX);
        match self.limit {
            Some(limit) => (limit, free, RESERVE.min(free / 2)),
            None => (LIMIT, free, free.saturating_add(total) / 2),
        }
    }

    /// All caches, by name; other files in the folder are nobody's business.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for found in fs::read_dir(&self.folder)? {
            let found = found?;
            let name = found.file_name().to_string_lossy().into_owned();
            let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if name.len() == NAME_DIGITS && name.chars().all(is_digit) && found.path().is_dir() {
                entries.push(look_at(&found.path(), name));
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Removes a cache, unless it is in use. Only what this program wrote is removed.
    pub fn remove(&self, key: &str) -> Result<Removal> {
        let folder = self.folder.join(key);
        let Some(lock) = Lock::alone(&folder)
            .with_context(|| format!("failed to lock `{}`", folder.display()))?
        else {
            return Ok(Removal::InUse);
        };
        clear(&folder, lock)?;
        Ok(Removal::Removed)
    }
}

/// Removes a cache that nobody else has.
pub(super) fn clear(folder: &Path, lock: Lock) -> Result<()> {
    let files = [DATA, PART, SUMS, PICTURES].map(|name| folder.join(name));
    for path in files.into_iter().chain([lock::path(folder)]) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    drop(lock);
    // It stays where something else is in it, or where a new run has just come.
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn look_at(folder: &Path, key: String) -> Entry {
    let (data, part, sums) = (folder.join(DATA), folder.join(PART), folder.join(SUMS));
    let pictures = folder.join(PICTURES);
    let (path, whole) = if pictures.is_file() {
        (pictures, State::Finished)
    } else if data.is_file() {
        (data, State::Finished)
    } else {
        (part, State::Unfinished)
    };
    let holds = held_by(&path).ok();
    let state = match &holds {
        Some(holds) if holds.are_ours(&key) => whole,
        // A writer that has just begun has no header yet.
        None if whole == State::Unfinished => whole,
        _ => State::Unusable,
    };
    let used = time(&lock::path(folder));
    let made = time(&path).or(used).unwrap_or(SystemTime::UNIX_EPOCH);
    Entry {
        bytes: size(&path) + size(&sums),
        state,
        holds,
        made,
        used: used.unwrap_or(made),
        in_use: matches!(Lock::alone(folder), Ok(None)),
        key,
    }
}

fn held_by(path: &Path) -> Result<Holds> {
    if path.ends_with(PICTURES) {
        return Ok(Holds::Pictures(pictures::read_about(path)?));
    }
    let Head { about, shape, .. } = format::read_head(&mut fs::File::open(path)?)?;
    Ok(Holds::Activations(about, shape))
}

impl Holds {
    /// Whether this version can read the cache of that name.
    fn are_ours(&self, name: &str) -> bool {
        let (format, key, known) = match self {
            Self::Activations(about, _) => (&about.format, &about.key, FORMAT),
            Self::Pictures(about) => (&about.format, &about.key, pictures::FORMAT),
        };
        format == known && key == name
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn time(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn parse_limit(text: &str) -> Result<u64> {
    match text.trim().parse::<f64>() {
        Ok(gigabytes) if gigabytes >= 0.0 => Ok((gigabytes * 1e9) as u64),
        _ => bail!(
            "`KAGGLE_KIT_CACHE_GB` is `{text}`, which is no number of gigabytes\nhint: such as \
             `KAGGLE_KIT_CACHE_GB=40`"
        ),
    }
}
