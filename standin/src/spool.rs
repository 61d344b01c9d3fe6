//! Where uploads lie: one file without a name, which is gone when the process is, however that ends.
//! In memory they would be what a client says they are.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

use crate::blob::{Blob, BlobSlice, read_exact_at, write_all_at};

/// More is no submission.
pub(crate) const MOST_BYTES: u64 = 1 << 30;
/// All uploads together, as announced; what is announced and never sent takes no room.
const MOST_IN_ALL: u64 = 1 << 40;

/// Gives every upload its place.
pub(crate) struct Spool {
    file: Arc<File>,
    end: AtomicU64,
}

/// A file that was uploaded, or the place for one.
#[derive(Clone, Debug)]
pub struct Stored {
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl Spool {
    pub(crate) fn new() -> Result<Self> {
        let file = tempfile::tempfile().context("failed to make a file for uploads")?;
        Ok(Self { file: Arc::new(file), end: AtomicU64::new(0) })
    }

    /// A place for so many bytes; none where there is no more room.
    pub(crate) fn place(&self, length: u64) -> Option<Stored> {
        let more = |end: u64| end.checked_add(length).filter(|end| *end <= MOST_IN_ALL);
        let start = self.end.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Stored { file: self.file.clone(), start, length })
    }
}

impl Stored {
    /// How many bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// All of them.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.length as usize];
        read_exact_at(&self.file, &mut bytes, self.start)?;
        Ok(bytes)
    }

    /// All of them, piece by piece.
    pub(crate) fn slice(&self) -> BlobSlice {
        Blob::in_file(self.file.clone(), self.start, self.length, false).part(0, self.length)
    }

    /// Writes bytes that fit.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, bytes, self.start + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_meet_and_have_an_end() {
        let spool = Spool::new().unwrap();
        let (one, two) = (spool.place(3).unwrap(), spool.place(2).unwrap());
        two.write(0, b"de").unwrap();
        one.write(0, b"abc").unwrap();
        assert_eq!((one.read().unwrap(), two.read().unwrap()), (b"abc".to_vec(), b"de".to_vec()));
        assert!(spool.place(MOST_IN_ALL).is_none() && spool.place(u64::MAX).is_none());
        assert_eq!(spool.place(0).unwrap().length(), 0);
    }
}
