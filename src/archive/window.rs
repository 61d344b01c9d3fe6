//! A part of a file, read on its own: many windows read one file at a time.

use std::io::{self, Read, Seek, SeekFrom};

use super::budget::Meter;
use crate::fs;

const BUFFER: usize = 64 * 1024;

/// What is read at any place by several at a time.
pub(super) trait ReadAt: Sync {
    /// Reads some bytes from a place; none behind the end.
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for fs::File {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        read_at(self.file(), to, at)
    }
}

/// A part of a file as a file of its own, with a buffer that small seeks do not empty.
pub(super) struct Window<'a> {
    file: &'a dyn ReadAt,
    meter: Option<&'a Meter<'a>>,
    /// Where its first byte that is there lies in the file.
    start: u64,
    /// So many bytes at its beginning are not there any more; they read as zeros.
    gone: u64,
    /// Its bytes, those that are gone included.
    len: u64,
    position: u64,
    buffer: Vec<u8>,
    /// The position of the buffer's first byte.
    buffered_at: u64,
}

impl<'a> Window<'a> {
    /// A whole file; what is read of it shows on the meter.
    pub(super) fn whole(
        file: &'a fs::File,
        meter: Option<&'a Meter<'a>>,
    ) -> Result<Self, anyhow::Error> {
        let len = file.metadata()?.len();
        Ok(Self::new(file, meter, 0, 0, len))
    }

    /// All of what is so long, in several files perhaps.
    pub(super) fn over(file: &'a dyn ReadAt, len: u64, meter: Option<&'a Meter<'a>>) -> Self {
        Self::new(file, meter, 0, 0, len)
    }

    /// A file that holds the end of something: what was before it is gone.
    pub(super) fn tail(file: &'a fs::File, gone: u64) -> Result<Self, anyhow::Error> {
        let len = file.metadata()?.len();
        Ok(Self::new(file, None, 0, gone, gone.saturating_add(len)))
    }

    /// A part of it; `None` when it does not lie within.
    pub(super) fn part(&self, start: u64, len: u64) -> Option<Self> {
        let end = start.checked_add(len).filter(|end| *end <= self.len)?;
        if start < self.gone || end < start {
            return None;
        }
        Some(Self::new(self.file, self.meter, self.start + (start - self.gone), 0, len))
    }

    /// The same window with a position and a buffer of its own.
    pub(super) fn again(&self) -> Self {
        Self::new(self.file, self.meter, self.start, self.gone, self.len)
    }

    /// The same window for a look at headers, which does not show on the meter.
    pub(super) fn unmetered(&self) -> Self {
        Self { meter: None, ..self.again() }
    }

    /// How many bytes at its beginning are not there.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    fn new(
        file: &'a dyn ReadAt,
        meter: Option<&'a Meter<'a>>,
        start: u64,
        gone: u64,
        len: u64,
    ) -> Self {
        let (position, buffer, buffered_at) = (0, Vec::new(), 0);
        Self { file, meter, start, gone, len, position, buffer, buffered_at }
    }

    /// What is in the buffer from the position on.
    fn buffered(&self) -> &[u8] {
        let skip = self.position.checked_sub(self.buffered_at);
        let skip = skip.and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.buffer.get(skip..)).unwrap_or_default()
    }

    fn read_file(&self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.position).unwrap_or(usize::MAX);
        let n = to.len().min(left);
        let at = self.start + (self.position - self.gone);
        let n = self.file.read_at(&mut to[..n], at)?;
        if let Some(meter) = self.meter {
            meter.advance(n as u64);
        }
        Ok(n)
    }
}

impl Read for Window<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.len || to.is_empty() {
            return Ok(0);
        }
        if self.position < self.gone {
            // A search for a zip's directory may look here: zeros are no part of one.
            let gone = usize::try_from(self.gone - self.position).unwrap_or(usize::MAX);
            let n = to.len().min(gone);
            to[..n].fill(0);
            self.position += n as u64;
            return Ok(n);
        }
        if self.buffered().is_empty() {
            if to.len() >= BUFFER {
                let n = self.read_file(to)?;
                self.position += n as u64;
                return Ok(n);
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(BUFFER, 0);
            let n = self.read_file(&mut buffer)?;
            buffer.truncate(n);
            (self.buffer, self.buffered_at) = (buffer, self.position);
        }
        let ready = self.buffered();
        let n = ready.len().min(to.len());
        to[..n].copy_from_slice(&ready[..n]);
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let position =
            position.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such place"))?;
        self.position = position;
        Ok(position)
    }
}

#[cfg(unix)]
fn read_at(file: &std::fs::File, to: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, to, at)
}

#[cfg(windows)]
fn read_at(file: &std::fs::File, to: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, to, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_what_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        fs::write_atomic(&path, &bytes).unwrap();
        let file = fs::File::open(&path).unwrap();
        let whole = Window::whole(&file, None).unwrap();
        let mut inner = whole.part(1000, 150_000).unwrap().part(500, 100_000).unwrap();
        let mut read = Vec::new();
        inner.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes[1500..101_500]);
        let mut four = [0; 4];
        for back in [-4, -70_000, -99_999] {
            inner.seek(SeekFrom::End(back)).unwrap();
            inner.read_exact(&mut four).unwrap();
            let at = (101_500 + back) as usize;
            assert_eq!(four, bytes[at..at + 4]);
        }
        assert!(whole.part(199_999, 2).is_none());
        assert!(whole.part(u64::MAX, 2).is_none());

        let mut tail = Window::tail(&file, 1_000_000).unwrap();
        tail.seek(SeekFrom::Start(999_998)).unwrap();
        tail.read_exact(&mut four).unwrap();
        assert_eq!(four, [0, 0, bytes[0], bytes[1]]);
        tail.seek(SeekFrom::Start(1_000_100)).unwrap();
        tail.read_exact(&mut four).unwrap();
        assert_eq!(four, bytes[100..104]);
        assert!(tail.part(999_999, 5).is_none());
        assert!(tail.part(1_000_000, 200_000).is_some());
    }
}
