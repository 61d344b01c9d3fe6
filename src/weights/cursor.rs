//! A pickle's bytes, taken one after the other and never beyond the end.

use anyhow::{Context, Result, ensure};
use thiserror::Error;

/// The bytes end before the pickle does.
#[derive(Debug, Error)]
#[error("its pickle ends too early: it is cut short or damaged")]
pub(super) struct Ended;

/// Where in a pickle's bytes one is.
pub(super) struct Cursor<'a> {
    all: &'a [u8],
    used: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, used: 0 }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn bytes(&mut self, n: u64) -> Result<&'a [u8]> {
        let rest = &self.all[self.used..];
        let n = usize::try_from(n).ok().filter(|&n| n <= rest.len()).ok_or(Ended)?;
        self.used += n;
        Ok(&rest[..n])
    }

    pub(super) fn skip(&mut self, n: u64) -> Result<()> {
        self.bytes(n).map(|_| ())
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    /// A number without sign of so many bytes (at most eight), the least significant first.
    pub(super) fn number(&mut self, n: usize) -> Result<u64> {
        let mut whole = [0; 8];
        whole[..n].copy_from_slice(self.bytes(n as u64)?);
        Ok(u64::from_le_bytes(whole))
    }

    /// A number with a sign of so many bytes (at most 16), the least significant first.
    pub(super) fn integer(&mut self, n: u64) -> Result<i128> {
        ensure!(n <= 16, "it has a number of {n} bytes");
        let bytes = self.bytes(n)?;
        let fill = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
        let mut whole = [fill; 16];
        whole[..bytes.len()].copy_from_slice(bytes);
        Ok(i128::from_le_bytes(whole))
    }

    /// The text up to the next line feed.
    pub(super) fn line(&mut self) -> Result<&'a str> {
        let rest = &self.all[self.used..];
        let n = rest.iter().position(|&byte| byte == b'\n').ok_or(Ended)?;
        self.used += n + 1;
        std::str::from_utf8(&rest[..n]).context("it names something in no known alphabet")
    }
}
