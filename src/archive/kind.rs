//! What kind of archive a file is, by its first bytes.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

use crate::fs;

/// The size of a tar's header.
pub(super) const TAR_BLOCK: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Zip,
    Tar,
    /// 7-Zip's 7z; a tar in it is read through.
    SevenZ,
}

impl Kind {
    /// The kind of the file at `path`; `None` when it is no archive.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        Ok(Self::of_start(&start_of(path)?))
    }

    pub(super) fn of_start(start: &[u8]) -> Option<Self> {
        match start {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Self::SevenZ),
            block if is_tar_header(block) => Some(Self::Tar),
            _ => None,
        }
    }
}

/// The first bytes of a file, enough to tell its kind.
pub(super) fn start_of(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::with_capacity(TAR_BLOCK);
    fs::File::open(path)?
        .take(TAR_BLOCK as u64)
        .read_to_end(&mut start)
        .with_context(|| format!("failed to read `{}`", path.display()))?;
    Ok(start)
}

/// A tar has no magic number that all its dialects share, but every header has a checksum: the sum
/// of its bytes with the eight of the checksum itself as spaces.
pub(super) fn is_tar_header(block: &[u8]) -> bool {
    let Some(field) = block.get(148..156).filter(|_| block.len() >= TAR_BLOCK) else {
        return false;
    };
    let digits = field.iter().filter(|byte| (b'0'..=b'7').contains(byte));
    let written = digits.fold(0, |sum: u32, &digit| sum.wrapping_mul(8) + u32::from(digit - b'0'));
    let others = block[..148].iter().chain(&block[156..TAR_BLOCK]);
    let sum = others.map(|&byte| u32::from(byte)).sum::<u32>() + 8 * u32::from(b' ');
    written == sum && block[0] != 0
}

/// The name of an archive without its archive extensions: `test-jpg` for `test-jpg.tar.7z`,
/// `labels.csv` for `labels.csv.zip`.
pub fn stem(archive: &Path) -> String {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut stem = name.as_str();
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        if rest.is_empty() || !is_archive_extension(extension) {
            break;
        }
        stem = rest;
    }
    stem.to_owned()
}

/// Whether a name says that the file is an archive.
pub(super) fn is_archive_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| is_archive_extension(extension))
}

/// Whether a file's name is not that of a table, a text or an archive.
pub(super) fn is_image_name(path: &Path) -> bool {
    const OTHERS: [&str; 6] = ["csv", "tsv", "json", "txt", "md", "pdf"];
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy()) else {
        return false;
    };
    !is_archive_extension(&extension)
        && !OTHERS.iter().any(|other| extension.eq_ignore_ascii_case(other))
}

fn is_archive_extension(extension: &str) -> bool {
    ["zip", "tar", "7z"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lose_archive_extensions_only() {
        for (name, expected) in [
            ("a/train.zip", "train"),
            ("test-jpg.tar.7z", "test-jpg"),
            ("labels.csv.zip", "labels.csv"),
            ("v1.2.ZIP", "v1.2"),
            (".zip", ".zip"),
            ("plain", "plain"),
        ] {
            assert_eq!(stem(Path::new(name)), expected);
        }
    }

    #[test]
    fn zeros_are_no_tar() {
        assert_eq!(Kind::of_start(&[0; TAR_BLOCK]), None);
        assert_eq!(Kind::of_start(b"PK"), None);
        assert_eq!(Kind::of_start(b"id,breed\n"), None);
    }
}
