//! A stored object: where its bytes are, the headers that describe it, and the parts of it that
//! are asked for.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

use kaggle_kit::hash::Hex;

/// Bytes in storage.
pub(crate) struct Blob {
    source: Source,
    /// How many bytes.
    pub(crate) length: u64,
    /// Of a zip, the first time stamp in it can change.
    is_zip: bool,
    is_changed: AtomicBool,
    /// Before and after the change.
    hashes: [OnceLock<Hashes>; 2],
}

#[derive(Clone)]
enum Source {
    Memory(Bytes),
    /// A file, and where in it the object starts.
    File(Arc<File>, u64),
}

/// An object's hashes, in the spelling of the headers.
pub(crate) struct Hashes {
    /// The MD5 in hexadecimal digits and quotes.
    pub(crate) etag: String,
    /// `crc32c=..,md5=..`, both base64.
    pub(crate) goog: String,
}

impl Blob {
    /// Where a zip keeps the time of its first entry: a bit there changes no content.
    const TIME_IN_ZIP: u64 = 10;

    /// One in memory.
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let is_zip = bytes.starts_with(b"PK\x03\x04");
        Self::of(Source::Memory(bytes), length, is_zip)
    }

    /// A part of a file on disk.
    pub(crate) fn in_file(file: Arc<File>, start: u64, length: u64, is_zip: bool) -> Self {
        Self::of(Source::File(file, start), length, is_zip)
    }

    fn of(source: Source, length: u64, is_zip: bool) -> Self {
        Self { source, length, is_zip, is_changed: false.into(), hashes: Default::default() }
    }

    /// Another file takes this one's place, of the same length.
    pub(crate) fn change(&self) {
        self.is_changed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.is_changed.load(Ordering::Relaxed)
    }

    /// The bytes from the first to before the last.
    pub(crate) fn part(&self, start: u64, end: u64) -> BlobSlice {
        let flipped = (self.is_zip && self.is_changed()).then_some(Self::TIME_IN_ZIP);
        BlobSlice { source: self.source.clone(), at: start, end, flipped: [flipped, None] }
    }

    /// Computed when first asked for.
    pub(crate) fn hashes(&self) -> io::Result<&Hashes> {
        let slot = &self.hashes[usize::from(self.is_changed())];
        if let Some(hashes) = slot.get() {
            return Ok(hashes);
        }
        let (mut md5, mut crc32c) = (Md5::new(), 0);
        let mut part = self.part(0, self.length);
        while let Some(piece) = part.next(BlobSlice::MOST)? {
            md5.update(&piece);
            crc32c = crc32c::crc32c_append(crc32c, &piece);
        }
        Ok(slot.get_or_init(|| Hashes::new(&md5.finalize(), crc32c, self.is_changed())))
    }
}

impl Hashes {
    fn new(md5: &[u8], crc32c: u32, is_changed: bool) -> Self {
        let etag = format!("\"{}{}\"", Hex(md5), if is_changed { "-2" } else { "" });
        let crc32c = BASE64_STANDARD.encode(crc32c.to_be_bytes());
        Self { etag, goog: format!("crc32c={crc32c},md5={}", BASE64_STANDARD.encode(md5)) }
    }

    /// The hashes of nothing, where those of something are due.
    pub(crate) fn wrong() -> String {
        Self::new(&Md5::digest(b""), crc32c::crc32c(b""), false).goog
    }
}

/// A part of an object that is read piece by piece.
pub(crate) struct BlobSlice {
    source: Source,
    at: u64,
    end: u64,
    /// Where a bit is another one.
    flipped: [Option<u64>; 2],
}

impl BlobSlice {
    /// As much as is held in memory for one download.
    pub(crate) const MOST: usize = 256 << 10;

    pub(crate) fn length(&self) -> u64 {
        self.end - self.at
    }

    /// A bit in the middle becomes another one.
    pub(crate) fn damage(&mut self) {
        self.flipped[1] = Some(self.at + self.length() / 2);
    }

    /// No more than the first so many bytes.
    pub(crate) fn shorten(&mut self, length: u64) {
        self.end = self.end.min(self.at.saturating_add(length));
    }

