//! The storage host: signed addresses in, bytes or parts of them out, credentials refused.

use std::io;
use std::sync::Arc;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::datasets;
use crate::blob::{Blob, BlobSlice, Hashes, Wanted, wanted};
use crate::faults::Fault;
use crate::outgoing::{End, Outgoing};
use crate::state::State;

/// When all data were put there.
const CREATED: &str = "Thu, 01 Sep 2016 18:06:17 GMT";
/// When an object was that has changed since.
const CHANGED: &str = "Sat, 01 Oct 2016 18:06:17 GMT";

/// An address of an object, signed as Kaggle's are; each is another one.
pub(crate) fn signed_address(state: &State, slug: &str, path: &str) -> String {
    let n = {
        let mut changing = state.changing();
        changing.n_signed += 1;
        changing.n_signed
    };
    let storage = &state.storage;
    // Far enough away for any test; a client does not look at it.
    format!(
        "{storage}/storage/{slug}/{path}?GoogleAccessId=standin&Expires=4102444800&Signature=standin-{n}"
    )
}

/// The value of a parameter in a query.
pub(crate) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Kaggle's storage is another company's: it does not know the key, and must not learn it.
pub(crate) fn refuse_credentials() -> Response {
    xml(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one authentication mechanism is allowed")
}

fn xml(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(CONTENT_TYPE, "application/xml; charset=UTF-8")], body).into_response()
}

/// A trouble that is a status and no more.
pub(crate) fn trouble(status: u16, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let name = status.canonical_reason().unwrap_or("Trouble").replace(' ', "");
    let mut response = xml(status, &name, "It goes wrong on purpose.");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Answers `GET /storage/<slug>/<path>`.
pub(crate) async fn get(
    Shared(state): Shared<Arc<State>>,
    Path((slug, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        return refuse_credentials();
    }
    let signature = parameter(query.as_deref(), "Signature").unwrap_or_default();
    if signature.is_empty() {
        return xml(StatusCode::FORBIDDEN, "AccessDenied", "Access denied.");
    }
    if let Some(reference) = path.strip_prefix(SUBMISSIONS) {
        return submission(&state, reference).unwrap_or_else(|_| no_such_key());
    }
    let of_data_set = (slug == DATA_SETS).then(|| datasets::object(&state, &path)).flatten();
    let found = match &of_data_set {
        Some(blob) => Some(&**blob),
        None => state.competition(&slug).ok().and_then(|served| served.object(&path)),
    };
    let Some(blob) = found else {
        return no_such_key();
    };
    let Ok(requested) = Requested::read(blob, &headers) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let fault = {
        let mut changing = state.changing();
        let spent = changing.spent.get(signature).copied();
        let fault = spent.or_else(|| changing.faults.take_for_download(requested.part.length()));
        if let Some(Fault::Expired | Fault::Denied) = fault {
            changing.spent.extend(fault.map(|fault| (signature.to_owned(), fault)));
        }
        fault
    };
    match fault {
        Some(Fault::Expired) => {
            xml(StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.")
        }
        Some(Fault::Denied) => xml(StatusCode::FORBIDDEN, "AccessDenied", "Access denied."),
        Some(Fault::Status { status, retry_after, .. }) => trouble(status, retry_after),
        Some(Fault::ErrorBody) => {
            axum::Json(serde_json::json!({ "code": 500, "message": "Internal error" }))
                .into_response()
        }
        Some(Fault::LoginPage) => {
            let page = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Log in to go on.</body></html>\n";
            ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        other => send(blob, requested, other, state.rate)
            .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// Where data sets are, in place of a competition.
pub(crate) const DATA_SETS: &str = "datasets";
/// Where uploaded files are, by their reference.
pub(crate) const SUBMISSIONS: &str = "submissions/";

/// What was submitted once.
fn submission(state: &State, path: &str) -> anyhow::Result<Response> {
    let reference = path.split('/').next().and_then(|reference| reference.parse().ok());
    let changing = state.changing();
    let found = changing.submissions.iter().find(|one| Some(one.reference) == reference);
    let csv = &found.context("no such submission")?.csv;
    let response = Response::builder()
        .header(CONTENT_TYPE, "text/csv")
        .header(LAST_MODIFIED, CREATED)
        .header(CONTENT_LENGTH, csv.length());
    Ok(response.body(Body::new(Outgoing::new(csv.slice(), End::Whole, state.rate)))?)
}

fn no_such_key() -> Response {
    xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
}

/// What a request asks for.
struct Requested {
    status: StatusCode,
    part: BlobSlice,
    content_range: Option<String>,
}

impl Requested {
    fn read(blob: &Blob, headers: &HeaderMap) -> io::Result<Self> {
        let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let etag = &blob.hashes()?.etag;
        // A condition that does not hold makes the range void.
        let unchanged = header(IF_RANGE).is_none_or(|seen| seen == etag || seen == date_of(blob));
        let range = header(RANGE).filter(|_| unchanged);
        let length = blob.length;
        Ok(match wanted(range, length) {
            Wanted::All => {
                Self { status: StatusCode::OK, part: blob.part(0, length), content_range: None }
            }
            Wanted::Part(start, end) => Self {
                status: StatusCode::PARTIAL_CONTENT,
                part: blob.part(start, end),
                content_range: Some(format!("bytes {start}-{}/{length}", end - 1)),
            },
            Wanted::Beyond => Self {
                status: StatusCode::RANGE_NOT_SATISFIABLE,
                part: blob.part(length, length),
                content_range: Some(format!("bytes */{length}")),
            },
        })
    }
}

fn date_of(blob: &Blob) -> &'static str {
    if blob.is_changed() { CHANGED } else { CREATED }
}

fn send(
    blob: &Blob,
    requested: Requested,
    fault: Option<Fault>,
    rate: Option<u64>,
) -> anyhow::Result<Response> {
    let Requested { status, mut part, content_range } = requested;
    let (hashes, date) = (blob.hashes()?, date_of(blob));
    let announced = part.length();
    let mut end = End::Whole;
    let mut goog = hashes.goog.clone();
    match fault {
        Some(Fault::Cut(n)) => {
            part.shorten(n);
            end = End::Cut;
        }
        Some(Fault::Stall(n)) => {
            part.shorten(n);
            end = End::Silence;
        }
        Some(Fault::Changed(n)) => {
            part.shorten(n);
            end = End::Cut;
            blob.change();
        }
        Some(Fault::WrongHash) => goog = Hashes::wrong(),
        Some(Fault::Damaged) => part.damage(),
        _ => {}
    }
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_LENGTH, announced)
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, &hashes.etag)
        .header(LAST_MODIFIED, date)
        .header("x-goog-hash", goog);
    if let Some(range) = content_range {
        response = response.header(CONTENT_RANGE, range);
    }
    Ok(response.body(Body::new(Outgoing::new(part, end, rate)))?)
}
