//! Zip archives that can be read in any order: by their directory, several entries at a time.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use zip::read::{ArchiveOffset, Config, ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::sink::{Content, Entry, Sink, piece};
use super::window::Window;
use super::{Error, Kind, LINK, NO_PLAIN_FILE, called, names, pieces};
use crate::fs;

/// Neighbours are unpacked by one thread, which so reads the file in order.
const NEIGHBOURS: usize = 16;

/// Entries that were unpacked before the directory could be read, by where their headers start.
pub(super) type Done = HashMap<u64, Seen>;

/// What the header of an entry says.
#[derive(PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: Box<[u8]>,
    pub(super) crc: u32,
    pub(super) size: u64,
}

/// Takes every entry that is not done. Entries whose headers are gone must be done, and the
/// directory must list all that are, with the same names and sums.
pub(super) fn entries(window: &Window, sink: &mut Sink, done: &Done) -> Result<(), Error> {
    let archive_offset = match window.gone() {
        0 => ArchiveOffset::Detect,
        _ => ArchiveOffset::Known(0),
    };
    let archive = ZipArchive::with_config(Config { archive_offset }, window.unmetered())
        .map_err(|error| failed(sink, "its directory", error))?;
    let wanted = plan(&archive, window, sink, done)?;
    let sink = &*sink;
    wanted.par_chunks(NEIGHBOURS).try_for_each_init(
        || (window.again(), piece()),
        |(window, piece), chunk| {
            chunk.iter().try_for_each(|&index| take(&archive, index, window, sink, piece))
        },
    )
}

/// How many bytes the files of a zip have by its directory; `None` for anything else, and for
/// one in several files.
pub fn zipped_size(path: &Path) -> anyhow::Result<Option<u64>> {
    if pieces::head(path).is_some() || Kind::of(path)? != Some(Kind::Zip) {
        return Ok(None);
    }
    let file = fs::open(path)?;
    let config = Config { archive_offset: ArchiveOffset::Detect };
    let failed = || format!("`{}` is damaged at its directory", path.display());
    let archive =
        ZipArchive::with_config(config, Window::whole(&file, None)?).with_context(failed)?;
    let sizes = (0..archive.len()).map(|index| Ok(archive.by_index_data(index)?.size()));
    let sizes = sizes.collect::<Result<Vec<u64>, ZipError>>().with_context(failed)?;
    Ok(Some(sizes.into_iter().fold(0, u64::saturating_add)))
}

/// Checks every name, and counts, before a byte is written; lists the entries to take.
fn plan(
    archive: &ZipArchive<Window>,
    window: &Window,
    sink: &mut Sink,
    done: &Done,
) -> Result<Vec<u32>, Error> {
    if archive.has_duplicate_names() {
        let name = twice(archive, window).unwrap_or_else(|| "an entry".to_owned());
        return Err(sink.refused(&name, names::TWICE));
    }
    let (mut wanted, mut n_done) = (Vec::new(), 0);
    let (mut bytes, mut on_disk) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index);
        let entry = entry.map_err(|error| failed(sink, "its directory", error))?;
        let name = entry.name().map_err(|error| failed(sink, "a name", error))?.into_owned();
        // The upper bits of the mode say what it is: regular, folder or nothing said.
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_symlink() || kind == 0o120_000 {
            return Err(sink.refused(&name, LINK));
        }
        if !matches!(kind, 0 | 0o040_000 | 0o100_000) {
            return Err(sink.refused(&name, NO_PLAIN_FILE));
        }
        if let Some(seen) = done.get(&entry.header_start()) {
            if *seen != seen_as(&entry) {
                return Err(sink.damaged(&name, &"its directory says something else"));
            }
            n_done += 1;
        } else if entry.header_start() < window.gone() {
            return Err(sink.damaged(&name, &"its directory says something else"));
        } else if entry.is_dir() {
            sink.folder(&name)?;
        } else if sink.plan(&name)?.is_some() {
            check_readable(&entry, &name, sink)?;
            bytes = bytes.saturating_add(entry.size());
            if !called::is_archive_name(&name) {
                on_disk = on_disk.saturating_add(entry.size());
            }
            wanted.push(index as u32);
        }
    }
    if n_done != done.len() {
        return Err(sink.damaged("its directory", &"it does not list every entry once"));
    }
    sink.announce(bytes, on_disk)?;
    Ok(wanted)
}

