//! SHA-256 of files, and hashes as people read them.

use std::fmt;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::fs;
use crate::progress::Progress;

/// Read at a time.
const PIECE: usize = 256 * 1024;

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
    hash(path, &mut vec![0; PIECE])
}

/// The hashes of many files, in their order; progress counts files.
pub fn hash_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    progress: &dyn Progress,
) -> Result<Vec<Hash>> {
    progress.total(paths.len() as u64);
    paths
        .par_iter()
        .map_init(
            || vec![0; PIECE],
            |piece, path| {
                let hash = hash(path.as_ref(), piece)?;
                progress.advance(1);
                Ok(hash)
            },
        )
        .collect()
}

fn hash(path: &Path, piece: &mut [u8]) -> Result<Hash> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    loop {
        match file.read(piece).with_context(|| format!("failed to read `{}`", path.display()))? {
            0 => return Ok(hash.into()),
            n => hash.update(&piece[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_by_their_bytes_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["b", "a"].map(|name| folder.path().join(name));
        fs::write_atomic(&paths[0], "abc").unwrap();
        fs::write_atomic(&paths[1], "").unwrap();
        let hashes = hash_files(&paths, &()).unwrap();
        let hashes: Vec<String> = hashes.iter().map(Hash::to_string).collect();
        // FIPS 180-2, appendix B.1, and the well-known hash of nothing.
        assert_eq!(
            hashes,
            [
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            ]
        );
        let error = hash_files(&[folder.path().join("c")], &()).unwrap_err();
        assert!(format!("{error:#}").contains("c`"), "{error:#}");
    }
}
