//! Uploads as Google's resumable sessions: the whole file at once, or in parts.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::state::State;
use super::storage;

/// An upload under way.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) file_name: String,
    pub(super) received: Vec<u8>,
    /// As announced.
    length: u64,
}

impl Upload {
    pub(super) fn new(file_name: &str, length: u64) -> Self {
        Self { file_name: file_name.to_owned(), received: Vec::new(), length }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.received.len() as u64 == self.length
    }
}

/// Answers `PUT /upload/o?upload_id=..`.
pub(super) async fn put(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        return storage::refuse_credentials();
    }
    let token = storage::parameter(query.as_deref(), "upload_id").unwrap_or_default();
    let mut changing = state.changing();
    let Some(upload) = changing.uploads.get_mut(token) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    match range.map(part) {
        None => upload.received = body.to_vec(),
        Some(Some(Part::From(start))) if start == upload.received.len() => {
            upload.received.extend_from_slice(&body);
        }
        // A part that does not go on where the last one ended is not taken; the answer says where.
        Some(Some(Part::Nothing | Part::From(_))) => {}
        Some(None) => return StatusCode::BAD_REQUEST.into_response(),
    }
    let n = upload.received.len();
    if upload.is_complete() {
        return axum::Json(json!({ "kind": "storage#object", "size": n.to_string() }))
            .into_response();
    }
    if range.is_none() {
        upload.received.clear();
        return (StatusCode::BAD_REQUEST, "the length is not the announced one").into_response();
    }
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let (true, Ok(range)) = (n > 0, format!("bytes=0-{}", n.saturating_sub(1)).try_into()) {
        response.headers_mut().insert(RANGE, range);
    }
    response
}

/// What a `Content-Range` says of the body.
enum Part {
    /// `bytes */N`: how far is it?
    Nothing,
    /// `bytes a-b/N`.
    From(usize),
}

fn part(range: &str) -> Option<Part> {
    let (part, _) = range.strip_prefix("bytes ")?.split_once('/')?;
    if part == "*" {
        return Some(Part::Nothing);
    }
    Some(Part::From(part.split_once('-')?.0.parse().ok()?))
}