/// The first name that the directory has a second time, as it stands there: the crate keeps one entry a
/// name.
fn twice(archive: &ZipArchive<Window>, window: &Window) -> Option<String> {
    let mut directory = window.unmetered();
    directory.seek(SeekFrom::Start(archive.central_directory_start())).ok()?;
    let mut seen = HashSet::new();
    loop {
        let mut head = [0; 46];
        directory.read_exact(&mut head).ok().filter(|()| head.starts_with(b"PK\x01\x02"))?;
        let length = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let (name, rest) = (length(28), length(30) + length(32));
        let mut bytes = vec![0; name + rest];
        directory.read_exact(&mut bytes).ok()?;
        bytes.truncate(name);
        if seen.contains(&bytes) {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        seen.insert(bytes);
    }
}

/// Says before anything is unpacked what cannot be.
fn check_readable(entry: &ZipFileEntry, name: &str, sink: &Sink) -> Result<(), Error> {
    let reason = match entry.compression() {
        _ if entry.encrypted() => format!("`{name}` is encrypted"),
        CompressionMethod::Stored | CompressionMethod::Deflated => return Ok(()),
        method => format!("`{name}` is packed by {}, not by deflate", name_of(method)),
    };
    Err(Error::unsupported(&sink.archive, reason))
}

fn name_of(method: CompressionMethod) -> String {
    let known = match method {
        CompressionMethod::DEFLATE64 => "Deflate64, as Windows packs large files",
        CompressionMethod::BZIP2 => "bzip2",
        CompressionMethod::LZMA => "LZMA",
        CompressionMethod::ZSTD => "Zstandard",
        CompressionMethod::XZ => "xz",
        CompressionMethod::PPMD => "PPMd",
        method => return format!("a rare method ({method:?})"),
    };
    known.to_owned()
}

fn seen_as(entry: &ZipFileEntry) -> Seen {
    Seen { name: entry.name_raw().into(), crc: entry.crc32(), size: entry.size() }
}

fn take(
    archive: &ZipArchive<Window>,
    index: u32,
    window: &mut Window,
    sink: &Sink,
    piece: &mut [u8],
) -> Result<(), Error> {
    let order = index as usize;
    let entry = archive.by_index_data(order);
    let entry = entry.map_err(|error| failed(sink, "its directory", error))?;
    let name = entry.name().map_err(|error| failed(sink, "a name", error))?.into_owned();
    let path = sink.safe(&name)?;
    let planned = Entry { name: &name, path: &path, size: Some(entry.size()), order };
    let other = window.again();
    let mut content = entry
        .with_reader(window, ZipReadOptions::new())
        .map_err(|error| failed(sink, &name, error))?;
    let is_stored = content.compression() == CompressionMethod::Stored
        && !content.encrypted()
        && content.compressed_size() == content.size();
    if is_stored && called::is_archive_name(&name) {
        // Read in place. Its checksum is left aside: the entries in it have checksums of their own.
        let start = content.data_start().unwrap_or(u64::MAX);
        let part = other.part(start, content.size());
        let part = part.ok_or_else(|| sink.damaged(&name, &"it is cut off"))?;
        return sink.take(&planned, Content::Part(part), piece);
    }
    sink.take(&planned, Content::Stream(&mut content), piece)
}

fn failed(sink: &Sink, entry: &str, error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(reason) => {
            Error::unsupported(&sink.archive, format!("`{entry}`: {}", reason.to_lowercase()))
        }
        error => sink.damaged(entry, &error),
    }
}
