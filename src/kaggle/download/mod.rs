//! Whole files from the network, without losing a byte that has arrived.
//!
//! Bytes go to `<path>.part`, and what the server said of them (length, version, hashes) to
//! `<path>.part.toml`; a cut connection, a stopped process or a full disk leaves both, and the
//! next attempt asks for the rest. The file gets its name once its length and hashes are right.

mod announced;
mod content;
mod hashes;
mod lock;
mod partial_file;

use std::io::Read;
use std::path::Path;

use reqwest::blocking::Response;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use super::error;
use super::http::Http;
use super::{Error, RetryPolicy};
use crate::progress::Progress;
pub(super) use announced::{Announced, LINKED_ETAG};
use partial_file::{PartialFile, Resume};

const PIECE: usize = 256 * 1024;

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes the file has.
    pub bytes: u64,
    /// How many came over the wire this time; what was there from before is not counted.
    pub fetched: u64,
    pub host: String,
    /// Whether the server told their length or a hash of them.
    pub is_announced: bool,
}

/// What is to be downloaded, and where to.
pub(super) struct Wanted<'a> {
    /// In words; what is there of an earlier attempt at the same is gone on with.
    pub(super) what: &'a str,
    pub(super) path: &'a Path,
    /// Its size, as somebody else than the server of its bytes tells.
    pub(super) listed: Option<u64>,
}

/// Downloads `url` to `path` with a plain `GET`: for files that need no credentials, such as
/// weights. The file is there whole or not at all; what has arrived of it waits beside it.
pub fn download(url: &str, path: &Path, progress: &dyn Progress) -> Result<(), Error> {
    let address = parse(url)?;
    let policy = RetryPolicy::default();
    let http = Http::new(policy.silence);
    let open = |headers: &HeaderMap| http.get(&address, headers, false);
    let wanted = Wanted { what: &error::shown(&address), path, listed: None };
    to_file(&wanted, &open, policy, progress).map(|_| ())
}

/// The address of a file on a web server.
pub(super) fn parse(url: &str) -> Result<Url, Error> {
    let address = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    address.ok_or_else(|| Error::BadAnswer {
        url: super::shown_as_typed(url),
        reason: "it is not the address of a file on a web server".to_owned(),
    })
}

/// Asks with these headers (a range, once there is something to go on from).
type Open<'a> = dyn Fn(&HeaderMap) -> Result<Response, Error> + 'a;

/// Opens, reads to the end, checks and names. Attempts that bring nothing new are bounded by `policy`.
pub(super) fn to_file(
    wanted: &Wanted,
    open: &Open,
    policy: RetryPolicy,
    progress: &dyn Progress,
) -> Result<Received, Error> {
    let mut part = PartialFile::open(wanted.path, wanted.what)?.listed_with(wanted.listed);
    let mut transfer = Transfer { open, path: wanted.path, progress, fetched: 0, shown: 0 };
    let (mut retry, mut most, mut damaged_before) = (0, part.kept(), false);
    loop {
        let error = match transfer.attempt(&mut part) {
            Ok(()) => break,
            Err(error) => error,
        };
        if matches!(error, Error::Damaged { .. }) {
            part.clear()?;
            if damaged_before {
                return Err(error);
            }
            damaged_before = true;
            progress.note(&format!("{}: fetching it anew", first_line(&error)));
            (retry, most) = (0, 0);
            continue;
        }
        if part.kept() > most {
            (retry, most) = (0, part.kept());
        }
        policy.wait(error, retry, &|text| progress.note(text))?;
        retry += 1;
    }
    let is_announced = part.is_announced();
    let (bytes, host) = part.finish()?;
    Ok(Received { bytes, fetched: transfer.fetched, host, is_announced })
}

/// One file on its way, over all attempts.
struct Transfer<'a> {
    open: &'a Open<'a>,
    path: &'a Path,
    progress: &'a dyn Progress,
    /// Over the wire.
    fetched: u64,
    /// What the progress has been told of; bytes that come a second time do not move it.
    shown: u64,
}

impl Transfer<'_> {
    /// Asks for what is missing and takes it in; in the end the file is whole and checked.
    fn attempt(&mut self, part: &mut PartialFile) -> Result<(), Error> {
        if !part.is_whole() {
            let headers = part.range()?;
            let response = (self.open)(&headers)?;
            let shown = error::shown(response.url());
            if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                part.range_not_satisfiable(response.headers(), &shown)?;
            } else {
                self.receive(part, response, &shown)?;
            }
        }
        self.show(part);
        part.verify()
    }

    fn receive(
        &mut self,
        part: &mut PartialFile,
        mut response: Response,
        shown: &str,
    ) -> Result<(), Error> {
        let mut piece = vec![0; PIECE];
        // Whatever is no file is turned away before it can touch what there is.
        let (mut n, mut failed) = content::start(&mut response, &mut piece);
        content::check(&response, &piece[..n], self.path)?;
        let announced = Announced::read(&response);
        if let Some(length) = announced.length() {
            self.progress.total(length);
        }
        let mut skipped = match part.accept(&announced, shown)? {
            Resume::Append => 0,
            Resume::SkipThenAppend(bytes) => bytes,
            Resume::Restart => {
                let text = "the file has changed on the server: it is fetched anew";
                self.progress.note(text);
                0
            }
        };
        self.show(part);
        loop {
            self.fetched += n as u64;
            let known = skipped.min(n as u64);
            skipped -= known;
            part.append(&piece[known as usize..n])?;
            self.show(part);
            if let Some(error) = failed.take() {
                return Err(part.broken_off(shown, &error));
            }
            match response.read(&mut piece) {
                Ok(0) => return part.ended(shown),
                Ok(more) => n = more,
                Err(error) => (n, failed) = (0, Some(error)),
            }
        }
    }

    fn show(&mut self, part: &PartialFile) {
        self.progress.advance(part.kept().saturating_sub(self.shown));
        self.shown = self.shown.max(part.kept());
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
