//! Answers that are no file, though their status says that all is well: login pages, and errors
//! as JSON or XML.

use std::io::{self, Read};
use std::path::Path;

use reqwest::StatusCode;
use reqwest::blocking::Response;

use super::super::answer::{self, CallContext};
use super::super::error::{self, Error};
use super::super::http;

/// So much of the beginning tells what an answer is; an error body is shorter.
const TELLING: usize = 4096;

/// Reads enough of the beginning to judge it: how many bytes came, and what went wrong after them.
pub(super) fn start(response: &mut Response, piece: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut n = 0;
    while n < TELLING.min(piece.len()) {
        match response.read(&mut piece[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) => return (n, Some(error)),
        }
    }
    (n, None)
}

/// Refuses an answer that is no file, unless `path` says that it is to be of that kind.
pub(super) fn check(response: &Response, start: &[u8], path: &Path) -> Result<(), Error> {
    let kind = http::media_type(response.headers());
    let bad = |reason: String| Error::BadAnswer { url: error::shown(response.url()), reason };
    // The middle of a file may look like anything.
    let begins = response.status() != StatusCode::PARTIAL_CONTENT;
    let text = String::from_utf8_lossy(if begins { start.trim_ascii() } else { &[] });
    if !is_named(path, &["html", "htm"]) && (kind == "text/html" || looks_like_page(&text)) {
        return Err(bad("a web page instead of a file (a login or error page)".to_owned()));
    }
    if !is_named(path, &["json"]) && (kind == "application/json" || text.starts_with('{')) {
        if answer::is_error_body(&text) {
            let context = CallContext::storage(response.url(), true);
            return Err(answer::from_answer(&context, 200, None, &text));
        }
        if kind == "application/json" {
            return Err(bad("JSON instead of a file".to_owned()));
        }
    }
    let is_error = text.contains("<Error>") && text.contains("<Code>");
    if !is_named(path, &["xml"]) && text.starts_with('<') && is_error {
        let context = CallContext::storage(response.url(), true);
        // XML is what storage answers with when an address has expired.
        let status = if text.contains("Expired") { 400 } else { 200 };
        return Err(answer::from_answer(&context, status, None, &text));
    }
    Ok(())
}

fn is_named(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| extensions.iter().any(|e| e.eq_ignore_ascii_case(found)))
}

fn looks_like_page(text: &str) -> bool {
    let start: String = text.chars().take(15).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
