//! What tells an image file from others: its bytes, its pixels, its look.

use std::path::Path;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::perceptual_hash::PerceptualHash;
use crate::dataset::view::decode_bytes;
use crate::fs;

/// The first half of a SHA-256: no two different images of a data set share one by chance.
pub(super) type HalfHash = [u8; 16];

/// What is kept of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Of the file's bytes.
    pub(super) file: HalfHash,
    /// Of the decoded picture: width, height, RGB.
    pub(super) pixels: HalfHash,
    /// Its width and height.
    pub(super) sides: [u32; 2],
    pub(super) look: PerceptualHash,
}

impl Fingerprint {
    pub(super) const BYTES: usize = size_of::<Self>();

    pub(super) fn of(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)?;
        let image = decode_bytes(path, &bytes)?;
        let sides = [image.width(), image.height()];
        Ok(Self {
            file: hash(&[&bytes]),
            pixels: hash(&[sides.map(u32::to_le_bytes).as_flattened(), image.as_raw()]),
            sides,
            look: PerceptualHash::of(&image)?,
        })
    }
}

fn hash(parts: &[&[u8]]) -> HalfHash {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    let mut half = HalfHash::default();
    half.copy_from_slice(&sha.finalize()[..size_of::<HalfHash>()]);
    half
}
