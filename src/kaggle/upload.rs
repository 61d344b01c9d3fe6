//! Bytes on their way to Kaggle: a Google upload session, which knows how far it is.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Builder};
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Body, Response};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, RANGE};

use super::address::keeps_secrets;
use super::answer::CallContext;
use super::outgoing::{Outgoing, Session};
use super::{Client, Error, error, http};
use crate::progress::Progress;

/// Google's "go on": the status that elsewhere is a redirect.
const GO_ON: u16 = 308;

/// How far a session is.
#[derive(Debug, PartialEq, Eq)]
enum Stands {
    Done,
    At(u64),
}

impl Client {
    /// Brings a file to Kaggle, going on with a session from before if there is one; `begin` begins another,
    /// and keeps it where the next call will look for it.
    pub(super) fn upload(
        &self,
        file: &Outgoing,
        session: Option<Session>,
        mut begin: impl FnMut() -> Result<Session, Error>,
        progress: &dyn Progress,
    ) -> Result<Session, Error> {
        let shown = AtomicU64::new(0);
        let note = |text: &str| progress.note(text);
        // What a session from before has is not known here.
        let mut asks = session.is_some();
        let mut session = session;
        let (mut retry, mut most) = (0, 0);
        loop {
            let current = session.take().map_or_else(&mut begin, Ok)?;
            let mut stands = Stands::At(0);
            let sent = self.send_rest(&current.address, file, asks, &mut stands, &shown, progress);
            let error = match sent {
                Ok(()) => {
                    // What was there before this call has moved nothing.
                    let seen = shown.load(Ordering::SeqCst);
                    progress.advance(file.length.saturating_sub(seen));
                    return Ok(current);
                }
                Err(error @ (Error::Expired { .. } | Error::NotFound { .. })) => {
                    let url = self.endpoint().to_string();
                    let message = error.to_string().lines().next().unwrap_or_default().to_owned();
                    note("the upload session has ended: beginning another one");
                    (asks, most) = (false, 0);
                    Error::Server { url, status: 404, message, retry_after: None }
                }
                Err(error) => {
                    (asks, session) = (true, Some(current));
                    error
                }
            };
            if let Stands::At(bytes) = stands
                && bytes > most
            {
                (retry, most) = (0, bytes);
            }
            self.retry_policy.wait(error, retry, &note)?;
            retry += 1;
        }
    }

    /// Sends what the session does not have yet. No credentials: the address is the permission.
    fn send_rest(
        &self,
        address: &str,
        file: &Outgoing,
        asks: bool,
        stands: &mut Stands,
        shown: &AtomicU64,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        // Whoever can read it on the way could upload in our name.
        let url = Url::parse(address).ok().filter(keeps_secrets);
        let url = url.ok_or_else(|| Error::BadAnswer {
            url: self.endpoint().to_string(),
            reason: "an upload address that is none, or not safe to use".to_owned(),
        })?;
        if asks {
            *stands = self.ask(&url, file.length)?;
        }
        let mut part = asks;
        while let Stands::At(from) = *stands {
            let after = watched(shown, progress, from, |at| self.put(&url, file, from, part, at))?;
            if let Stands::At(at) = after
                && at <= from
            {
                let reason = format!("it took none of the bytes after {from}");
                return Err(Error::Network { url: error::shown(&url), reason });
            }
            (*stands, part) = (after, true);
        }
        Ok(())
    }

    /// Asks a session how far it is.
    fn ask(&self, url: &Url, length: u64) -> Result<Stands, Error> {
        let request = self.http.agent(url)?.put(url.clone());
        let request = request
            .header(CONTENT_RANGE, format!("bytes */{length}"))
            .header(CONTENT_LENGTH, 0)
            .body("");
        stands(url, length, request.send().map_err(|error| error::network(url, &error))?)
    }

    /// Sends everything after `from`: as the whole file, or as a part that says where it belongs.
    fn put(
        &self,
        url: &Url,
        file: &Outgoing,
        from: u64,
        part: bool,
        at: Arc<AtomicU64>,
    ) -> Result<Stands, Error> {
        let rest = file.length - from.min(file.length);
        let body = Body::sized(Counted { reader: file.from(from)?, at }, rest);
        let request = self.http.agent(url)?.put(url.clone());
        let mut request = request.timeout(self.http.timeout_for(rest)).body(body);
        if part && rest > 0 {
            let range = format!("bytes {from}-{}/{}", file.length - 1, file.length);
            request = request.header(CONTENT_RANGE, range);
        }
        stands(url, file.length, request.send().map_err(|error| error::network(url, &error))?)
    }
}

/// What a session says of itself.
fn stands(url: &Url, length: u64, response: Response) -> Result<Stands, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(Stands::Done);
    }
    if status.as_u16() == GO_ON {
        let taken = taken(response.headers());
        if taken > length {
            let reason = format!("it has {taken} of {length} bytes");
            return Err(Error::BadAnswer { url: error::shown(url), reason });
        }
        return Ok(Stands::At(taken));
    }
    Err(http::failed(&CallContext::storage(url, true), response))
}

/// `Range: bytes=0-k`: the session has k + 1 bytes; without it, it has none.
fn taken(headers: &HeaderMap) -> u64 {
    let last = headers.get(RANGE).and_then(|range| {
        range.to_str().ok()?.trim().strip_prefix("bytes=0-")?.parse::<u64>().ok()
    });
    last.map_or(0, |last| last.saturating_add(1))
}

/// Sends while a second thread tells the progress how far it is; bytes that are sent a second time
/// do not move it.
fn watched<T>(
    shown: &AtomicU64,
    progress: &dyn Progress,
    from: u64,
    send: impl FnOnce(Arc<AtomicU64>) -> T,
) -> T {
    const EVERY: Duration = Duration::from_millis(100);
    let at = Arc::new(AtomicU64::new(0));
    let done = AtomicBool::new(false);
    let watch = || {
        loop {
            let last = done.load(Ordering::SeqCst);
            let now = from.saturating_add(at.load(Ordering::SeqCst));
            let before = shown.fetch_max(now, Ordering::SeqCst);
            progress.advance(now.saturating_sub(before));
            if last {
                break;
            }
            thread::park_timeout(EVERY);
        }
    };
    thread::scope(|scope| {
        // Where no thread can be had, the bar jumps at the end.
        let watcher = Builder::new().spawn_scoped(scope, watch);
        let result = send(Arc::clone(&at));
        done.store(true, Ordering::SeqCst);
        match watcher {
            Ok(watcher) => watcher.thread().unpark(),
            Err(_) => watch(),
        }
        result
    })
}

/// A reader that says how much of it has been read.
struct Counted<R> {
    reader: R,
    at: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.at.fetch_add(n as u64, Ordering::SeqCst);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_tells_what_it_has() {
        for (range, expected) in
            [(Some("bytes=0-41"), 42), (Some("bytes=0-0"), 1), (Some("bytes=7-9"), 0), (None, 0)]
        {
            let headers = range.map(|range| (RANGE, range.parse().unwrap()));
            assert_eq!(taken(&headers.into_iter().collect()), expected, "{range:?}");
        }
    }
}
