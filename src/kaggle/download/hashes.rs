//! The hashes that Google's storage and Hugging Face announce, over the bytes so far.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::announced::Version;
use crate::hash::Hash;

/// Hashes of the first `n` bytes, as far as `Version` has any to compare with.
#[derive(Default)]
pub(super) struct Hashes {
    pub(super) n: u64,
    md5: Md5,
    crc32c: u32,
    sha256: Sha256,
}

impl Hashes {
    pub(super) fn update(&mut self, bytes: &[u8], version: &Version) {
        if version.md5.is_some() {
            self.md5.update(bytes);
        }
        if version.crc32c.is_some() {
            self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        }
        if version.sha256.is_some() {
            self.sha256.update(bytes);
        }
        self.n += bytes.len() as u64;
    }

    /// The name of a hash that differs from the announced one.
    pub(super) fn wrong(&self, version: &Version) -> Option<&'static str> {
        let differs = |announced: &Option<String>, found: &[u8]| {
            announced.as_ref().is_some_and(|text| *text != BASE64_STANDARD.encode(found))
        };
        if differs(&version.md5, &self.md5.clone().finalize()) {
            return Some("MD5");
        }
        if differs(&version.crc32c, &self.crc32c.to_be_bytes()) {
            return Some("CRC32C");
        }
        let found = || Hash::from(self.sha256.clone()).to_string();
        version.sha256.as_ref().is_some_and(|announced| *announced != found()).then_some("SHA-256")
    }
}
