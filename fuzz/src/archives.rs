//! Archives: whatever they hold, nothing lands outside the folder, and all or nothing in it.

use std::io::{Cursor, Write};
use std::path::Path;

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use kaggle_kit::archive::extract_at_most;

const MOST_BYTES: u64 = 1_000_000;
const MOST_FILES: usize = 200;

/// Unpacks a file of these bytes and looks at what is there afterwards.
pub fn unpack(name: &str, bytes: &[u8]) {
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
pub fn unpack_packed(name: &str, bytes: &[u8]) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
    writer.write_all(bytes).unwrap();
    unpack("outer.zip", &writer.finish().unwrap().into_inner());
}

/// In memory where the system has a folder for that.
fn place() -> TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { TempDir::new_in(shm) } else { TempDir::new() }.unwrap()
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

/// Makes the sums of a tar's headers right, which chance never would.
pub fn mend_tar(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

/// Makes the sums of a 7z's headers right.
pub fn mend_seven_z(bytes: &mut [u8]) {
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
