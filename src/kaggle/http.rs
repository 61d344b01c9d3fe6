//! The HTTP agents: their timeouts, proxies and certificates, and redirects followed by hand.
//!
//! No agent follows a redirect by itself, so that nothing sent to one host reaches another.
//! Proxies come from the usual variables (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`);
//! this machine itself is never asked through one. Certificates are the system's, or those that
//! `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` (as for the official client) or `SSL_CERT_FILE` name.

use std::io::Read;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client as Agent, ClientBuilder, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::address::{is_this_machine, keeps_secrets};
use super::answer::{self, CallContext};
use super::certificates;
use super::error::{self, Error};
use crate::term;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const MOST_REDIRECTS: usize = 10;
/// More of an answer of the API is not read; a page of 200 names is below a hundredth of it.
const MOST_OF_ANSWER: u64 = 16 << 20;
/// More of an error is not read: only its message is told.
const MOST_OF_ERROR: u64 = 256 << 10;
/// How long an answer may come drop by drop; files are downloaded otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

/// The agents, made when they are first needed.
pub(super) struct Http {
    /// How long a server may say nothing.
    silence: Duration,
    local: OnceLock<Agent>,
    local_with_certificates: OnceLock<Agent>,
    outside: OnceLock<Agent>,
}

impl Http {
    pub(super) fn new(silence: Duration) -> Self {
        Self {
            silence,
            local: OnceLock::new(),
            local_with_certificates: OnceLock::new(),
            outside: OnceLock::new(),
        }
    }

    /// The agent for the host of `url`.
    pub(super) fn agent(&self, url: &Url) -> Result<&Agent, Error> {
        let (local, encrypted) = (is_this_machine(url), url.scheme() == "https");
        let slot = match (local, encrypted) {
            (true, false) => &self.local,
            (true, true) => &self.local_with_certificates,
            (false, _) => &self.outside,
        };
        if let Some(agent) = slot.get() {
            return Ok(agent);
        }
        let mut builder = if local { self.builder().no_proxy() } else { self.builder() };
        if local && !encrypted {
            // No certificates: a machine without any can still talk to itself.
            builder = builder.tls_certs_only([]);
        } else if let Some(certificates) = certificates::named()? {
            builder = builder.tls_certs_only(certificates);
        }
        let agent = builder.build().map_err(|error| error::network(url, &error))?;
        Ok(slot.get_or_init(|| agent))
    }

    /// A blocking agent's timeout is one on silence: it starts anew with every piece of an answer.
    fn builder(&self) -> ClientBuilder {
        // Refused only where a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Agent::builder()
            .user_agent(concat!("kaggle-kit/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(self.silence))
            .timeout(self.silence)
    }

    /// How long an answer may be waited for while `bytes` are sent before it.
    pub(super) fn timeout_for(&self, bytes: u64) -> Duration {
        /// The slowest line that an upload is waited for.
        const SLOWEST_BYTES_PER_SECOND: u64 = 10_000;
        self.silence + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
    }

    /// A plain `GET` without credentials, redirects followed. A range that is beyond the end is an
    /// answer, not an error; `signed` says that the address is one that expires.
    pub(super) fn get(
        &self,
        url: &Url,
        headers: &HeaderMap,
        signed: bool,
    ) -> Result<Response, Error> {
        self.follow(url, &|_| headers.clone(), signed, &mut |_| ())
    }

    /// The same with headers that depend on the address they go to; `passed` sees the headers of
    /// every redirect.
    pub(super) fn follow(
        &self,
        url: &Url,
        headers: &dyn Fn(&Url) -> HeaderMap,
        signed: bool,
        passed: &mut dyn FnMut(&HeaderMap),
    ) -> Result<Response, Error> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let headers = headers(&url);
            let ranged = headers.contains_key(RANGE);
            let request = self.agent(&url)?.get(url.clone()).headers(headers);
            // A byte of a file is a byte of a file, whatever a server would like to pack.
            let request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let response = request.send().map_err(|error| error::network(&url, &error))?;
            let status = response.status();
            if is_redirect(status) {
                passed(response.headers());
                url = location(&url, response.headers())?;
            } else if status.is_success() || (status == StatusCode::RANGE_NOT_SATISFIABLE && ranged)
            {
                return Ok(response);
            } else {
                return Err(failed(&CallContext::storage(&url, signed), response));
            }
        }
        Err(Error::BadAnswer {
            url: error::shown(&url),
            reason: "it redirects in circles".to_owned(),
        })
    }
}

