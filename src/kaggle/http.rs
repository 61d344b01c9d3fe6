//! The HTTP agents: their timeouts, proxies and certificates, and redirects followed by hand.
//!
//! No agent follows a redirect by itself, so that nothing sent to one host reaches another.
//! Proxies come from the usual variables (`HTTPS_PROXY`, `NO_PROXY` ...); this machine itself is
//! never asked through one.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking::{Client as Agent, ClientBuilder, Response};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::answer::{self, Asked};
use super::error::{self, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server may say nothing, before the answer and between two pieces of it.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: usize = 10;

/// The agents, made when they are first needed.
#[derive(Default)]
pub(super) struct Http {
    local: OnceLock<Agent>,
    outside: OnceLock<Agent>,
}

impl Http {
    /// The agent for the host of `url`.
    pub(super) fn agent(&self, url: &Url) -> Result<&Agent, Error> {
        let (slot, builder): (_, fn() -> ClientBuilder) = if is_this_machine(url) {
            // No certificates: a machine without any can still talk to itself.
            (&self.local, || builder().no_proxy().tls_certs_only([]))
        } else {
            (&self.outside, builder)
        };
        if let Some(agent) = slot.get() {
            return Ok(agent);
        }
        let agent = builder().build().map_err(|error| error::network(url, &error))?;
        Ok(slot.get_or_init(|| agent))
    }

    /// A plain `GET` without credentials, redirects followed.
    pub(super) fn get(&self, url: &Url) -> Result<Response, Error> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.agent(&url)?.get(url.clone()).send();
            let response = response.map_err(|error| error::network(&url, &error))?;
            if response.status().is_redirection() {
                url = location(&url, response.headers())?;
            } else if response.status().is_success() {
                return Ok(response);
            } else {
                return Err(failed(
                    &Asked { url: &url, slug: "", what: "", credentials: "" },
                    response,
                ));
            }
        }
        Err(Error::BadAnswer {
            url: error::shown(&url),
            reason: "it redirects in circles".to_owned(),
        })
    }
}

fn builder() -> ClientBuilder {
    Agent::builder()
        .user_agent(concat!("kaggle-kit/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(SILENCE_TIMEOUT)
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
pub(super) fn failed(asked: &Asked, response: Response) -> Error {
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    // A body that does not arrive says no less than an empty one.
    let body = response.text().unwrap_or_default();
    answer::from_answer(asked, status, wait, &body)
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = until.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(wait.max(0).unsigned_abs()))
}

/// Whether an answer is a page for people (a login page, an error page of a proxy).
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// Whether a status means "look there".
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}
