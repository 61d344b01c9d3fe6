//! Who may do what with a cache: many read at a time, one writes or removes it alone. Locks are the
//! system's, so that they end with the process that holds them, however it ends.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::fs;

const NAME: &str = "in-use";

/// The locked file of a cache; let go of when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: fs::File,
}

/// The file's place, whose time is that of the last use.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl Lock {
    /// To write or to remove; `None` while anybody else has it.
    pub(super) fn alone(folder: &Path) -> io::Result<Option<Self>> {
        let Some(lock) = Self::open(folder)? else { return Ok(None) };
        match lock.file.try_lock() {
            Ok(()) => Ok(lock.is_current(folder).then_some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// To read; `None` while somebody writes or removes.
    pub(super) fn shared(folder: &Path) -> io::Result<Option<Self>> {
        let Some(lock) = Self::open(folder)? else { return Ok(None) };
        match lock.file.try_lock_shared() {
            Ok(()) => Ok(lock.is_current(folder).then_some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns once nobody has it alone any more.
    pub(super) fn wait(folder: &Path) -> io::Result<()> {
        match Self::open(folder)? {
            Some(lock) => lock.file.lock_shared(),
            None => Ok(()),
        }
    }

    /// Others may read from now on.
    pub(super) fn share(&self) -> io::Result<()> {
        self.file.lock_shared()
    }

    /// Says that it is used now. Whether that can be written matters to nobody who reads.
    pub(super) fn stamp(&self) {
        let _ = self.file.set_modified(SystemTime::now());
    }

    /// `None` where the folder has just been removed.
    fn open(folder: &Path) -> io::Result<Option<Self>> {
        let mut options = fs::File::options();
        match fs::open_own(path(folder), options.read(true).write(true).create(true)) {
            Ok(file) => Ok(Some(Self { file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // What is there is none of ours: its time is not ours to change.
            Err(error) if fs::why_not_plain(&error).is_some() => Err(error),
            // A cache that only others may write to can still be read.
            Err(error) => match fs::open(path(folder)) {
                Ok(file) => Ok(Some(Self { file })),
                Err(_) => Err(error),
            },
        }
    }

    /// Whether the file that is locked is still the one in the folder: who removes a cache has the
    /// lock until the file is gone, and others may have opened it before.
    fn is_current(&self, folder: &Path) -> bool {
        let (Ok(mine), Ok(there)) = (self.file.metadata(), fs::metadata(path(folder))) else {
            return false;
        };
        same_file(&mine, &there)
    }
}

impl Drop for Lock {
    /// As [`fs::Locked`]: a child that is just being started has the file open as well.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn same_file(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn same_file(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}