    /// The next bytes, no more than so many; none at the end.
    pub(crate) fn next(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        let n = self.length().min(most as u64) as usize;
        if n == 0 {
            return Ok(None);
        }
        let here = self.at..self.at + n as u64;
        let mut piece = match &self.source {
            Source::Memory(bytes) => bytes.slice(here.start as usize..here.end as usize),
            Source::File(file, start) => {
                let mut buffer = vec![0; n];
                read_exact_at(file, &mut buffer, start + here.start)?;
                buffer.into()
            }
        };
        for at in self.flipped.into_iter().flatten().filter(|at| here.contains(at)) {
            let mut bytes = piece.to_vec();
            bytes[(at - here.start) as usize] ^= 1;
            piece = bytes.into();
        }
        self.at = here.end;
        Ok(Some(piece))
    }
}

/// Several downloads read the same file at once, so none of them may move its position.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        #[cfg(unix)]
        let n = std::os::unix::fs::FileExt::read_at(file, buffer, offset)?;
        #[cfg(windows)]
        let n = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[n..];
        offset += n as u64;
    }
    Ok(())
}

/// Likewise for uploads.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        #[cfg(unix)]
        let n = std::os::unix::fs::FileExt::write_at(file, bytes, offset)?;
        #[cfg(windows)]
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if n == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        bytes = &bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

/// What a `Range` header asks for of `length` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No range, or one in a form that is passed over, as RFC 9110 allows.
    All,
    /// From the first to before the last.
    Part(u64, u64),
    /// Nothing that is there.
    Beyond,
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
pub(crate) fn wanted(range: Option<&str>, length: u64) -> Wanted {
    let Some((first, last)) =
        range.and_then(|range| range.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Wanted::All;
    };
    let end = match (first.is_empty(), last) {
        (false, "") => Some(length),
        (false, last) => last.parse().ok().map(|last: u64| last.saturating_add(1).min(length)),
        (true, last) => {
            return match last.parse::<u64>() {
                Ok(0) => Wanted::Beyond,
                Ok(n) => Wanted::Part(length.saturating_sub(n), length),
                Err(_) => Wanted::All,
            };
        }
    };
    match (first.parse::<u64>(), end) {
        (Ok(start), Some(end)) if start < end => Wanted::Part(start, end),
        (Ok(start), Some(_)) if start >= length => Wanted::Beyond,
        _ => Wanted::All,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        for (range, part) in [
            (Some("bytes=0-9"), Wanted::Part(0, 10)),
            (Some("bytes=90-"), Wanted::Part(90, 100)),
            (Some("bytes=-10"), Wanted::Part(90, 100)),
            (Some("bytes=50-1000"), Wanted::Part(50, 100)),
            (Some("bytes=100-"), Wanted::Beyond),
            (Some("bytes=-0"), Wanted::Beyond),
            (Some("bytes=9-0"), Wanted::All),
            (Some("bytes=0-1,5-6"), Wanted::All),
            (Some("lines=1-2"), Wanted::All),
            (None, Wanted::All),
        ] {
            assert_eq!(wanted(range, 100), part, "{range:?}");
        }
    }

    #[test]
    fn hashes_are_spelled_as_google_does() {
        // echo -n 123456789 | md5sum; the CRC-32C of the same is e3069283 (RFC 3720, B.4's check).
        let blob = Blob::new("123456789");
        let hashes = blob.hashes().unwrap();
        assert_eq!(hashes.etag, "\"25f9e794323b453885f5181f1b624d0b\"");
        assert_eq!(hashes.goog, "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
    }

    #[test]
    fn a_part_of_a_file_reads_as_one_of_memory() {
        let bytes = b"PK\x03\x04 and more that is no zip".to_vec();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before it").unwrap();
        file.write_all(&bytes).unwrap();
        let length = bytes.len() as u64;
        let stored = Blob::in_file(Arc::new(file), 9, length, true);
        let blob = Blob::new(bytes.clone());
        let read = |blob: &Blob, start, end| {
            let mut part = blob.part(start, end);
            let mut all = Vec::new();
            while let Some(piece) = part.next(4).unwrap() {
                all.extend_from_slice(&piece);
            }
            all
        };
        assert_eq!(read(&stored, 3, 20), bytes[3..20]);
        let etag = stored.hashes().unwrap().etag.clone();
        assert_eq!(etag, blob.hashes().unwrap().etag);
        for one in [&stored, &blob] {
            one.change();
            let changed = read(one, 0, length);
            assert_eq!((changed[10], &changed[11..]), (bytes[10] ^ 1, &bytes[11..]));
            assert_ne!(one.hashes().unwrap().etag, etag);
        }
    }
}
