//! A file that is read in pieces, never beyond its end, and the bound on what is made of it.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::fs;

/// An open file of weights.
pub(super) struct WeightFile {
    file: fs::File,
    length: u64,
    /// How many bytes may still be made of it.
    budget: u64,
}

/// A file's tensors may share numbers, as tied weights do, but not without bound.
const MOST_OF_LENGTH: u64 = 4;
/// So small files with large views of few numbers are read as well.
const ALWAYS: u64 = 16 << 20;

impl WeightFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = fs::open(path)?;
        let length = file.metadata()?.len();
        let budget = length.saturating_mul(MOST_OF_LENGTH).saturating_add(ALWAYS);
        Ok(Self { file, length, budget })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes from there.
    pub(super) fn at(&mut self, start: u64, n: u64) -> Result<Vec<u8>> {
        let end = start.checked_add(n).filter(|&end| end <= self.length);
        end.context("it ends too early: it is cut short or damaged")?;
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; usize::try_from(n)?];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Asks for leave to make so many bytes.
    pub(super) fn spend(&mut self, n: u64) -> Result<()> {
        ensure!(n <= self.budget, "its tensors are far larger than the file: it is damaged");
        self.budget -= n;
        Ok(())
    }
}

impl Read for WeightFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for WeightFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}
