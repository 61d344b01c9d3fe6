//! A folder of caches, each in a folder of its own under a name that says what it follows from: found,
//! made, kept within bounds, cleared. What is in them is no matter of the shelf.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use sha2::Sha256;

use super::lock::{self, Lock};
use crate::hash::Hash;
use crate::{fs, term};

/// All caches together, unless a limit is given.
const LIMIT: u64 = 20_000_000_000;

/// Left free on the disk under a limit that was asked for; where less is free, half of it.
const RESERVE: u64 = 1_000_000_000;

/// Longer than a look at a lock takes.
const GLANCE: Duration = Duration::from_millis(50);

/// So often a writer may come to nothing, one after another, until who waits goes on alone.
const ROUNDS: usize = 20;

/// Hexadecimal digits of a name: 128 bits.
const NAME_DIGITS: usize = 32;

/// The name of a cache by a hash of everything that it follows from: its first half.
pub(super) fn name(all: Sha256) -> String {
    let mut name = Hash::from(all).to_string();
    name.truncate(NAME_DIGITS);
    name
}

/// The folder of all caches.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    limit: Option<u64>,
    /// The names of the files that a cache may have; no other is counted or removed.
    files: &'static [&'static str],
}

/// A cache as it lies there.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) key: String,
    /// On disk.
    pub(super) bytes: u64,
    /// When a run last used it, if that is known.
    pub(super) used: Option<SystemTime>,
    /// Whether a run reads or writes it now.
    pub(super) in_use: bool,
}

/// What came of an attempt to remove a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// A run needs it.
    InUse,
}

/// A cache that is this run's alone, to be written or removed.
#[derive(Debug)]
pub(super) struct Claim {
    folder: PathBuf,
    files: &'static [&'static str],
    lock: Lock,
}

impl Claim {
    /// The place of one of its files.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// It is used now.
    pub(super) fn stamp(&self) {
        self.lock.stamp();
    }

    /// Others may read it from now on, and none may remove it while the lock is held.
    pub(super) fn share(self) -> io::Result<Lock> {
        self.lock.share()?;
        Ok(self.lock)
    }

    pub(super) fn clear(self) -> Result<()> {
        let files = self.files.iter().map(|name| self.folder.join(name));
        for path in files.chain([lock::path(&self.folder)]) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        drop(self.lock);
        // It stays where something else is in it, or where a new run has just come.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, limit: Option<u64>, files: &'static [&'static str]) -> Self {
        Self { folder, limit, files }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of a cache's file.
    pub(super) fn file(&self, key: &str, name: &str) -> PathBuf {
        self.folder.join(key).join(name)
    }

    /// What `read` makes of a file, if it is there and nobody is about to write or to remove it. The
    /// lock keeps others from removing it; there is none where locks are not to be had, as on some
    /// network disks, or in a folder that others own: who removes a cache there must know what they
    /// do.
    pub(super) fn read<T>(
        &self,
        key: &str,
        file: &str,
        read: impl FnOnce(&Path, Option<Lock>) -> Result<T>,
    ) -> Result<Option<T>> {
        let path = self.file(key, file);
        if !path.is_file() {
            return Ok(None);
        }
        let lock = match Lock::shared(&self.folder.join(key)) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            Err(_) => None,
        };
        if let Some(lock) = &lock {
            lock.stamp();
        }
        read(&path, lock).map(Some)
    }

    /// What `read` makes of a file, or what `make` makes of a cache that is there for this run alone;
    /// while another run writes it this waits, and `waits` says so.
    ///
    /// `make` may find the file: one that cannot be read, or one that somebody has just written.
    pub(super) fn read_or_make<T>(
        &self,
        key: &str,
        file: &str,
        read: impl Fn(&Path, Option<Lock>) -> Result<T>,
        make: impl FnOnce(Claim) -> Result<T>,
        waits: impl Fn(),
    ) -> Result<T> {
        let folder = self.folder.join(key);
        // What is wrong with a file is looked into once it is ours alone.
        if let Ok(Some(found)) = self.read(key, file, &read) {
            return Ok(found);
        }
        for round in 0..ROUNDS {
            if let Some(claim) = self.claim(key)? {
                return make(claim);
            }
            // Who only looks, as `cache list` does, is gone at once.
            sleep(GLANCE);
            match round {
                0 => continue,
                1 => waits(),
                _ => {}
            }
            Lock::wait(&folder)?;
            // A file that is no good cannot be replaced as long as others read it.
            let found = self.read(key, file, &read).with_context(|| {
                format!("`{}` is in use, and damaged", folder.join(file).display())
            })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        bail!("`{}` is in use, but there is nothing to read", folder.display())
    }

    /// A cache, there or not, for this run alone; `None` while others have it.
    fn claim(&self, key: &str) -> Result<Option<Claim>> {
        let folder = self.folder.join(key);
        fs::create_dir_all(&folder)?;
        Ok(alone(&folder)?.map(|lock| Claim { folder, files: self.files, lock }))
    }

    /// Removes the caches that have gone unused the longest until that of the name `key`, of `bytes`
    /// bytes of which `there` are there, keeps within the limit and leaves the disk its reserve; those
    /// in use stay. Nothing is removed in vain.
    pub(super) fn make_room(&self, key: &str, bytes: u64, there: u64) -> Result<()> {
        let mut others = self.items()?;
        others.retain(|item| item.key != key);
        others.sort_by_key(|item| item.used);
        let total: u64 = others.iter().map(|item| item.bytes).sum();
        let removable: u64 = others.iter().filter(|item| !item.in_use).map(|item| item.bytes).sum();
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
        for item in &others {
            if to_free == 0 {
                break;
            }
            if self.remove(&item.key)? == Removal::Removed {
                to_free = to_free.saturating_sub(item.bytes);
            }
        }
        Ok(())
    }

    /// How much all caches may take together.
    pub(super) fn limit(&self) -> Result<u64> {
        let total = self.items()?.iter().map(|item| item.bytes).sum();
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
    pub(super) fn items(&self) -> Result<Vec<Item>> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut items = Vec::new();
        for found in fs::read_dir(&self.folder)? {
            let found = found?;
            let name = found.file_name().to_string_lossy().into_owned();
            let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if name.len() == NAME_DIGITS && name.chars().all(is_digit) && found.path().is_dir() {
                items.push(self.item(name));
            }
        }
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(items)
    }

    fn item(&self, key: String) -> Item {
        let folder = self.folder.join(&key);
        let files = || self.files.iter().map(|name| folder.join(name));
        let bytes = files().map(|path| size(&path)).sum();
        let used =
            time(&lock::path(&folder)).or_else(|| files().filter_map(|path| time(&path)).max());
        let in_use = matches!(Lock::alone(&folder), Ok(None));
        Item { key, bytes, used, in_use }
    }

    /// Removes a cache, unless it is in use. Only what this program wrote is removed.
    pub(super) fn remove(&self, key: &str) -> Result<Removal> {
        let folder = self.folder.join(key);
        let Some(lock) = alone(&folder)? else { return Ok(Removal::InUse) };
        Claim { folder, files: self.files, lock }.clear()?;
        Ok(Removal::Removed)
    }
}

fn alone(folder: &Path) -> Result<Option<Lock>> {
    Lock::alone(folder).with_context(|| format!("failed to lock `{}`", folder.display()))
}

/// Of a file in bytes; 0 where there is none.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Of a file's last change.
pub(super) fn time(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
