//! Files that appear whole or not at all, and errors that name their path.
//!
//! Everything a command leaves behind goes through [`write_atomic`] or [`AtomicFile`]: bytes land
//! in a temporary file in the same folder, are flushed to disk, and only then get their name.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
pub use fs_err::{
    File, copy, create_dir_all, hard_link, metadata, read, read_dir, read_to_string, remove_dir,
    remove_dir_all, remove_file, rename,
};
use tempfile::NamedTempFile;

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part.
pub fn write_atomic(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut file = AtomicFile::create(path.as_ref())?;
    file.write_all(bytes.as_ref())
        .with_context(|| format!("failed to write `{}`", path.as_ref().display()))?;
    file.commit()
}

/// The same for a file that nobody but its owner may read.
pub fn write_private(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut file = AtomicFile::create(path.as_ref())?;
    file.private = true;
    file.write_all(bytes.as_ref())
        .with_context(|| format!("failed to write `{}`", path.as_ref().display()))?;
    file.commit()
}

/// A file being written under a temporary name beside its final one; dropped without
/// [`AtomicFile::commit`] it vanishes.
pub struct AtomicFile {
    temporary: BufWriter<NamedTempFile>,
    path: PathBuf,
    private: bool,
}

impl AtomicFile {
    /// Opens the temporary file, making the folder of `path` if need be.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        create_dir_all(folder)?;
        let temporary = tempfile::Builder::new()
            .prefix(".partial-")
            .tempfile_in(folder)
            .with_context(|| format!("failed to create a file in `{}`", folder.display()))?;
        Ok(Self { temporary: BufWriter::new(temporary), path: path.to_owned(), private: false })
    }

    /// Makes the file so long, with zeros; where the system can, the disk keeps the room for it.
    pub fn set_length(&mut self, length: u64) -> Result<()> {
        let failed = || format!("failed to write `{}`", self.path.display());
        self.temporary.flush().with_context(failed)?;
        let file = self.temporary.get_ref().as_file();
        reserve(file, length).and_then(|()| file.set_len(length)).with_context(failed)
    }

    /// Flushes to disk and gives the file its name.
    pub fn commit(self) -> Result<()> {
        let failed = || format!("failed to write `{}`", self.path.display());
        let temporary = self
            .temporary
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(failed)?;
        temporary.as_file().sync_all().with_context(failed)?;
        if !self.private {
            open_to_readers(temporary.as_file()).with_context(failed)?;
        }
        temporary.persist(&self.path).map_err(|error| error.error).with_context(failed)?;
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Room on the disk, which is also faster to fill; not every disk can.
#[cfg(target_os = "linux")]
fn reserve(file: &std::fs::File, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, length) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &std::fs::File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Temporary files are private to their owner; a finished one has a usual file's mode.
#[cfg(unix)]
fn open_to_readers(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_readers(_: &std::fs::File) -> io::Result<()> {
    Ok(())
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

/// How many bytes a person may still write to the disk that `folder` is on, or will be on once it
/// is made; `None` where the system does not tell.
pub fn free_space(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().find(|place| place.exists()).and_then(free_at)
}

#[cfg(unix)]
fn free_at(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(not(unix))]
fn free_at(_: &Path) -> Option<u64> {
    None
}

/// How many bytes of memory this process could have without anything being written out for it; `None`
/// where the system does not tell.
#[cfg(target_os = "linux")]
pub fn free_memory() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let of_machine = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024;
    // A container may have less than its machine. The files that it has in memory count as its own,
    // but would make room.
    let number = |name: &str| {
        read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?.trim().parse::<u64>().ok()
    };
    let of_container = number("max").zip(number("current")).map(|(most, now)| {
        let files = read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
        let files = files.lines().find_map(|line| line.strip_prefix("file ")?.parse().ok());
        most.saturating_sub(now).saturating_add(files.unwrap_or(0))
    });
    Some(of_container.map_or(of_machine, |free| free.min(of_machine)))
}

/// How many bytes of memory this process could have without anything being written out for it; `None`
/// where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn free_memory() -> Option<u64> {
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.txt");
        write_atomic(&path, "old").unwrap();
        let mut half = AtomicFile::create(&path).unwrap();
        half.write_all(b"ne").unwrap();
        drop(half);
        assert_eq!(read_to_string(&path).unwrap(), "old");
        assert_eq!(read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
