//! Several files read as one, which is never written.

use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::window::ReadAt;
use crate::fs;

/// The pieces as one file.
pub(super) struct Volumes {
    /// Where each begins.
    files: Vec<(u64, fs::File)>,
    /// The bytes of all files.
    bytes: u64,
    /// What comes behind them: of a zip over several disks its directory, as one on a single disk has it.
    directory: Vec<u8>,
}

impl Volumes {
    pub(super) fn open(pieces: &[PathBuf]) -> Result<Self> {
        let mut volumes = Self { files: Vec::new(), bytes: 0, directory: Vec::new() };
        for piece in pieces {
            let file = fs::open(piece)?;
            let len = file.metadata()?.len();
            volumes.files.push((volumes.bytes, file));
            volumes.bytes = volumes.bytes.saturating_add(len);
        }
        Ok(volumes)
    }

    /// Puts bytes behind those of the files.
    pub(super) fn append(&mut self, directory: Vec<u8>) {
        self.directory = directory;
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.saturating_add(self.directory.len() as u64)
    }

    /// How many files there are.
    pub(super) fn n_files(&self) -> usize {
        self.files.len()
    }

    /// The place of a byte of one of the files.
    pub(super) fn place(&self, file: usize, offset: u64) -> Option<u64> {
        self.files.get(file)?.0.checked_add(offset).filter(|place| *place <= self.bytes)
    }

    /// Fills `to` from a place.
    pub(super) fn read_exact_at(&self, mut to: &mut [u8], mut at: u64) -> Result<()> {
        while !to.is_empty() {
            let n = self.read_at(to, at)?;
            ensure!(n > 0, "it is cut off");
            (to, at) = (&mut to[n..], at + n as u64);
        }
        Ok(())
    }

    /// So many of its last bytes, or all.
    pub(super) fn tail(&self, most: u64) -> Result<Vec<u8>> {
        let n = self.bytes.min(most);
        let mut tail = vec![0; n as usize];
        self.read_exact_at(&mut tail, self.bytes - n).context("failed to read its end")?;
        Ok(tail)
    }
}

impl ReadAt for Volumes {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        if let Some(inside) = at.checked_sub(self.bytes) {
            let rest = usize::try_from(inside).ok().and_then(|inside| self.directory.get(inside..));
            let rest = rest.unwrap_or_default();
            let n = rest.len().min(to.len());
            to[..n].copy_from_slice(&rest[..n]);
            return Ok(n);
        }
        let after = self.files.partition_point(|(start, _)| *start <= at);
        // An empty file begins where the next one does.
        let (start, file) = &self.files[after.saturating_sub(1)];
        let end = self.files.get(after).map_or(self.bytes, |(start, _)| *start);
        let n = to.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        file.read_at(&mut to[..n], at - start)
    }
}
