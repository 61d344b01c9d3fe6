//! What tells an image file from others: its bytes, its pixels, its look.

use anyhow::Result;
use image::RgbImage;
use sha2::{Digest, Sha256};

use super::perceptual_hash::PerceptualHash;
use crate::hash::Hash;

/// The first half of a SHA-256: no two different images of a data set share one by chance.
pub(super) type HalfHash = [u8; 16];

/// What is kept of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Of the file's bytes.
    pub(super) file: Hash,
    /// Of the decoded picture: width, height, RGB.
    pub(super) pixels: HalfHash,
    /// Its width and height.
    pub(super) sides: [u32; 2],
    pub(super) look: PerceptualHash,
    /// The largest value that was stored, where values have 16 bits.
    pub(super) brightest: Option<u16>,
}

impl Fingerprint {
    pub(super) const BYTES: usize = size_of::<Self>();

    pub(super) fn of(file: Hash, image: &RgbImage, brightest: Option<u16>) -> Result<Self> {
        let sides = [image.width(), image.height()];
        let mut sha = Sha256::new();
        sha.update(sides.map(u32::to_le_bytes).as_flattened());
        sha.update(image.as_raw());
        let mut pixels = HalfHash::default();
        pixels.copy_from_slice(&sha.finalize()[..size_of::<HalfHash>()]);
        Ok(Self { file, pixels, sides, look: PerceptualHash::of(image)?, brightest })
    }
}
