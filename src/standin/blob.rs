//! A stored object: its bytes, the headers that describe it, and the parts that are asked for.

use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

/// Bytes in storage.
pub(super) struct Blob {
    pub(super) bytes: Bytes,
    hashes: OnceLock<Hashes>,
}

/// An object's hashes, in the spelling of the headers.
pub(super) struct Hashes {
    /// The MD5 in hexadecimal digits and quotes.
    pub(super) etag: String,
    /// `crc32c=..,md5=..`, both base64.
    pub(super) goog: String,
}

impl Blob {
    pub(super) fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), hashes: OnceLock::new() }
    }

    /// Computed when first asked for.
    pub(super) fn hashes(&self) -> &Hashes {
        self.hashes.get_or_init(|| {
            let md5 = Md5::digest(&self.bytes);
            let mut etag = String::from("\"");
            for byte in &md5 {
                let _ = write!(etag, "{byte:02x}");
            }
            etag.push('"');
            let crc32c = BASE64_STANDARD.encode(crc32c::crc32c(&self.bytes).to_be_bytes());
            Hashes { etag, goog: format!("crc32c={crc32c},md5={}", BASE64_STANDARD.encode(md5)) }
        })
    }
}

/// What a `Range` header asks for of `length` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No range, or one in a form that is passed over, as RFC 9110 allows.
    All,
    /// From the first to before the last.
    Part(usize, usize),
    /// Nothing that is there.
    Beyond,
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
pub(super) fn wanted(range: Option<&str>, length: usize) -> Wanted {
    let Some((first, last)) =
        range.and_then(|range| range.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Wanted::All;
    };
    let end = match (first.is_empty(), last) {
        (false, "") => Some(length),
        (false, last) => last.parse().ok().map(|last: usize| last.saturating_add(1).min(length)),
        (true, last) => {
            return match last.parse::<usize>() {
                Ok(0) => Wanted::Beyond,
                Ok(n) => Wanted::Part(length.saturating_sub(n), length),
                Err(_) => Wanted::All,
            };
        }
    };
    match (first.parse::<usize>(), end) {
        (Ok(start), Some(end)) if start < end => Wanted::Part(start, end),
        (Ok(start), Some(_)) if start >= length => Wanted::Beyond,
        _ => Wanted::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        for (range, part) in [
            (Some("bytes=0-9"), Wanted::Part(0, 10)),
            (Some("bytes=90-"), Wanted::Part(90, 100)),
            (Some("bytes=-10"), Wanted::Part(90, 100)),
            (Some("bytes=50-1000"), Wanted::Part(50, 100)),
            (Some("bytes=100-"), Wanted::Beyond),
            (Some("bytes=-0"), Wanted::Beyond),
            (Some("bytes=9-0"), Wanted::All),
            (Some("bytes=0-1,5-6"), Wanted::All),
            (Some("lines=1-2"), Wanted::All),
            (None, Wanted::All),
        ] {
            assert_eq!(wanted(range, 100), part, "{range:?}");
        }
    }

    #[test]
    fn hashes_are_spelled_as_google_does() {
        // echo -n 123456789 | md5sum; the CRC-32C of the same is e3069283 (RFC 3720, B.4's check).
        let blob = Blob::new("123456789");
        let hashes = blob.hashes();
        assert_eq!(hashes.etag, "\"25f9e794323b453885f5181f1b624d0b\"");
        assert_eq!(hashes.goog, "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
    }
}
