//! What a server says of a file before its bytes come.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use serde::{Deserialize, Serialize};

/// In which a redirect of Hugging Face's tells the mark of the file that it leads to.
pub(in crate::kaggle) const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");

/// A version of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(in crate::kaggle) struct Version {
    /// The length of the whole.
    pub(super) length: Option<u64>,
    /// A strong one; a weak one says nothing of bytes.
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// In base64, as servers write them.
    pub(super) md5: Option<String>,
    pub(super) crc32c: Option<String>,
    /// In hexadecimal digits.
    pub(super) sha256: Option<String>,
    /// Where it came from.
    pub(super) host: String,
}

/// A version, and which of its bytes come now.
pub(in crate::kaggle) struct Announced {
    pub(super) version: Version,
    /// Where the bytes begin, if they are a part of the file.
    pub(super) start: Option<u64>,
}

impl Announced {
    pub(in crate::kaggle) fn read(response: &Response) -> Self {
        let headers = response.headers();
        let part = (response.status() == StatusCode::PARTIAL_CONTENT)
            .then(|| content_range(headers).unwrap_or_default());
        let length = match &part {
            Some(part) => part.total,
            None => text(headers, CONTENT_LENGTH).and_then(|n| n.parse().ok()),
        };
        let version = Version {
            length,
            etag: text(headers, ETAG).filter(|tag| !tag.starts_with("W/")),
            last_modified: text(headers, LAST_MODIFIED),
            md5: hash(headers, "md5=", 16),
            crc32c: hash(headers, "crc32c=", 4),
            sha256: [LINKED_ETAG, ETAG].into_iter().find_map(|name| sha256(headers, name)),
            host: response.url().host_str().unwrap_or_default().to_owned(),
        };
        // A part that does not say where it begins fits nowhere.
        let start = part.map(|part| part.start.unwrap_or(u64::MAX));
        Self { version, start }
    }

    pub(in crate::kaggle) fn length(&self) -> Option<u64> {
        self.version.length
    }

    pub(in crate::kaggle) fn host(&self) -> &str {
        &self.version.host
    }
}

impl Version {
    /// Whether the bytes can be compared with a hash.
    pub(super) fn has_hash(&self) -> bool {
        self.md5.is_some() || self.crc32c.is_some() || self.sha256.is_some()
    }

    /// What `If-Range` names.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }

    /// Whether both are the same bytes as far as one can tell; `None` where one cannot.
    pub(super) fn is_same(&self, other: &Self) -> Option<bool> {
        let differ = |a: Option<bool>| a == Some(false);
        let lengths = both(self.length, other.length);
        let marks = [
            both(self.etag.as_ref(), other.etag.as_ref()),
            both(self.md5.as_ref(), other.md5.as_ref()),
            both(self.crc32c.as_ref(), other.crc32c.as_ref()),
            both(self.sha256.as_ref(), other.sha256.as_ref()),
            both(self.last_modified.as_ref(), other.last_modified.as_ref()),
        ];
        if differ(lengths) || marks.into_iter().any(differ) {
            return Some(false);
        }
        marks.into_iter().flatten().next()
    }
}

fn both<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<bool> {
    Some(a? == b?)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `x-goog-hash: crc32c=..,md5=..`, in one header or two; one that is no hash is passed over.
fn hash(headers: &HeaderMap, name: &str, bytes: usize) -> Option<String> {
    let values = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    let found = values
        .flat_map(|value| value.split(','))
        .find_map(|hash| hash.trim().strip_prefix(name))?;
    BASE64_STANDARD.decode(found).ok().filter(|hash| hash.len() == bytes)?;
    Some(found.to_owned())
}

/// Hugging Face's mark of a large file is its SHA-256, as some servers' `ETag` is.
fn sha256(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let mark = text(headers, name)?.trim_matches('"').to_ascii_lowercase();
    let is_hash = mark.len() == 64 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(mark)
}

/// `Content-Range: bytes a-b/N`, or `bytes */N` where the range asked for is beyond the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) start: Option<u64>,
    pub(super) total: Option<u64>,
}

pub(super) fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let value = text(headers, CONTENT_RANGE)?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    Some(ContentRange { start, total: total.trim().parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn content_ranges_are_read() {
        for (value, start, total) in [
            ("bytes 5-9/10", Some(5), Some(10)),
            ("bytes */10", None, Some(10)),
            ("bytes 5-9/*", Some(5), None),
        ] {
            let read = content_range(&headers(CONTENT_RANGE, value));
            assert_eq!(read, Some(ContentRange { start, total }), "{value}");
        }
        assert_eq!(content_range(&headers(CONTENT_RANGE, "lines 1-2/3")), None);
    }

    #[test]
    fn hashes_are_found_and_nonsense_is_passed_over() {
        let name = HeaderName::from_static("x-goog-hash");
        let both = headers(name.clone(), "crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg==");
        assert_eq!(hash(&both, "md5=", 16).as_deref(), Some("1B2M2Y8AsgTpgAmY7PhCfg=="));
        assert_eq!(hash(&both, "crc32c=", 4).as_deref(), Some("AAAAAA=="));
        assert_eq!(hash(&headers(name, "md5=AAAAAA=="), "md5=", 16), None);
    }

    #[test]
    fn one_mark_that_differs_is_another_version() {
        let version = |etag: &str, length| Version {
            etag: Some(etag.to_owned()).filter(|etag| !etag.is_empty()),
            length: Some(length),
            ..Version::default()
        };
        assert_eq!(version("a", 1).is_same(&version("a", 1)), Some(true));
        assert_eq!(version("a", 1).is_same(&version("b", 1)), Some(false));
        assert_eq!(version("a", 1).is_same(&version("a", 2)), Some(false));
        assert_eq!(version("", 1).is_same(&version("", 1)), None);
    }
}
