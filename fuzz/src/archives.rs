//! Archives: whatever they hold, nothing lands outside the folder, and all or nothing in it.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use kaggle_kit::archive::extract_at_most;

use super::place;

const MOST_BYTES: u64 = 1_000_000;
const MOST_FILES: usize = 200;

/// A zip, in a file or out of a decoder.
pub(super) fn check_zip(how: u8, bytes: &[u8]) {
    unpack_as(how, "a.zip", bytes);
}

/// A tar, likewise.
pub(super) fn check_tar(how: u8, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    mend_tar(&mut bytes);
    unpack_as(how, "a.tar", &bytes);
}

/// A 7z, likewise.
pub(super) fn check_seven_z(how: u8, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    mend_seven_z(&mut bytes);
    unpack_as(how, "a.7z", &bytes);
}

fn unpack_as(how: u8, name: &str, bytes: &[u8]) {
    if how & 1 == 0 { unpack(name, bytes) } else { unpack_packed(name, bytes) }
}

/// Unpacks a file of these bytes and looks at what is there afterwards.
fn unpack(name: &str, bytes: &[u8]) {
    let place = place();
    let archive = place.path().join(name);
    std::fs::write(&archive, bytes).unwrap();
    let data = place.path().join("data");
    let result = extract_at_most(MOST_BYTES, MOST_FILES, &archive, &data, &());
    let around: Vec<_> = std::fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|found| found != name && found != "data")
        .collect();
    assert!(around.is_empty(), "beside the folder: {around:?}");
    let (mut n_files, mut n_bytes) = (0, 0);
    if data.exists() {
        assert!(!data.join(".unpacking").exists(), "the staging folder is left");
        count(&data, &mut n_files, &mut n_bytes);
    }
    match result {
        // Of files that archives inside have in common, the last one stays.
        Ok(n) => assert!(n_files <= n && n <= MOST_FILES, "{n_files} files of {n}"),
        Err(error) => {
            assert_eq!(n_files, 0, "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
    assert!(n_bytes <= MOST_BYTES, "{n_bytes} bytes");
}

/// The same bytes as an archive in a packed zip: they come out of a decoder.
fn unpack_packed(name: &str, bytes: &[u8]) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
    writer.write_all(bytes).unwrap();
    unpack("outer.zip", &writer.finish().unwrap().into_inner());
}

fn count(folder: &Path, n_files: &mut usize, n_bytes: &mut u64) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        assert!(kind.is_dir() || kind.is_file(), "neither file nor folder");
        if kind.is_dir() {
            count(&entry.path(), n_files, n_bytes);
        } else {
            *n_files += 1;
            *n_bytes += entry.metadata().unwrap().len();
        }
    }
}

/// The ends of names that packed files have.
const ENDS: [&str; 3] = ["gz", "bz2", "xz"];

/// Unpacks what begins as a packed file: of a table, of a tar, or out of a decoder.
pub(super) fn check_packed(which: u8, bytes: &[u8]) {
    let end = ENDS[usize::from(which) % ENDS.len()];
    let name = if which & 0x80 == 0 { format!("a.csv.{end}") } else { format!("a.tar.{end}") };
    let mut bytes = bytes.to_vec();
    if end == "xz" {
        mend_xz(&mut bytes);
    }
    if which & 0x40 == 0 { unpack(&name, &bytes) } else { unpack_packed(&name, &bytes) }
}

/// Makes the sums of an xz's headers right: those of the stream, of its first block, and of its end.
fn mend_xz(bytes: &mut [u8]) {
    fn mend(bytes: &mut [u8], from: usize, to: usize, at: usize) {
        let Some(sum) = bytes.get(from..to).map(crc32fast::hash) else { return };
        if let Some(place) = bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
    }
    mend(bytes, 6, 8, 8);
    let block = bytes.get(12).map_or(0, |&size| (usize::from(size) + 1) * 4);
    if block > 4 {
        mend(bytes, 12, 8 + block, 8 + block);
    }
    let end = bytes.len();
    if let Some(footer) = end.checked_sub(12) {
        mend(bytes, footer + 4, footer + 10, footer);
        let size = bytes[footer + 4..footer + 8].try_into().map_or(0, u32::from_le_bytes);
        let size = (size as usize).saturating_add(1).saturating_mul(4);
        if let Some(index) = footer.checked_sub(size) {
            mend(bytes, index, footer - 4, footer - 4);
        }
    }
}

/// Makes the sums of a tar's headers right, which chance never would.
fn mend_tar(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

/// Makes the sums of a 7z's headers right.
fn mend_seven_z(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize| {
        let field = bytes.get(at..at + 8)?;
        usize::try_from(u64::from_le_bytes(field.try_into().ok()?)).ok()
    };
    let range = number(bytes, 12).zip(number(bytes, 20)).and_then(|(offset, length)| {
        let start = 32_usize.checked_add(offset)?;
        Some(start..start.checked_add(length)?)
    });
    let Some(header) = range.and_then(|range| bytes.get(range)) else { return };
    let sum = crc32fast::hash(header);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
    let sum = crc32fast::hash(&bytes[12..32]);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
}
