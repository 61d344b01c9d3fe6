//! Where entries go: names checked, sizes counted, files written.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Error;
use super::kind;
use crate::fs;
use crate::progress::Progress;
use crate::term;

const PIECE: usize = 128 * 1024;

/// What one call may unpack, archives inside archives included.
pub(super) struct Budget<'a> {
    most_bytes: u64,
    most_files: usize,
    bytes: u64,
    files: usize,
    archives: usize,
    progress: &'a dyn Progress,
}

impl<'a> Budget<'a> {
    pub(super) fn new(most_bytes: u64, most_files: usize, progress: &'a dyn Progress) -> Self {
        Self { most_bytes, most_files, bytes: 0, files: 0, archives: 0, progress }
    }

    /// How many files were written that are no archives.
    pub(super) fn files(&self) -> usize {
        self.files - self.archives
    }

    /// One of the files was itself unpacked.
    pub(super) fn one_was_an_archive(&mut self) {
        self.archives += 1;
    }
}

/// Takes the entries of one archive into one folder.
pub(super) struct Sink<'a, 'b> {
    archive: &'a Path,
    folder: &'a Path,
    budget: &'a mut Budget<'b>,
    /// Folders that are known to exist.
    made: HashSet<PathBuf>,
    piece: Vec<u8>,
    /// Files in it that are archives by their names, relative to the folder.
    pub(super) nested: Vec<PathBuf>,
}

impl<'a, 'b> Sink<'a, 'b> {
    pub(super) fn new(archive: &'a Path, folder: &'a Path, budget: &'a mut Budget<'b>) -> Self {
        let (made, nested) = (HashSet::new(), Vec::new());
        Self { archive, folder, budget, made, piece: vec![0; PIECE], nested }
    }

    /// The entries to come have so many bytes in all, says the archive.
    pub(super) fn announce(&mut self, bytes: u64) -> Result<(), Error> {
        let total = self.budget.bytes.saturating_add(bytes);
        if total > self.budget.most_bytes {
            return Err(self.too_many_bytes(total));
        }
        self.budget.progress.total(total);
        Ok(())
    }

    /// A folder.
    pub(super) fn folder(&mut self, name: &str) -> Result<(), Error> {
        let path = self.safe(name)?;
        self.make(&path)
    }

    /// A file of `size` bytes, as far as the archive knows.
    pub(super) fn file(
        &mut self,
        name: &str,
        size: Option<u64>,
        content: &mut dyn Read,
    ) -> Result<(), Error> {
        let path = self.safe(name)?;
        if is_litter(&path) {
            return Ok(());
        }
        self.budget.files += 1;
        if self.budget.files > self.budget.most_files {
            let most = term::thousands(self.budget.most_files);
            return Err(Error::too_big(self.archive, format!("it holds more than {most} files")));
        }
        if let Some(parent) = path.parent() {
            self.make(parent)?;
        }
        let target = self.folder.join(&path);
        let file = fs::File::create_new(&target).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.refused(name, "which it holds twice"),
            _ => Error::File(error.into()),
        })?;
        let written = self.copy(name, content, file, &target)?;
        if let Some(size) = size.filter(|size| *size != written) {
            let reason = format!("{written} bytes instead of {size}");
            return Err(Error::damaged(self.archive, name, &reason));
        }
        if kind::is_archive_name(name) {
            self.nested.push(path);
        }
        Ok(())
    }

    fn copy(
        &mut self,
        name: &str,
        content: &mut dyn Read,
        mut file: impl Write,
        target: &Path,
    ) -> Result<u64, Error> {
        let failed = || format!("failed to write `{}`", target.display());
        let mut written = 0;
        loop {
            let n = match content.read(&mut self.piece) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::damaged(self.archive, name, &error)),
            };
            written += n as u64;
            self.budget.bytes += n as u64;
            if self.budget.bytes > self.budget.most_bytes {
                return Err(self.too_many_bytes(self.budget.bytes));
            }
            file.write_all(&self.piece[..n]).with_context(failed)?;
            self.budget.progress.advance(n as u64);
        }
        file.flush().with_context(failed)?;
        Ok(written)
    }

    /// Refuses an entry for what it is.
    pub(super) fn refused(&self, name: &str, reason: &'static str) -> Error {
        Error::Unsafe { archive: self.archive.to_owned(), entry: name.to_owned(), reason }
    }

    /// The archive cannot be read at this entry.
    pub(super) fn damaged(&self, name: &str, reason: &dyn Display) -> Error {
        Error::damaged(self.archive, name, reason)
    }

    fn too_many_bytes(&self, bytes: u64) -> Error {
        let (bytes, most) = (term::bytes(bytes), term::bytes(self.budget.most_bytes));
        let reason = format!("it holds {bytes} or more, the limit for its size is {most}");
        Error::too_big(self.archive, reason)
    }

    fn make(&mut self, relative: &Path) -> Result<(), Error> {
        if self.made.contains(relative) {
            return Ok(());
        }
        fs::create_dir_all(self.folder.join(relative)).map_err(anyhow::Error::from)?;
        self.made.insert(relative.to_owned());
        Ok(())
    }

    /// A name as a path that stays inside the folder.
    fn safe(&self, name: &str) -> Result<PathBuf, Error> {
        // Some Windows programs write `\` between folders.
        let name_with_slashes = name.replace('\\', "/");
        let drive = name_with_slashes.as_bytes().get(1) == Some(&b':');
        if name_with_slashes.starts_with('/') || drive {
            return Err(self.refused(name, "an absolute path"));
        }
        let mut path = PathBuf::new();
        for part in name_with_slashes.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(self.refused(name, "a path that leaves the folder")),
                part if part.contains('\0') => return Err(self.refused(name, "not a file name")),
                part => path.push(part),
            }
        }
        if path.starts_with(super::Staging::NAME) {
            return Err(self.refused(name, "a name that is needed for unpacking"));
        }
        Ok(path)
    }
}

/// What macOS adds to archives.
fn is_litter(path: &Path) -> bool {
    path.starts_with("__MACOSX")
        || path.file_name().is_none_or(|name| name == ".DS_Store" || name == "Thumbs.db")
}
