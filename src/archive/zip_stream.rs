//! Zip archives that come out of a decoder: entry by entry, as their local headers say.
//!
//! The directory lies at the end. It is put aside and read last; what it says must agree with what
//! was unpacked. An entry whose end only the directory knows, or that is packed in another way, is
//! put aside too, with all that follows it.

use std::io::{self, BufRead, BufReader, Read};

use crc32fast::Hasher;
use flate2::bufread::DeflateDecoder;

use super::Error;
use super::budget::Charged;
use super::sink::{Content, Entry, Sink, piece};
use super::window::Window;
use super::zip_file::{self, Done, Seen};

const HEADER: usize = 30;
const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: u32 = u32::from_le_bytes(*b"PK\x07\x08");
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The sizes of an entry stand behind it.
const SIZES_FOLLOW: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const BUFFER: usize = 64 * 1024;

/// Takes every entry.
pub(super) fn entries(stream: &mut dyn Read, sink: &mut Sink) -> Result<(), Error> {
    let mut stream = Counted { inner: BufReader::with_capacity(BUFFER, stream), position: 0 };
    let (mut done, mut piece) = (Done::new(), piece());
    loop {
        let start = stream.position;
        let mut head = Vec::with_capacity(256);
        let header = Header::read(&mut stream, &mut head);
        let header = header.map_err(|error| sink.unread("its entries", &error))?;
        let Some(header) = header else {
            let aside = sink.put_aside(&head, &mut stream)?;
            return zip_file::entries(&Window::tail(&aside.file, start)?, sink, &done);
        };
        let seen = take(&header, &mut stream, done.len(), sink, &mut piece)?;
        done.insert(start, seen);
    }
}

/// Takes the entry that follows the header, and what stands behind it.
fn take<R: BufRead>(
    header: &Header,
    stream: &mut Counted<R>,
    order: usize,
    sink: &mut Sink,
    piece: &mut [u8],
) -> Result<Seen, Error> {
    let name = header.name.as_str();
    let path = if name.ends_with(['/', '\\']) {
        sink.folder(name)?;
        None
    } else {
        sink.plan(name)?
    };
    let start = stream.position;
    let limit = if header.sizes_follow { u64::MAX } else { header.packed };
    let mut packed = stream.by_ref().take(limit);
    let mut inflated;
    let content: &mut dyn Read = if header.method == DEFLATED {
        inflated = DeflateDecoder::new(&mut packed);
        &mut inflated
    } else {
        &mut packed
    };
    let mut content = Summed { inner: content, hasher: Hasher::new(), size: 0 };
    if let Some(path) = &path {
        // The size is compared below.
        sink.take(&Entry { name, path, size: None, order }, Content::Stream(&mut content), piece)?;
    } else {
        let mut charged = Charged { inner: &mut content, budget: sink.budget() };
        sink.drain(name, &mut charged)?;
    }
    let (crc, size) = (content.hasher.finalize(), content.size);
    let is_whole = if header.sizes_follow {
        let follows = Descriptor::read(stream, header.is_zip64);
        let follows = follows.map_err(|error| sink.unread(name, &error))?;
        follows.crc == crc && follows.size == size && follows.packed == follows.start - start
    } else {
        stream.position - start == header.packed && (crc, size) == (header.crc, header.size)
    };
    if !is_whole {
        return Err(sink.damaged(name, &"its checksum or its size is wrong"));
    }
    Ok(Seen { name: name.as_bytes().into(), crc, size })
}

/// What a local header says.
struct Header {
    name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    sizes_follow: bool,
    is_zip64: bool,
}

impl Header {
    /// Reads a header into `bytes`; `None` where none is, or one of an entry that cannot be read as
    /// it comes.
    fn read(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<Option<Self>> {
        stream.take(HEADER as u64).read_to_end(bytes)?;
        if bytes.len() < HEADER || bytes[..4] != SIGNATURE {
            return Ok(None);
        }
        let lengths = u64::from(u16_at(bytes, 26)) + u64::from(u16_at(bytes, 28));
        if stream.take(lengths).read_to_end(bytes)? as u64 != lengths {
            return Ok(None);
        }
        Ok(Self::parse(bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (flags, method) = (u16_at(bytes, 6), u16_at(bytes, 8));
        let (name, extra) = bytes[HEADER..].split_at_checked(usize::from(u16_at(bytes, 26)))?;
        let name = str::from_utf8(name).ok()?;
        let sizes_follow = flags & SIZES_FOLLOW != 0;
        // Encryption, patches and what not are in the other flags; an old program's names are in
        // its code page.
        if flags & !(SIZES_FOLLOW | UTF8 | 0b110) != 0 || (flags & UTF8 == 0 && !name.is_ascii()) {
            return None;
        }
        if !(method == DEFLATED || method == STORED && !sizes_follow) {
            return None;
        }
        let mut packed = u64::from(u32_at(bytes, 18));
        let mut size = u64::from(u32_at(bytes, 22));
        let zip64 = zip64(extra);
        if let Some(mut large) = zip64 {
            for value in [&mut size, &mut packed] {
                if *value == u64::from(u32::MAX) {
                    let (first, rest) = large.split_first_chunk::<8>()?;
                    *value = u64::from_le_bytes(*first);
                    large = rest;
                }
            }
        }
        Some(Self {
            name: name.to_owned(),
            method,
            crc: u32_at(bytes, 14),
            packed,
            size,
            sizes_follow,
            is_zip64: zip64.is_some(),
        })
    }
}

/// The field of large sizes.
fn zip64(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (head, rest) = extra.split_at(4);
        let (field, next) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
        if u16_at(head, 0) == 1 {
            return Some(field);
        }
        extra = next;
    }
    None
}

/// What stands behind an entry whose header did not know its sizes.
struct Descriptor {
    start: u64,
    crc: u32,
    packed: u64,
    size: u64,
}

impl Descriptor {
    fn read<R: BufRead>(stream: &mut Counted<R>, is_zip64: bool) -> io::Result<Self> {
        let start = stream.position;
        let mut four = || -> io::Result<u32> {
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes)?;
            Ok(u32::from_le_bytes(bytes))
        };
        // Its signature may be left out.
        let crc = match four()? {
            DESCRIPTOR => four()?,
            crc => crc,
        };
        let mut number = || -> io::Result<u64> {
            let low = u64::from(four()?);
            Ok(if is_zip64 { low | u64::from(four()?) << 32 } else { low })
        };
        Ok(Self { start, crc, packed: number()?, size: number()? })
    }
}

/// Counts what is read of a stream.
struct Counted<R> {
    inner: R,
    position: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.position += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.inner.consume(n);
        self.position += n as u64;
    }
}

/// Sums up what is read.
struct Summed<'a> {
    inner: &'a mut dyn Read,
    hasher: Hasher,
    size: u64,
}

impl Read for Summed<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.hasher.update(&to[..n]);
        self.size += n as u64;
        Ok(n)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
