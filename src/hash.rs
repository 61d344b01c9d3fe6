//! SHA-256 of files, and hashes as people read them.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::fs;

/// Read at a time.
pub const PIECE: usize = 256 * 1024;

/// A SHA-256; displayed in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl From<Sha256> for Hash {
    fn from(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))
    }
}

/// Bytes, displayed as two lower-case hexadecimal digits each.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of a file's bytes.
pub fn hash_file(path: &Path) -> Result<Hash> {
    let mut file = fs::open(path)?;
    hash_reader(&mut file, &mut vec![0; PIECE], |_| ())
        .with_context(|| format!("failed to read `{}`", path.display()))
}

/// The hash of all that is left to read; `piece` is room to read into, and `seen` is told how many bytes
/// came each time.
pub fn hash_reader(
    reader: &mut impl Read,
    piece: &mut [u8],
    mut seen: impl FnMut(usize),
) -> io::Result<Hash> {
    let mut hash = Sha256::new();
    loop {
        match reader.read(piece)? {
            0 => return Ok(hash.into()),
            n => {
                hash.update(&piece[..n]);
                seen(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_by_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // FIPS 180-2, appendix B.1, and the well-known hash of nothing.
        for (text, expected) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ] {
            fs::write_atomic(&path, text).unwrap();
            assert_eq!(hash_file(&path).unwrap().to_string(), expected);
        }
        let error = hash_file(&folder.path().join("c")).unwrap_err();
        assert!(format!("{error:#}").contains("c`"), "{error:#}");
    }
}
