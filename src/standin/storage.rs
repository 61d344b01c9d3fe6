//! The storage host: signed addresses in, bytes or parts of them out, credentials refused.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use super::blob::{Blob, Wanted, wanted};
use super::faults::Faults;
use super::state::State;

/// When all data were last changed.
const CHANGED: &str = "Thu, 01 Sep 2016 18:06:17 GMT";

/// The address of an object, signed as Kaggle's are.
pub(super) fn signed_address(storage: &str, slug: &str, path: &str) -> String {
    // Far enough away for any test; a client does not look at it.
    format!(
        "{storage}/storage/{slug}/{path}?GoogleAccessId=standin&Expires=4102444800&Signature=standin"
    )
}

/// The value of a parameter in a query.
pub(super) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Kaggle's storage is another company's: it does not know the key, and must not learn it.
pub(super) fn refuse_credentials() -> Response {
    xml(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one authentication mechanism is allowed")
}

fn xml(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(CONTENT_TYPE, "application/xml; charset=UTF-8")], body).into_response()
}

/// Answers `GET /storage/<slug>/<path>`.
pub(super) async fn get(
    Shared(state): Shared<Arc<State>>,
    Path((slug, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        return refuse_credentials();
    }
    if parameter(query.as_deref(), "Signature").is_none_or(str::is_empty) {
        return xml(StatusCode::FORBIDDEN, "AccessDenied", "Access denied.");
    }
    let found = state.competition(&slug).ok().and_then(|served| served.object(&path));
    let Some(blob) = found else {
        return xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    let cut_at = {
        let faults = &mut state.changing().faults;
        if Faults::use_up(&mut faults.failing_downloads) {
            return xml(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "Try again.");
        }
        faults.cut_at.take()
    };
    send(blob, &headers, cut_at)
}

fn send(blob: &Blob, headers: &HeaderMap, cut_at: Option<usize>) -> Response {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let hashes = blob.hashes();
    let length = blob.bytes.len();
    // A condition that does not hold makes the range void.
    let unchanged = header(IF_RANGE).is_none_or(|seen| seen == hashes.etag || seen == CHANGED);
    let range = header(RANGE).filter(|_| unchanged);
    let (status, bytes, content_range) = match wanted(range, length) {
        Wanted::All => (StatusCode::OK, blob.bytes.clone(), None),
        Wanted::Part(start, end) => (
            StatusCode::PARTIAL_CONTENT,
            blob.bytes.slice(start..end),
            Some(format!("bytes {start}-{}/{length}", end - 1)),
        ),
        Wanted::Beyond => {
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(format!("bytes */{length}")))
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_LENGTH, bytes.len())
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, &hashes.etag)
        .header(LAST_MODIFIED, CHANGED)
        .header("x-goog-hash", &hashes.goog);
    if let Some(range) = content_range {
        response = response.header(CONTENT_RANGE, range);
    }
    let body = match cut_at {
        Some(n) if n < bytes.len() => Body::new(Cut::after(bytes.slice(..n))),
        _ => Body::from(bytes),
    };
    response.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A body that breaks the connection after its bytes, which are fewer than were announced.
struct Cut {
    bytes: Bytes,
    /// What was written needs a moment to leave before the connection goes.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    const PIECE: usize = 64 << 10;
    const PAUSE: Duration = Duration::from_millis(100);

    fn after(bytes: Bytes) -> Self {
        Self { bytes, pause: None }
    }
}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.bytes.is_empty() {
            let n = self.bytes.len().min(Self::PIECE);
            return Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(n)))));
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(Self::PAUSE)));
        pause.as_mut().poll(context).map(|()| Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
