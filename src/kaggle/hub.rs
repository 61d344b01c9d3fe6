//! Files of pretrained weights from Hugging Face: a redirect to storage, with the file's SHA-256 in
//! the redirect's headers.

use std::path::Path;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::download::{LINKED_ETAG, parse, to_file};
use super::error;
use super::http::Http;
use super::{Error, Patience};
use crate::progress::Progress;

/// Downloads `url` to `path` as [`super::download`] does, and checks its SHA-256 where the hub tells
/// it. `token` goes to the host of `url` and to no other, whatever that redirects to.
pub fn download_from_hub(
    url: &str,
    token: Option<&str>,
    path: &Path,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let address = parse(url)?;
    let bearer = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let patience = Patience::default();
    let http = Http::new(patience.silence);
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
        let mut response = http.follow(&address, &for_host, false, &mut passed)?;
        if let Some(linked) = linked {
            response.headers_mut().insert(LINKED_ETAG, linked);
        }
        Ok(response)
    };
    let shown = error::shown(&address);
    to_file(&shown, &open, path, patience, progress).map(|_| ()).map_err(|error| match error {
        // Its words are Kaggle's.
        Error::NotFound { .. } => {
            Error::Refused { url: shown, status: 404, message: "no such file".to_owned() }
        }
        other => other,
    })
}

fn is_same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}
