//! The directory of a zip over several disks, as one on a single disk has it: each entry says on which disk
//! it begins and where there; read as one file, it is a place in all of them
//! (APPNOTE.TXT 4.3.12 to 4.3.16, 4.5.3).

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Error;
use super::volumes::Volumes;
use crate::fs;

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const LARGE_END: [u8; 4] = *b"PK\x06\x06";
const LARGE_END_BYTES: usize = 56;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// The end may have a comment behind it.
const TAIL: u64 = (END_BYTES + LOCATOR_BYTES + u16::MAX as usize) as u64;
/// The extra field of sizes and places above four gigabytes.
const LARGE: u16 = 1;
/// No directory is larger: five million entries with long names.
const MOST_BYTES: u64 = 1 << 30;

/// Whether a file ends as the last of several disks does.
pub(super) fn is_last(zip: &Path) -> bool {
    let tail = || -> Result<Vec<u8>> {
        let mut file = fs::open(zip)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        Ok(tail)
    };
    tail().is_ok_and(|tail| end_in(&tail).is_some_and(|(_, end)| two(&end, 4) > 0))
}

/// The directory and what ends it, to stand behind all files.
pub(super) fn directory(volumes: &Volumes, archive: &Path) -> Result<Vec<u8>, Error> {
    let damaged =
        |error: anyhow::Error| Error::damaged(archive, "its directory", &format!("{error:#}"));
    let end = End::read(volumes).map_err(damaged)?;
    if end.disks > volumes.n_files() as u64 {
        let number = format!("z{:02}", volumes.n_files());
        return Err(Error::missing(archive, &archive.with_extension(number)));
    }
    rewritten(volumes, &end).map_err(damaged)
}

/// What the end of the last disk says.
struct End {
    disks: u64,
    entries: u64,
    /// The first disk with the directory on it, and where there.
    disk: u64,
    offset: u64,
    bytes: u64,
}

impl End {
    fn read(volumes: &Volumes) -> Result<Self> {
        let tail = volumes.tail(TAIL)?;
        let (at, end) = end_in(&tail).context("it has no end")?;
        let small = Self {
            disks: u64::from(two(&end, 4)) + 1,
            entries: two(&end, 10).into(),
            disk: two(&end, 6).into(),
            offset: four(&end, 16).into(),
            bytes: four(&end, 12).into(),
        };
        let locator = at.checked_sub(LOCATOR_BYTES).and_then(|at| tail.get(at..at + LOCATOR_BYTES));
        let Some(locator) = locator.filter(|locator| locator.starts_with(&LOCATOR)) else {
            return Ok(small);
        };
        let disks = u64::from(four(locator, 16));
        if disks > volumes.n_files() as u64 {
            // The large end is on one that is missing.
            return Ok(Self { disks, ..small });
        }
        let place = volumes.place(four(locator, 4) as usize, eight(locator, 8));
        let mut large = [0; LARGE_END_BYTES];
        volumes.read_exact_at(&mut large, place.context("its end lies on no disk")?)?;
        ensure!(large.starts_with(&LARGE_END), "it has no end");
        Ok(Self {
            disks,
            entries: eight(&large, 32),
            disk: four(&large, 20).into(),
            offset: eight(&large, 48),
            bytes: eight(&large, 40),
        })
    }
}

/// The last end of a directory in some bytes, and where it is.
fn end_in(tail: &[u8]) -> Option<(usize, [u8; END_BYTES])> {
    let at = tail.windows(END_BYTES).rposition(|end| end.starts_with(&END))?;
    Some((at, *tail[at..].first_chunk()?))
}

fn rewritten(volumes: &Volumes, end: &End) -> Result<Vec<u8>> {
    let start = volumes.place(usize::try_from(end.disk)?, end.offset);
    let start = start.context("it lies on no disk")?;
    ensure!(end.bytes <= MOST_BYTES.min(volumes.len()), "it is too long");
    let mut old = vec![0; end.bytes as usize];
    volumes.read_exact_at(&mut old, start)?;
    let mut new = Vec::with_capacity(old.len() + END_BYTES);
    let mut rest = old.as_slice();
    for _ in 0..end.entries {
        rest = entry(rest, volumes, &mut new)?;
    }
    let (from, bytes) = (volumes.len(), new.len() as u64);
    // What the small end cannot say is in a large one, which is there only then: readers look for the
    // directory right in front of the end.
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let entries = u16::try_from(end.entries).unwrap_or(u16::MAX);
    if entries == u16::MAX || small(bytes) == u32::MAX || small(from) == u32::MAX {
        let large_end = from + bytes;
        new.extend(LARGE_END);
        new.extend((LARGE_END_BYTES as u64 - 12).to_le_bytes());
        new.extend([45, 0, 45, 0]);
        new.extend([0; 8]);
        for number in [end.entries, end.entries, bytes, from] {
            new.extend(number.to_le_bytes());
        }
        new.extend(LOCATOR);
        new.extend([0; 4]);
        new.extend(large_end.to_le_bytes());
        new.extend(1_u32.to_le_bytes());
    }
    let (entries, bytes, from) =
        (entries.to_le_bytes(), small(bytes).to_le_bytes(), small(from).to_le_bytes());
    new.extend(END);
    new.extend([0; 4]);
    new.extend([entries, entries].concat());
    new.extend([bytes, from].concat());
    new.extend([0; 2]);
    Ok(new)
}

