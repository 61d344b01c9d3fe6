//! Where entries go: names checked, files written, archives among them unpacked in turn.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::budget::{Budget, Charged};
use super::called;
use super::kind::{Kind, TAR_BLOCK};
use super::names::{self, Names};
use super::window::Window;
use super::{Error, Work};
use crate::fs;

/// What is copied at a time.
const PIECE: usize = 128 * 1024;

/// Memory of one thread for copying.
pub(super) fn piece() -> Vec<u8> {
    vec![0; PIECE]
}

/// Where the bytes of an entry are.
pub(super) enum Content<'a, 'w> {
    /// In a file, as they are: they can be read in any order, and an archive among them in place.
    Part(Window<'w>),
    /// They come out of a decoder, once.
    Stream(&'a mut dyn Read),
}

/// An entry whose name was planned.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a Path,
    /// How large it is, where its archive says it in advance.
    pub(super) size: Option<u64>,
    /// Its number in the archive; archives inside are laid in place in this order.
    pub(super) order: usize,
}

/// What came of an archive.
pub(super) struct Unpacked {
    /// A folder that holds its files, no archive among them.
    pub(super) folder: PathBuf,
    /// Whether it holds bare images and nothing else.
    pub(super) is_loose: bool,
}

/// Takes the entries of one archive into one folder. Names are planned one by one; what has a
/// planned name may be taken by several threads at a time.
pub(super) struct Sink<'a> {
    pub(super) work: &'a Work,
    /// The archive's path; that of one inside another goes on where the outer one's ends.
    pub(super) archive: PathBuf,
    /// How many archives it lies in.
    level: usize,
    folder: PathBuf,
    names: Names,
    made: HashSet<PathBuf>,
    n_files: usize,
    has_other_than_images: bool,
    nested: Mutex<Vec<Nested>>,
}

/// An archive of this one, unpacked.
struct Nested {
    order: usize,
    kind: Kind,
    path: PathBuf,
    unpacked: Unpacked,
}

impl<'a> Sink<'a> {
    pub(super) fn new(work: &'a Work, archive: &Path, level: usize) -> Result<Self, Error> {
        let folder = work.fresh_path();
        fs::create_dir_all(&folder)?;
        Ok(Self {
            work,
            archive: archive.to_owned(),
            level,
            folder,
            names: Names::default(),
            made: HashSet::new(),
            n_files: 0,
            has_other_than_images: false,
            nested: Mutex::new(Vec::new()),
        })
    }

