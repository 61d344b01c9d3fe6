//! Files of pretrained weights from Hugging Face: a redirect to storage, with the file's SHA-256 in
//! the redirect's headers.

use std::path::Path;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::address;
use super::download::{LINKED_ETAG, Wanted, parse, to_file};
use super::error;
use super::http::Http;
use super::{Error, RetryPolicy};
use crate::progress::Progress;
use crate::term;

/// Downloads `url` to `path` as [`super::download`] does, and checks its SHA-256 where the hub tells
/// it. `token` goes to the host of `url` and to no other, whatever that redirects to.
pub fn download_from_hub(
    url: &str,
    token: Option<&str>,
    path: &Path,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let address = parse(url)?;
    address::keep_user_info(&address)?;
    token.into_iter().for_each(term::keep_secret);
    let token = token.filter(|_| {
        let safe = address::keeps_secrets(&address);
        if !safe {
            let shown = error::shown(&address);
            progress.note(&format!("no token goes to `{shown}`: others could read it on its way"));
        }
        safe
    });
    let bearer = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let policy = RetryPolicy::default();
    let http = Http::new(policy.silence);
    let open = |headers: &HeaderMap| {
        let for_host = |to: &Url| {
            let mut headers = headers.clone();
            if let Some(bearer) = bearer.as_ref().filter(|_| is_same_host(to, &address)) {
                let mut bearer = bearer.clone();
                bearer.set_sensitive(true);
                headers.insert(AUTHORIZATION, bearer);
            }
            headers
        };
        let mut linked = None;
        let mut passed = |headers: &HeaderMap| {
            linked = headers.get(LINKED_ETAG).cloned().or(linked.take());
        };
        let response = http.follow(&address, &for_host, false, &mut passed);
        let mut response = response.map_err(|error| in_the_hubs_words(error, &address))?;
        if let Some(linked) = linked {
            response.headers_mut().insert(LINKED_ETAG, linked);
        }
        Ok(response)
    };
    let shown = error::shown(&address);
    let wanted = Wanted { what: &shown, path, listed: None };
    to_file(&wanted, &open, policy, progress).map(|_| ())
}

/// The same trouble without the words that are about Kaggle.
///
/// The storage that the hub leads to gets no token: what it refuses is no matter of credentials.
fn in_the_hubs_words(error: Error, hub: &Url) -> Error {
    let url = error::shown(hub);
    match error {
        Error::NotFound { .. } => {
            let message = "no such file".to_owned();
            Error::Hub { url, status: 404, message, retry_after: None }
        }
        Error::RateLimited { message, retry_after } => {
            Error::Hub { url, status: 429, message, retry_after }
        }
        Error::Refused { url, status: status @ (401 | 403), message }
            if Url::parse(&url).is_ok_and(|refusing| is_same_host(&refusing, hub)) =>
        {
            Error::Hub { url, status, message, retry_after: None }
        }
        other => other,
    }
}

fn is_same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}