/// Writes one entry with its place in all files; gives what follows it.
fn entry<'a>(bytes: &'a [u8], volumes: &Volumes, new: &mut Vec<u8>) -> Result<&'a [u8]> {
    let head: &[u8; ENTRY_BYTES] = bytes.first_chunk().context("it is cut off")?;
    ensure!(head.starts_with(&ENTRY), "an entry is damaged");
    let lengths = [28, 30, 32].map(|at| usize::from(two(head, at)));
    let end = ENTRY_BYTES + lengths.iter().sum::<usize>();
    let (whole, rest) = bytes.split_at_checked(end).context("it is cut off")?;
    let (name, whole) = whole[ENTRY_BYTES..].split_at(lengths[0]);
    let (extra, comment) = whole.split_at(lengths[1]);
    let Extra { large, others } = Extra::of(extra)?;
    // A large field holds what is too large, in this order: size, packed size, offset, disk.
    let mut large = large;
    let mut is = |at: usize, all: bool| {
        if all { large_number(&mut large) } else { Ok(four(head, at).into()) }
    };
    let size = is(24, four(head, 24) == u32::MAX)?;
    let packed = is(20, four(head, 20) == u32::MAX)?;
    let offset = is(42, four(head, 42) == u32::MAX)?;
    let disk = match two(head, 34) {
        u16::MAX => large.first_chunk().map_or(u64::MAX, |disk| u32::from_le_bytes(*disk).into()),
        disk => disk.into(),
    };
    let place = usize::try_from(disk).ok().and_then(|disk| volumes.place(disk, offset));
    let place = place.context("an entry lies on no disk")?;
    let mut head = *head;
    let mut numbers = Vec::new();
    for (at, number) in [(24, size), (20, packed), (42, place)] {
        let small = u32::try_from(number).ok().filter(|small| *small != u32::MAX);
        head[at..at + 4].copy_from_slice(&small.unwrap_or(u32::MAX).to_le_bytes());
        if small.is_none() {
            numbers.extend(number.to_le_bytes());
        }
    }
    head[34..36].fill(0);
    let mut extra = others;
    if !numbers.is_empty() {
        extra.extend(LARGE.to_le_bytes());
        extra.extend((numbers.len() as u16).to_le_bytes());
        extra.extend(numbers);
    }
    head[30..32].copy_from_slice(&u16::try_from(extra.len())?.to_le_bytes());
    new.extend(head);
    new.extend([name, &extra, comment].concat());
    Ok(rest)
}

/// The extra fields of an entry: what is in that of large numbers, and the others as they are.
struct Extra<'a> {
    large: &'a [u8],
    others: Vec<u8>,
}

impl<'a> Extra<'a> {
    fn of(mut bytes: &'a [u8]) -> Result<Self> {
        let mut extra = Self { large: &[], others: Vec::new() };
        while bytes.len() >= 4 {
            let length = 4 + usize::from(two(bytes, 2));
            let (field, rest) = bytes.split_at_checked(length).context("an entry is damaged")?;
            if two(field, 0) == LARGE {
                extra.large = &field[4..];
            } else {
                extra.others.extend(field);
            }
            bytes = rest;
        }
        Ok(extra)
    }
}

fn large_number(large: &mut &[u8]) -> Result<u64> {
    let (number, rest) = large.split_first_chunk::<8>().context("an entry is damaged")?;
    *large = rest;
    Ok(u64::from_le_bytes(*number))
}

fn two(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn four(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn eight(bytes: &[u8], at: usize) -> u64 {
    u64::from(four(bytes, at)) | u64::from(four(bytes, at + 4)) << 32
}
