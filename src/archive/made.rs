//! Archives made in memory, for tests, the fuzz targets' seeds and the benches.

#![allow(clippy::unwrap_used, reason = "for tests")]

use std::io::{Cursor, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Entries of an archive: names and contents; a name that ends in `/` is a folder.
pub type Entries<'a> = &'a [(&'a str, &'a [u8])];

/// A zip with its sizes in front of the entries.
pub fn zip_of(method: CompressionMethod, entries: Entries) -> Vec<u8> {
    write_zip(ZipWriter::new(Cursor::new(Vec::new())), method, entries).into_inner()
}

/// A zip whose sizes stand behind the entries, as programs write it that cannot go back.
pub fn piped_zip(method: CompressionMethod, entries: Entries) -> Vec<u8> {
    write_zip(ZipWriter::new_stream(Vec::new()), method, entries).into_inner()
}

fn write_zip<W: Write + Seek>(
    mut writer: ZipWriter<W>,
    method: CompressionMethod,
    entries: Entries,
) -> W {
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in entries {
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap()
}

/// A tar; names are written as they are, so that bad ones can be made.
pub fn tar(entries: Entries) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        let folder = name.ends_with('/');
        header.set_entry_type(if folder {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Bytes that do not pack (xorshift).
pub fn noise(n: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(n).collect()
}
