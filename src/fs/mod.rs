//! Files that appear whole or not at all, that stay when the power goes, and errors that name their path.
//!
//! Everything a command leaves behind goes through [`write_atomic`] or [`AtomicFile`]: bytes land
//! in a temporary file in the same folder, are flushed to disk, and only then get their name. What
//! vouches for other files goes through [`write_record`], what grows through [`open_own`], what a person
//! named the place of through [`write_named`]. What is read goes through [`open`] and [`read`], which do
//! not wait on pipes.

mod atomic;
mod durable;
mod lock;
mod owned;
mod plain;
mod space;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

pub use atomic::{AtomicFile, write_atomic, write_private, write_unflushed};
#[cfg(test)]
pub use durable::watched;
pub use durable::{flush, flush_folder, make_folder, remove_flushed, rename_flushed, write_record};
#[cfg(unix)]
pub use fs_err::os::unix::fs::symlink;
pub use fs_err::{
    File, copy, hard_link, metadata, read_dir, remove_dir, remove_dir_all, remove_file, rename,
    symlink_metadata,
};
pub use lock::Locked;
pub use owned::{is_own, open_own, write_named};
pub use plain::{
    NotPlain, create_dir_all, no_folder, not_plain, open, other_kind, read, read_to_string,
    why_not_plain,
};
pub use space::{free_files, free_memory, free_space, is_read_only};
pub use walk::{Below, Other, below};

/// A link by name, where the system has such.
#[cfg(not(unix))]
pub fn symlink<P: AsRef<Path>, Q: AsRef<Path>>(_: P, _: Q) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether two paths lead to one file or folder.
pub fn is_same(a: &Path, b: &Path) -> bool {
    match (metadata(a), metadata(b)) {
        (Ok(at), Ok(bt)) => identity(a, &at).is_some_and(|id| Some(id) == identity(b, &bt)),
        _ => false,
    }
}

/// What tells a file or a folder from all others: its disk and its number there.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there may be none")]
fn identity(_: &Path, metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// What tells a file or a folder from all others, hard links aside: its path without links.
#[cfg(not(unix))]
fn identity(path: &Path, _: &std::fs::Metadata) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// The folder that a path has its name in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes all of `bytes` at a place of a file, wherever others write meanwhile.
#[cfg(unix)]
pub fn write_at(file: &File, bytes: &[u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file.file(), bytes, place)
}

/// Writes all of `bytes` at a place of a file, wherever others write meanwhile.
#[cfg(windows)]
pub fn write_at(file: &File, mut bytes: &[u8], mut place: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file.file(), bytes, place)?;
        (bytes, place) = (&bytes[n..], place + n as u64);
    }
    Ok(())
}

/// Fills `bytes` from a place of a file, wherever others read meanwhile; an error where it ends before.
#[cfg(unix)]
pub fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file.file(), bytes, place)
}

/// Fills `bytes` from a place of a file, wherever others read meanwhile; an error where it ends before.
#[cfg(windows)]
pub fn read_at(file: &File, mut bytes: &mut [u8], mut place: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file.file(), bytes, place)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => (bytes, place) = (&mut bytes[n..], place + n as u64),
        }
    }
    Ok(())
}

/// The folder for what can be made again: libtorch, weights, what runs keep for one another.
///
/// `KAGGLE_KIT_CACHE`, else `$XDG_CACHE_HOME/kaggle-kit`, else `~/.cache/kaggle-kit`;
/// `scripts/setup.py` looks in the same places.
pub fn cache_folder() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("KAGGLE_KIT_CACHE") {
        return folder.into();
    }
    let base = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| {
        variable("HOME")
            .or_else(|| variable("USERPROFILE"))
            .map(|h| PathBuf::from(h).join(".cache"))
    });
    base.unwrap_or_else(|| PathBuf::from(".cache")).join("kaggle-kit")
}
