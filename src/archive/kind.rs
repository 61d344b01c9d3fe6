//! What kind of archive a file is, by its first bytes.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

use super::pieces;
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
    /// The kind of the file at `path`; `None` when it is no archive. Of one in several files it is that of
    /// the file that stands for all.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        match pieces::head(path) {
            Some(head) if head != path => Ok(None),
            Some(_) if pieces::is_last_disk(path) => Ok(Some(Self::Zip)),
            Some(_) => {
                let first = pieces::pieces(path).ok().and_then(|pieces| pieces.into_iter().next());
                Ok(Self::of_start(&start_of(first.as_deref().unwrap_or(path))?))
            }
            None => Ok(Self::of_start(&start_of(path)?)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_no_tar() {
        assert_eq!(Kind::of_start(&[0; TAR_BLOCK]), None);
        assert_eq!(Kind::of_start(b"PK"), None);
        assert_eq!(Kind::of_start(b"id,breed\n"), None);
    }
}
