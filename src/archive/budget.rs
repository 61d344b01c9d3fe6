//! What one call may unpack, archives inside archives included, and how far it is.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::Error;
use crate::progress::Progress;
use crate::term;

/// The bounds of one call, shared by all its threads.
pub(super) struct Budget {
    most_bytes: u64,
    most_files: usize,
    room: Room,
    bytes: AtomicU64,
    announced: AtomicU64,
    entries: AtomicUsize,
    files: AtomicUsize,
    is_exceeded: AtomicBool,
}

/// What the disk has room for, where that is known.
#[derive(Clone, Copy, Default)]
pub(super) struct Room {
    pub(super) bytes: Option<u64>,
    /// Files and folders.
    pub(super) files: Option<u64>,
}

/// So many files must stay possible on the disk: other programs want some.
const SPARE_FILES: u64 = 1000;

impl Budget {
    /// At most so many bytes and files (folders among them), and no more than there is room for.
    pub(super) fn new(most_bytes: u64, most_files: usize, room: Room) -> Self {
        Self {
            most_bytes,
            most_files,
            room,
            bytes: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            entries: AtomicUsize::new(0),
            files: AtomicUsize::new(0),
            is_exceeded: AtomicBool::new(false),
        }
    }

    pub(super) fn files(&self) -> usize {
        self.files.load(Ordering::Relaxed)
    }

    pub(super) fn one_more_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// One more entry, a file, a folder or an archive, is on its way.
    pub(super) fn one_more_entry(&self, archive: &Path) -> Result<(), Error> {
        let n = self.entries.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if n > self.most_files {
            let most = term::thousands(self.most_files);
            return Err(Error::too_big(archive, format!("it holds more than {most} files")));
        }
        match self.room.files {
            Some(free) if (n as u64).saturating_add(SPARE_FILES) > free => {
                let (n, free) = (term::count(n, "file"), term::thousands(free as usize));
                let spare = term::thousands(SPARE_FILES as usize);
                let reason = format!(
                    "it holds {n} or more, and the disk has room for {free}, of which {spare} stay free"
                );
                Err(Error::no_space(archive, reason))
            }
            _ => Ok(()),
        }
    }

    /// The entries to come have so many bytes in all, says the archive, and so many of them go to
    /// the disk.
    pub(super) fn announce(&self, archive: &Path, bytes: u64, on_disk: u64) -> Result<(), Error> {
        let total = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        if total > self.most_bytes {
            return Err(self.too_many_bytes(archive, total));
        }
        let on_disk = self.announced.fetch_add(on_disk, Ordering::Relaxed).saturating_add(on_disk);
        match self.room.bytes {
            Some(free) if on_disk > free => {
                let (need, free) = (term::bytes(on_disk), term::bytes(free));
                Err(Error::no_space(archive, format!("it needs {need}, the disk has {free} left")))
            }
            _ => Ok(()),
        }
    }

    /// So many bytes came out of a decoder.
    pub(super) fn charge(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let total = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total <= self.most_bytes {
            return Ok(());
        }
        self.is_exceeded.store(true, Ordering::Relaxed);
        Err(io::Error::other("more bytes than allowed"))
    }

    /// What to say when the bound of bytes was passed: a decoder that was stopped there ends in an
    /// error of its own.
    pub(super) fn exceeded(&self, archive: &Path) -> Option<Error> {
        let is_exceeded = self.is_exceeded.load(Ordering::Relaxed);
        is_exceeded.then(|| self.too_many_bytes(archive, self.bytes.load(Ordering::Relaxed)))
    }

    fn too_many_bytes(&self, archive: &Path, bytes: u64) -> Error {
        let (bytes, most) = (term::bytes(bytes), term::bytes(self.most_bytes));
        let reason = format!("it holds {bytes} or more, the limit for its size is {most}");
        Error::too_big(archive, reason)
    }
}

/// A reader whose every byte counts against the budget.
pub(super) struct Charged<'a> {
    pub(super) inner: &'a mut dyn Read,
    pub(super) budget: &'a Budget,
}

impl Read for Charged<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.budget.charge(n)?;
        Ok(n)
    }
}

/// Counts bytes of the archive file itself: the one total that is known from the start, however
/// deep archives lie in it. What is read twice (directories, headers) counts up to the total only.
pub(super) struct Meter<'a> {
    total: u64,
    done: AtomicU64,
    progress: &'a dyn Progress,
}

impl<'a> Meter<'a> {
    pub(super) fn new(total: u64, progress: &'a dyn Progress) -> Self {
        progress.total(total);
        Self { total, done: AtomicU64::new(0), progress }
    }

    pub(super) fn advance(&self, bytes: u64) {
        let add = |done: u64| Some(done.saturating_add(bytes).min(self.total));
        let before = self.done.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let before = before.unwrap_or(self.total);
        let gained = bytes.min(self.total - before);
        if gained > 0 {
            self.progress.advance(gained);
        }
    }

    /// All is done, gaps and directories too.
    pub(super) fn finish(&self) {
        self.advance(self.total);
    }
}