    pub(super) fn budget(&self) -> &'a Budget {
        &self.work.budget
    }

    /// The entries to come have so many bytes in all, and so many of them stay on the disk.
    pub(super) fn announce(&self, bytes: u64, on_disk: u64) -> Result<(), Error> {
        self.budget().announce(&self.archive, bytes, on_disk)
    }

    pub(super) fn folder(&mut self, name: &str) -> Result<(), Error> {
        let path = self.safe(name)?;
        if names::is_litter(&path) {
            return Ok(());
        }
        self.has_other_than_images = true;
        self.names.add_folder(&path).map_err(|reason| self.refused(name, reason))?;
        self.make(&path)
    }

    /// Makes ready for a file or an archive of this name; `None` when nobody wants it.
    pub(super) fn plan(&mut self, name: &str) -> Result<Option<PathBuf>, Error> {
        let path = self.safe(name)?;
        if names::is_litter(&path) {
            return Ok(None);
        }
        self.budget().one_more_entry(&self.archive)?;
        self.names.add_file(&path).map_err(|reason| self.refused(name, reason))?;
        self.n_files += 1;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                self.has_other_than_images = true;
                self.make(parent)?;
            }
            _ => self.has_other_than_images |= !called::is_image_name(&path),
        }
        Ok(Some(path))
    }

    /// As [`Sink::plan`], for the one file of an archive that is not one of many.
    pub(super) fn plan_alone(&mut self, name: &str) -> Result<Option<PathBuf>, Error> {
        self.has_other_than_images = true;
        self.plan(name)
    }

    /// A name as a path that stays inside the folder.
    pub(super) fn safe(&self, name: &str) -> Result<PathBuf, Error> {
        names::safe(name).map_err(|reason| self.refused(name, reason))
    }

    /// Writes a file, or unpacks it when it is an archive by its name and content.
    pub(super) fn take(
        &self,
        entry: &Entry,
        content: Content,
        piece: &mut [u8],
    ) -> Result<(), Error> {
        if !called::is_archive_name(entry.name) {
            return self.write(entry, content, piece);
        }
        self.look_inside(entry, content, piece)
    }

    /// As [`Sink::take`], by the content alone.
    pub(super) fn look_inside(
        &self,
        entry: &Entry,
        content: Content,
        piece: &mut [u8],
    ) -> Result<(), Error> {
        match content {
            Content::Part(window) => {
                let start = self.start_of(entry, &mut window.again())?;
                match Kind::of_start(&start) {
                    Some(kind) => self.nest(entry, kind, Content::Part(window)),
                    None => self.write(entry, Content::Part(window), piece),
                }
            }
            Content::Stream(stream) => {
                let start = self.start_of(entry, stream)?;
                let found = Kind::of_start(&start);
                let mut whole = Cursor::new(start).chain(stream);
                let Some(kind) = found else {
                    return self.write(entry, Content::Stream(&mut whole), piece);
                };
                let mut charged = Charged { inner: &mut whole, budget: self.budget() };
                self.nest(entry, kind, Content::Stream(&mut charged))?;
                // What the inner archive did not need is read for the checksum of the outer one.
                self.drain(entry.name, &mut charged)
            }
        }
    }

    /// The first bytes of an entry, enough to tell its kind.
    pub(super) fn start_of(&self, entry: &Entry, content: &mut dyn Read) -> Result<Vec<u8>, Error> {
        let mut start = Vec::with_capacity(TAR_BLOCK);
        let read = content.take(TAR_BLOCK as u64).read_to_end(&mut start);
        read.map_err(|error| self.unread(entry.name, &error))?;
        Ok(start)
    }

    fn nest(&self, entry: &Entry, kind: Kind, content: Content) -> Result<(), Error> {
        let archive = self.archive.join(entry.path);
        let unpacked = super::unpack(self.work, &archive, kind, content, self.level + 1)?;
        let nested = Nested { order: entry.order, kind, path: entry.path.to_owned(), unpacked };
        self.nested.lock().unwrap_or_else(PoisonError::into_inner).push(nested);
        Ok(())
    }

    fn write(&self, entry: &Entry, content: Content, piece: &mut [u8]) -> Result<(), Error> {
        let target = self.folder.join(entry.path);
        let file = fs::File::create_new(&target);
        let mut file = file.map_err(|error| self.unwritten(&target, error))?;
        let mut part;
        let content: &mut dyn Read = match content {
            Content::Part(window) => {
                part = window;
                &mut part
            }
            Content::Stream(stream) => stream,
        };
        let mut charged = Charged { inner: content, budget: self.budget() };
        let mut written = 0;
        while let n @ 1.. = self.read(entry.name, &mut charged, piece)? {
            file.write_all(&piece[..n]).map_err(|error| self.unwritten(&target, error))?;
            written += n as u64;
        }
        if let Some(size) = entry.size.filter(|size| *size != written) {
            return Err(self.damaged(entry.name, &format!("{written} bytes instead of {size}")));
        }
        self.budget().one_more_file();
        Ok(())
    }

    /// Reads what nobody wants.
    pub(super) fn drain(&self, name: &str, content: &mut dyn Read) -> Result<(), Error> {
        let mut piece = [0; 8 * 1024];
        while self.read(name, content, &mut piece)? > 0 {}
        Ok(())
    }

    fn read(&self, name: &str, content: &mut dyn Read, to: &mut [u8]) -> Result<usize, Error> {
        loop {
            match content.read(to) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result.map_err(|error| self.unread(name, &error)),
            }
        }
    }

    /// Puts bytes aside that can only be read in any order: the only case of a middle file.
    pub(super) fn put_aside(&self, start: &[u8], rest: &mut dyn Read) -> Result<Aside, Error> {
        let path = self.work.fresh_path();
        let mut file = fs::File::create_new(&path)?;
        file.write_all(start).map_err(|error| self.unwritten(&path, error))?;
        let mut piece = piece();
        while let n @ 1.. = self.read("its middle", rest, &mut piece)? {
            file.write_all(&piece[..n]).map_err(|error| self.unwritten(&path, error))?;
        }
        drop(file);
        let file = fs::open(&path)?;
        Ok(Aside { file, path })
    }

    /// A tar that was all that the archive held has the archive's name: they are one in two layers.
    pub(super) fn name_the_tar(&mut self) {
        let nested = self.nested.get_mut().unwrap_or_else(PoisonError::into_inner);
        for tar in nested.iter_mut().filter(|nested| nested.kind == Kind::Tar) {
            tar.path = self.archive.file_name().unwrap_or_default().into();
        }
    }

    /// Lays the archives that were unpacked from this one beside where they lay.
    pub(super) fn finish(self) -> Result<Unpacked, Error> {
        let is_loose = self.n_files > 0 && !self.has_other_than_images;
        let Self { archive, folder, nested, .. } = self;
        let mut nested = nested.into_inner().unwrap_or_else(PoisonError::into_inner);
        nested.sort_by_key(|nested| nested.order);
        for Nested { path, unpacked, .. } in nested {
            let beside = folder.join(path.parent().unwrap_or(Path::new("")));
            let target = if unpacked.is_loose { beside.join(super::stem(&path)) } else { beside };
            if let Some(name) = meeting(&unpacked.folder, &target)? {
                return Err(Error::refused(&archive.join(path), &name, names::CASE));
            }
            super::move_into(&unpacked.folder, &target)?;
        }
        Ok(Unpacked { folder, is_loose })
    }

    /// Refuses an entry for what it is.
    pub(super) fn refused(&self, name: &str, reason: &'static str) -> Error {
        Error::refused(&self.archive, name, reason)
    }

    /// The archive cannot be read at this entry.
    pub(super) fn damaged(&self, name: &str, reason: &dyn Display) -> Error {
        let exceeded = self.budget().exceeded(&self.archive);
        exceeded.unwrap_or_else(|| Error::damaged(&self.archive, name, reason))
    }

    /// As [`Sink::damaged`], by an error of reading.
    pub(super) fn unread(&self, name: &str, error: &io::Error) -> Error {
        self.damaged(name, error)
    }

    fn unwritten(&self, target: &Path, error: io::Error) -> Error {
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            return Error::no_space(&self.archive, "the disk is full");
        }
        let failed = format!("failed to write `{}`", target.display());
        Error::File(anyhow::Error::new(error).context(failed))
    }

    fn make(&mut self, relative: &Path) -> Result<(), Error> {
        // From the deepest up: one that was made has those above it.
        let is_new =
            |folder: &&Path| !folder.as_os_str().is_empty() && !self.made.contains(*folder);
        let new: Vec<&Path> = relative.ancestors().take_while(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        new.iter().try_for_each(|_| self.budget().one_more_entry(&self.archive))?;
        let target = self.folder.join(relative);
        fs::create_dir_all(&target).map_err(|error| self.unwritten(&target, error))?;
        self.made.extend(new.into_iter().map(Path::to_owned));
        Ok(())
    }
}

/// A middle file, gone when dropped.
pub(super) struct Aside {
    pub(super) file: fs::File,
    path: PathBuf,
}

impl Drop for Aside {
    fn drop(&mut self) {
        // With the whole staging folder it goes in any case.
        let _ = fs::remove_file(&self.path);
    }
}

/// A name in `from` that differs from one in `into` only in upper and lower case.
fn meeting(from: &Path, into: &Path) -> anyhow::Result<Option<String>> {
    if !into.is_dir() {
        return Ok(None);
    }
    let list = |folder: &Path| -> anyhow::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    let there = list(into)?;
    let lower: HashSet<String> = there.iter().map(|name| name.to_lowercase()).collect();
    let there: HashSet<String> = there.into_iter().collect();
    for name in list(from)? {
        if !there.contains(&name) {
            if lower.contains(&name.to_lowercase()) {
                return Ok(Some(name));
            }
            continue;
        }
        let inner = from.join(&name);
        if inner.is_dir()
            && let Some(name) = meeting(&inner, &into.join(&name))?
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
