//! Whole files from the network: under a temporary name, checked, then under their own.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use reqwest::Url;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};

use super::error;
use super::http::{self, Http};
use super::{Error, Patience};
use crate::fs::AtomicFile;
use crate::progress::Progress;

const PIECE: usize = 128 * 1024;

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes.
    pub bytes: u64,
    /// The host they came from.
    pub host: String,
}

/// Downloads `url` to `path` with a plain `GET`: for files that need no credentials, such as
/// weights. The file is there whole or not at all.
pub fn download(url: &str, path: &Path, progress: &dyn Progress) -> Result<(), Error> {
    let address = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let address = address.ok_or_else(|| Error::BadAnswer {
        url: url.to_owned(),
        reason: "it is not the address of a file on a web server".to_owned(),
    })?;
    let http = Http::default();
    to_file(|| http.get(&address), path, Patience::default(), progress).map(|_| ())
}

/// Opens, reads to the end, checks and names; passing troubles start it anew.
pub(super) fn to_file(
    open: impl Fn() -> Result<Response, Error>,
    path: &Path,
    patience: Patience,
    progress: &dyn Progress,
) -> Result<Received, Error> {
    // A second attempt moves the bar only when it comes to bytes not seen before.
    let mut seen = 0;
    patience.retry(|| {
        let response = open()?;
        receive(response, path, progress, &mut seen)
    })
}

fn receive(
    mut response: Response,
    path: &Path,
    progress: &dyn Progress,
    seen: &mut u64,
) -> Result<Received, Error> {
    let url = response.url().clone();
    let shown = error::shown(&url);
    let expected = Expected::read(response.headers());
    let page = http::is_page(response.headers());
    if let Some(length) = expected.length {
        progress.total(length);
    }
    let failed = || format!("failed to write `{}`", path.display());
    let mut file = AtomicFile::create(path)?;
    let mut md5 = Md5::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let n = match response.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(cut(shown, bytes, &expected, &error)),
        };
        if bytes == 0 && (page || looks_like_page(&piece[..n])) && !is_page_name(path) {
            let reason = "a web page instead of a file (a login or error page)".to_owned();
            return Err(Error::BadAnswer { url: shown, reason });
        }
        file.write_all(&piece[..n]).with_context(failed)?;
        if expected.md5.is_some() {
            md5.update(&piece[..n]);
        }
        bytes += n as u64;
        progress.advance(bytes.saturating_sub(*seen).min(n as u64));
        *seen = bytes.max(*seen);
    }
    expected.check(bytes, &md5.finalize(), &shown)?;
    file.commit()?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(Received { bytes, host })
}

/// What the server announced.
struct Expected {
    length: Option<u64>,
    md5: Option<Vec<u8>>,
}

impl Expected {
    fn read(headers: &HeaderMap) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse().ok());
        // `x-goog-hash: crc32c=..,md5=..`, in one header or two.
        let hashes = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
        let md5 = hashes
            .flat_map(|value| value.split(','))
            .find_map(|hash| hash.trim().strip_prefix("md5="))
            .and_then(|text| BASE64_STANDARD.decode(text).ok());
        Self { length, md5 }
    }

    fn check(&self, bytes: u64, md5: &[u8], url: &str) -> Result<(), Error> {
        let damaged = |reason| Err(Error::Damaged { url: url.to_owned(), reason });
        match (self.length, &self.md5) {
            (Some(length), _) if length != bytes => {
                damaged(format!("{bytes} bytes instead of {length}"))
            }
            (_, Some(expected)) if expected != md5 => {
                damaged("its MD5 is not the one that the server announced".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn cut(url: String, bytes: u64, expected: &Expected, error: &std::io::Error) -> Error {
    let reason = match expected.length {
        Some(length) => format!("the connection broke after {bytes} of {length} bytes"),
        None => format!("the connection broke after {bytes} bytes ({error})"),
    };
    Error::Network { url, reason }
}

fn looks_like_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    ["<!doctype html", "<html"].iter().any(|tag| {
        start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag.as_bytes())
    })
}

fn is_page_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"))
}
