//! The HTTP agents: their timeouts, proxies and certificates, and redirects followed by hand.
//!
//! No agent follows a redirect by itself, so that nothing sent to one host reaches another.
//! Proxies come from the usual variables (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`);
//! this machine itself is never asked through one. Certificates are the system's, or those that
//! `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` (as for the official client) or `SSL_CERT_FILE` name.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking::{Client as Agent, ClientBuilder, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::answer::{self, CallContext};
use super::certificates;
use super::error::{self, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const MOST_REDIRECTS: usize = 10;

/// The agents, made when they are first needed.
pub(super) struct Http {
    /// How long a server may say nothing.
    silence: Duration,
    local: OnceLock<Agent>,
    outside: OnceLock<Agent>,
}

impl Http {
    pub(super) fn new(silence: Duration) -> Self {
        Self { silence, local: OnceLock::new(), outside: OnceLock::new() }
    }

    /// The agent for the host of `url`.
    pub(super) fn agent(&self, url: &Url) -> Result<&Agent, Error> {
        let local = is_this_machine(url);
        let slot = if local { &self.local } else { &self.outside };
        if let Some(agent) = slot.get() {
            return Ok(agent);
        }
        let builder = if local {
            // No certificates: a machine without any can still talk to itself.
            self.builder().no_proxy().tls_certs_only([])
        } else {
            match certificates::named()? {
                Some(certificates) => self.builder().tls_certs_only(certificates),
                None => self.builder(),
            }
        };
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

fn is_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
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
        return Err(bad("a redirect to an address that is not safe to follow"));
    }
    Ok(to)
}

/// The error in an answer that is one.
pub(super) fn failed(context: &CallContext, response: Response) -> Error {
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    // A body that does not arrive says no less than an empty one.
    let body = response.text().unwrap_or_default();
    answer::from_answer(context, status, wait, &body)
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

    #[test]
    fn only_this_machine_goes_without_proxy() {
        for (url, local) in [
            ("http://localhost:1/", true),
            ("http://127.0.0.3/", true),
            ("http://[::1]:7/", true),
            ("http://localhost.example.org/", false),
            ("https://api.kaggle.com/", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}
