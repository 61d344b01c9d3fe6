//! Addresses: which of them may be told a secret, and what of them is shown.

use std::borrow::Cow;
use std::net::IpAddr;

use reqwest::Url;

use super::Error;
use crate::term;

/// A part of a query that is shorter is no signature.
const SHORTEST_SECRET: usize = 8;

/// Whether it never leaves this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether nobody on the way can read what is sent there.
pub(super) fn keeps_secrets(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url))
}

/// An error where somebody on the way could read what is sent there.
pub(super) fn ensure_keeps_secrets(url: &Url) -> Result<(), Error> {
    if keeps_secrets(url) { Ok(()) } else { Err(Error::Unprotected { url: shown(url) }) }
}

/// Takes a name and a key in an address to be secrets of ours, which are sent with it.
pub(super) fn keep_user_info(url: &Url) -> Result<(), Error> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    term::keep_secret(url.password().unwrap_or(url.username()));
    ensure_keeps_secrets(url)
}

/// An address for people: without the query, which may hold a signature, and without who asks.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails for an http address.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// The same for what a person typed, which may be no address at all.
pub fn shown_as_typed(typed: &str) -> String {
    let bare = typed.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = bare.split_once("://").map_or(("", bare), |(scheme, rest)| (scheme, rest));
    // A key may hold any sign, a slash and an `@` too.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") }
}

/// What a server says, without the secrets in the address that it was asked at, which some echo.
pub(super) fn without_query_of<'a>(url: &Url, text: &'a str) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    let raw = url
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| Cow::Borrowed(pair.split_once('=').map_or(pair, |(_, value)| value)));
    for secret in raw.chain(url.query_pairs().map(|(_, value)| value)) {
        if secret.len() >= SHORTEST_SECRET && text.contains(secret.as_ref()) {
            text = text.replace(secret.as_ref(), "***").into();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_this_machine_and_https_are_told_secrets() {
        for (address, local, safe) in [
            ("http://localhost:1/", true, true),
            ("http://127.0.0.3/", true, true),
            ("http://[::1]:7/", true, true),
            ("https://127.0.0.1/", true, true),
            ("https://api.kaggle.com/", false, true),
            ("http://localhost.example.org/", false, false),
            ("http://127.0.0.1.example.org/", false, false),
            ("http://192.168.0.2:7777/", false, false),
            ("http://0.0.0.0/", false, false),
            ("http://api.kaggle.com/", false, false),
            ("ftp://localhost/", true, false),
        ] {
            assert_eq!(is_this_machine(&url(address)), local, "{address}");
            assert_eq!(keeps_secrets(&url(address)), safe, "{address}");
        }
        assert!(keep_user_info(&url("http://hub.example/")).is_ok());
        assert!(keep_user_info(&url("https://me:hunter2@hub.example/")).is_ok());
        let error = keep_user_info(&url("http://me:hunter2@hub.example/")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn what_was_typed_is_shown_without_who_asks() {
        for (typed, shown) in [
            ("https://me:hunter3@kaggle.com", "https://kaggle.com"),
            ("me:hunter3@kaggle.com/x", "kaggle.com/x"),
            ("https://me:hun/ter3@kaggle.com", "https://kaggle.com"),
            ("https://me:h@nter3@kaggle.com", "https://kaggle.com"),
            ("http://kaggle.com/?key=hunter3", "http://kaggle.com/"),
            ("ftp://kaggle.com", "ftp://kaggle.com"),
        ] {
            assert_eq!(shown_as_typed(typed), shown);
        }
    }

    #[test]
    fn a_signature_that_is_echoed_is_cut() {
        let url = url("https://s.example/a?Signature=ab%2Bcdefgh&Expires=9&key=0123456789");
        let said = "SignatureDoesNotMatch: ab+cdefgh or ab%2Bcdefgh, key 0123456789, Expires 9";
        assert_eq!(
            without_query_of(&url, said),
            "SignatureDoesNotMatch: *** or ***, key ***, Expires 9"
        );
    }
}
