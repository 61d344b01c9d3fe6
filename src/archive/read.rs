//! The three formats, each read entry by entry.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use sevenz_rust2::{ArchiveReader, EntryDecision, Password};
use tar::EntryType;
use zip::ZipArchive;

use super::kind::{Kind, TAR_BLOCK, is_tar_header};
use super::sink::Sink;
use super::{Error, stem};
use crate::fs;

const LINK: &str = "a link";
/// Memory that a 7z may ask for to be unpacked (its dictionary): 7-Zip's `ultra` needs 64 MB.
const MOST_MEMORY_KB: usize = 1024 * 1024;

/// Sends every entry of an archive into the sink.
pub(super) fn entries(archive: &Path, kind: Kind, sink: &mut Sink) -> Result<(), Error> {
    let file = fs::File::open(archive).map_err(anyhow::Error::from)?;
    match kind {
        Kind::Zip => zip_entries(buffered(file), sink),
        Kind::Tar => {
            sink.announce(file.metadata().map_err(anyhow::Error::from)?.len())?;
            tar_entries(buffered(file), sink)
        }
        Kind::SevenZ => seven_z_entries(buffered(file), &stem(archive), sink),
    }
}

fn buffered(file: fs::File) -> BufReader<fs::File> {
    BufReader::with_capacity(128 * 1024, file)
}

fn zip_entries<R: Read + std::io::Seek>(file: R, sink: &mut Sink) -> Result<(), Error> {
    let mut archive =
        ZipArchive::new(file).map_err(|error| sink.damaged("its directory", &error))?;
    sink.announce(archive.decompressed_size().unwrap_or(0).try_into().unwrap_or(u64::MAX))?;
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| sink.damaged(&format!("entry {}", index + 1), &error))?;
        let name = entry.name().map_err(|error| sink.damaged("a name", &error))?.into_owned();
        // The upper bits of the mode say what it is: regular, folder or nothing said.
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_symlink() || kind == 0o120_000 {
            return Err(sink.refused(&name, LINK));
        }
        if !matches!(kind, 0 | 0o040_000 | 0o100_000) {
            return Err(sink.refused(&name, "no plain file"));
        }
        if entry.is_dir() {
            sink.folder(&name)?;
        } else {
            let size = entry.size();
            sink.file(&name, Some(size), &mut entry)?;
        }
    }
    Ok(())
}

fn tar_entries(file: impl Read, sink: &mut Sink) -> Result<(), Error> {
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries().map_err(|error| sink.damaged("its start", &error))?;
    let mut last = "its start".to_owned();
    for entry in entries {
        let mut entry = entry.map_err(|error| sink.damaged(&last, &error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                sink.file(&name, Some(size), &mut entry)?;
            }
            EntryType::Directory => sink.folder(&name)?,
            EntryType::XGlobalHeader => {}
            EntryType::Symlink | EntryType::Link => return Err(sink.refused(&name, LINK)),
            _ => return Err(sink.refused(&name, "no plain file")),
        }
        last = name;
    }
    Ok(())
}

fn seven_z_entries<R: Read + std::io::Seek>(
    file: R,
    stem: &str,
    sink: &mut Sink,
) -> Result<(), Error> {
    let reader = ArchiveReader::new_with_memory_limit(file, Password::empty(), MOST_MEMORY_KB);
    let mut reader = reader.map_err(|error| sink.damaged("its directory", &error))?;
    let sizes = reader.archive().files.iter().map(sevenz_rust2::ArchiveEntry::size);
    sink.announce(sizes.fold(0, u64::saturating_add))?;
    // The reader wants errors of its own; ours waits here until it has stopped.
    let mut failed = None;
    let mut last = "its start".to_owned();
    let result = reader.for_each_entries_with_decision(|entry, content| {
        // An entry may have no name: then it is that of the archive.
        let name = if entry.name().is_empty() { stem } else { entry.name() };
        name.clone_into(&mut last);
        match seven_z_entry(entry, name, content, sink) {
            Ok(()) => Ok(EntryDecision::Continue),
            Err(error) => {
                failed = Some(error);
                Ok(EntryDecision::Stop)
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => result.map_err(|error| sink.damaged(&last, &error)),
    }
}

fn seven_z_entry(
    entry: &sevenz_rust2::ArchiveEntry,
    name: &str,
    content: &mut dyn Read,
    sink: &mut Sink,
) -> Result<(), Error> {
    const REPARSE_POINT: u32 = 0x400;
    const UNIX_MODE: u32 = 0x8000;
    let attributes = entry.windows_attributes();
    let kind = if attributes & UNIX_MODE == 0 { 0 } else { (attributes >> 16) & 0o170_000 };
    if kind == 0o120_000 || attributes & REPARSE_POINT != 0 {
        return Err(sink.refused(name, LINK));
    }
    if !matches!(kind, 0 | 0o040_000 | 0o100_000) || entry.is_anti_item() {
        return Err(sink.refused(name, "no plain file"));
    }
    if entry.is_directory() {
        return sink.folder(name);
    }
    let mut start = Vec::with_capacity(TAR_BLOCK);
    let read = (&mut *content).take(TAR_BLOCK as u64).read_to_end(&mut start);
    read.map_err(|error| sink.damaged(name, &error))?;
    let is_tar = is_tar_header(&start);
    let mut whole = Cursor::new(start).chain(content);
    if is_tar {
        // Planet's archives are a tar in a 7z: it is read as it comes out.
        return tar_entries(&mut whole, sink);
    }
    sink.file(name, Some(entry.size()), &mut whole)
}
