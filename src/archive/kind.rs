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
    /// One file without a directory, most often a tar.
    Packed(Packing),
}

/// How a single file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Bzip2,
    Xz,
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
            // Gzip knows one method.
            [0x1f, 0x8b, 8, ..] => Some(Self::Packed(Packing::Gzip)),
            // Its level, then the mark of a block, or that of the end where there is none.
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
            {
                Some(Self::Packed(Packing::Bzip2))
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Packed(Packing::Xz)),
            block if is_tar_header(block) => Some(Self::Tar),
            _ => None,
        }
    }
}

/// The first bytes of a file, enough to tell its kind.
pub(super) fn start_of(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::with_capacity(TAR_BLOCK);
    fs::open(path)?
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
/// `labels.csv` for `labels.csv.zip`. It is one that a file can have: `...zip` stays as it is.
pub fn stem(archive: &Path) -> String {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut stem = name.as_str();
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        if matches!(rest, "" | "." | "..") || !is_archive_extension(extension) {
            break;
        }
        stem = rest;
    }
    stem.to_owned()
}

/// Whether a name says that the file is an archive, to be unpacked where it lies in another. A single
/// packed file is one where it is a tar or a table; `scan.nii.gz` stays what it is.
pub(super) fn is_archive_name(name: &str) -> bool {
    const INSIDE: [&str; 6] = ["tar", "zip", "7z", "csv", "tsv", "json"];
    let Some((rest, extension)) = name.rsplit_once('.') else { return false };
    if is_one_of(extension, &PACKED) {
        return rest.rsplit_once('.').is_some_and(|(_, inside)| is_one_of(inside, &INSIDE));
    }
    is_archive_extension(extension)
}

/// The name of what is in a single packed file: `train.tar` for `train.tgz`, `labels.csv` for
/// `labels.csv.gz`.
pub(super) fn unpacked_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((rest, extension))
            if !matches!(rest, "" | "." | "..") && is_archive_extension(extension) =>
        {
            rest
        }
        _ => name,
    }
}

/// Whether a file's name is not that of a table, a text or an archive.
pub(super) fn is_image_name(path: &Path) -> bool {
    const OTHERS: [&str; 6] = ["csv", "tsv", "json", "txt", "md", "pdf"];
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy()) else {
        return false;
    };
    !is_archive_name(&path.to_string_lossy())
        && !OTHERS.iter().any(|other| extension.eq_ignore_ascii_case(other))
}

const WHOLE: [&str; 7] = ["zip", "tar", "7z", "tgz", "tbz", "tbz2", "txz"];
/// Of single files.
const PACKED: [&str; 3] = ["gz", "bz2", "xz"];

fn is_archive_extension(extension: &str) -> bool {
    is_one_of(extension, &WHOLE) || is_one_of(extension, &PACKED)
}

fn is_one_of(extension: &str, known: &[&str]) -> bool {
    known.iter().any(|known| extension.eq_ignore_ascii_case(known))
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
            ("train.tar.gz", "train"),
            ("train.TGZ", "train"),
            ("labels.csv.bz2", "labels.csv"),
            (".zip", ".zip"),
            // What would be left is no name of a file.
            ("...zip", "...zip"),
            ("..zip", "..zip"),
            ("...zip.tar", "...zip"),
            ("plain", "plain"),
        ] {
            assert_eq!(stem(Path::new(name)), expected);
        }
    }

    #[test]
    fn single_packed_files_are_looked_into_where_they_are_tables_or_tars() {
        for name in ["a.tar.gz", "a.TAR.XZ", "a.tgz", "a.csv.gz", "a.zip", "a.tsv.bz2"] {
            assert!(is_archive_name(name), "{name}");
        }
        for name in ["a.nii.gz", "a.gz", "a.jpg.xz", "a.csv", "gz", ".gz"] {
            assert!(!is_archive_name(name), "{name}");
        }
        for (name, inside) in
            [("a.tgz", "a"), ("a.csv.gz", "a.csv"), ("...gz", "...gz"), ("a", "a")]
        {
            assert_eq!(unpacked_name(name), inside);
        }
    }

    #[test]
    fn zeros_are_no_tar() {
        assert_eq!(Kind::of_start(&[0; TAR_BLOCK]), None);
        assert_eq!(Kind::of_start(b"PK"), None);
        assert_eq!(Kind::of_start(b"id,breed\n"), None);
    }
}
