//! One process at work on a file at a time.

use std::io;
use std::path::Path;

use super::super::error::Error;
use crate::fs;

/// The part, and the right to write to it.
pub(super) fn open_locked(part: &Path, path: &Path) -> Result<fs::Locked, Error> {
    let mut options = fs::File::options();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        let Some(file) = fs::Locked::alone(fs::open_own(part, &mut options)?) else {
            return Err(Error::Busy { path: path.to_owned() });
        };
        // Another process may have finished the file, and renamed it, before the lock was ours.
        if is_at(&file, part) {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: io::Result<std::fs::Metadata>| {
        metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()))
    };
    id(file.metadata()) == id(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &fs::File, path: &Path) -> bool {
    path.exists()
}
