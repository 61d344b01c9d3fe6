//! Files that appear whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use super::durable::{flush_folder, make_folder};
use super::folder_of;
use super::plain::refuse_folder;

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part; the new
/// one stays when the power goes.
pub fn write_atomic(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    AtomicFile::create(path.as_ref())?.fill(bytes.as_ref())
}

/// The same for a file that nobody but its owner may read.
pub fn write_private(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    AtomicFile::create_for(path.as_ref(), Readers::Owner)?.fill(bytes.as_ref())
}

/// The same without a wait for the disk: after a power cut the file may be empty. It is for many files
/// that [`write_record`](super::write_record) vouches for when all are there.
pub fn write_unflushed(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut file = AtomicFile::create(path.as_ref())?;
    let failed = || format!("failed to write `{}`", path.as_ref().display());
    file.write_all(bytes.as_ref()).with_context(failed)?;
    file.name().with_context(failed)
}

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Owner,
    /// Whoever the person lets read new files (`umask`).
    Usual,
}

/// A file being written under a temporary name beside its final one; dropped without
/// [`AtomicFile::commit`] it vanishes.
pub struct AtomicFile {
    temporary: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Opens the temporary file, making the folder of `path` if need be.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_for(path, Readers::Usual)
    }

    fn create_for(path: &Path, readers: Readers) -> Result<Self> {
        let folder = folder_of(path);
        make_folder(folder)?;
        refuse_folder(path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".partial-");
        open_to(readers, &mut builder);
        let temporary = builder
            .tempfile_in(folder)
            .with_context(|| format!("failed to create a file in `{}`", folder.display()))?;
        Ok(Self { temporary: BufWriter::new(temporary), path: path.to_owned() })
    }

    /// Makes the file so long, with zeros; where the system can, the disk keeps the room for it.
    pub fn set_length(&mut self, length: u64) -> Result<()> {
        let failed = || format!("failed to write `{}`", self.path.display());
        self.temporary.flush().with_context(failed)?;
        let file = self.temporary.get_ref().as_file();
        reserve(file, length).and_then(|()| file.set_len(length)).with_context(failed)
    }

    /// Flushes to disk and gives the file its name, which is flushed too.
    pub fn commit(self) -> Result<()> {
        let failed = || format!("failed to write `{}`", self.path.display());
        let temporary = self
            .temporary
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(failed)?;
        temporary.as_file().sync_all().with_context(failed)?;
        temporary.persist(&self.path).map_err(|error| error.error).with_context(failed)?;
        #[cfg(test)]
        super::watched::note(super::watched::Event::Named(self.path.clone()));
        flush_folder(folder_of(&self.path)).with_context(failed)
    }

    /// Gives the file its name and flushes nothing.
    fn name(self) -> io::Result<()> {
        let temporary = self.temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn fill(mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
            .with_context(|| format!("failed to write `{}`", self.path.display()))?;
        self.commit()
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

/// Temporary files are private to their owner; the system takes the umask's bits off a usual file's
/// mode when it makes it.
#[cfg(unix)]
fn open_to(readers: Readers, builder: &mut tempfile::Builder) {
    use std::os::unix::fs::PermissionsExt;
    if readers == Readers::Usual {
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
}

#[cfg(not(unix))]
fn open_to(_: Readers, _: &mut tempfile::Builder) {}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{read_dir, read_to_string};

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

    /// The umask is the process's, and other tests make files meanwhile: what the system gives a file
    /// that is made in the plainest way is the right mode.
    #[cfg(unix)]
    #[test]
    fn a_file_has_the_mode_that_the_person_gives_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            fs_err::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777
        };
        fs_err::File::create(folder.path().join("plain")).unwrap();
        write_atomic(folder.path().join("ours"), "x").unwrap();
        write_private(folder.path().join("secret"), "x").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
        assert_eq!(mode("secret"), 0o600);
    }
}