/// Where a call of the API leads: to a signed address, which is a permission, so that nobody on the
/// way may read it.
pub(super) fn signed_location(from: &Url, headers: &HeaderMap) -> Result<Url, Error> {
    let to = location(from, headers)?;
    if keeps_secrets(&to) { Ok(to) } else { Err(unsafe_to_follow(from)) }
}

fn unsafe_to_follow(from: &Url) -> Error {
    let reason = "a redirect to an address that is not safe to follow".to_owned();
    Error::BadAnswer { url: error::shown(from), reason }
}

/// Where a redirect leads.
pub(super) fn location(from: &Url, headers: &HeaderMap) -> Result<Url, Error> {
    let bad =
        |reason: &str| Error::BadAnswer { url: error::shown(from), reason: reason.to_owned() };
    let to = headers.get(LOCATION).ok_or_else(|| bad("a redirect to nowhere"))?;
    let to = to.to_str().ok().and_then(|to| from.join(to).ok());
    let to = to.ok_or_else(|| bad("a redirect to no address"))?;
    if !matches!(to.scheme(), "http" | "https") || (from.scheme(), to.scheme()) == ("https", "http")
    {
        return Err(unsafe_to_follow(from));
    }
    Ok(to)
}

/// The error in an answer that is one.
pub(super) fn failed(context: &CallContext, response: Response) -> Error {
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    let mut body = Vec::new();
    // A body that does not arrive says no less than an empty one.
    let _ = read(response, &mut body, MOST_OF_ERROR);
    let body = String::from_utf8_lossy(&body);
    answer::from_answer(context, status, wait, &term::without_secrets(&body))
}

/// The text of an answer of the API, in which no secret of ours is left.
pub(super) fn text(response: Response) -> Result<String, Error> {
    let url = response.url().clone();
    let mut body = Vec::new();
    if read(response, &mut body, MOST_OF_ANSWER)? {
        let most = term::bytes(MOST_OF_ANSWER);
        let reason = format!("an answer without an end: more than {most}");
        return Err(Error::BadAnswer { url: error::shown(&url), reason });
    }
    Ok(term::without_secrets(&String::from_utf8_lossy(&body)).into_owned())
}

/// Reads at most so many bytes; says whether there are more.
fn read(mut response: Response, body: &mut Vec<u8>, most: u64) -> Result<bool, Error> {
    let broken = |reason: String, url: &Url| Error::Network { url: error::shown(url), reason };
    let (url, started) = (response.url().clone(), Instant::now());
    let mut piece = [0; 8 << 10];
    loop {
        let n = match response.read(&mut piece) {
            Ok(0) => return Ok(false),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                return Err(broken("it stopped answering".to_owned(), &url));
            }
            Err(error) => {
                return Err(broken(format!("the connection broke ({})", error.kind()), &url));
            }
        };
        let room = (most - body.len() as u64) as usize;
        body.extend_from_slice(&piece[..n.min(room)]);
        if n > room {
            return Ok(true);
        }
        if started.elapsed() > PATIENCE {
            return Err(broken("its answer comes too slowly".to_owned(), &url));
        }
    }
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = until.as_millisecond() - jiff::Timestamp::now().as_millisecond();
    Some(Duration::from_millis(wait.max(0).unsigned_abs()))
}

/// The media type of an answer, in lower case and without parameters; empty if it has none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether an answer is a page for people (a login page, an error page of a proxy).
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    media_type(headers) == "text/html"
}

/// Whether a status means "look there".
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |value: &str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]))
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Thu, 01 Sep 2016 18:06:17 GMT"), Some(Duration::ZERO));
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(90);
        let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = read(&date).unwrap();
        assert!(wait > Duration::from_secs(85) && wait <= Duration::from_secs(90), "{wait:?}");
        assert_eq!(read("soon"), None);
    }
}
