//! Uploads as Google's resumable sessions: the whole file at once, or in parts. What arrives is
//! kept as it arrives, so that an upload that breaks off can go on.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use serde_json::json;
use tokio::time::sleep_until;

use crate::connection::NoAnswer;
use crate::faults::{Endpoint, Fault};
use crate::outgoing::Throttle;
use crate::state::State;
use crate::storage;

/// Answers `PUT /upload/o?upload_id=..`.
pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        return storage::refuse_credentials();
    }
    let token = storage::parameter(query.as_deref(), "upload_id").unwrap_or_default();
    let range = headers.get(CONTENT_RANGE).map(|value| value.to_str().ok().and_then(content_range));
    let start = match range {
        None => Some(0),
        Some(Some(ContentRange::From(start))) => Some(start),
        Some(Some(ContentRange::Nothing)) => None,
        Some(None) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let (before, request) = {
        let mut changing = state.changing();
        let upload = changing.uploads.get_mut(token).filter(|upload| !upload.is_submitted);
        let Some(upload) = upload else {
            return StatusCode::NOT_FOUND.into_response();
        };
        if range.is_none() {
            upload.received = 0;
        }
        upload.n_requests += 1;
        (upload.received, upload.n_requests)
    };
    if let Some(start) = start {
        let fault = state.changing().faults.take(Endpoint::Upload);
        if let Some(Fault::Status { status, retry_after, .. }) = fault {
            if [404, 410].contains(&status) {
                state.changing().uploads.remove(token);
            }
            return storage::trouble(status, retry_after);
        }
        let end = receive(&state, (token, request), start, body, fault).await;
        if let (End::Cut, Some(Fault::UploadLost(_))) = (end, fault)
            && let Some(upload) = state.changing().uploads.get_mut(token)
        {
            upload.received = upload.received.min(before);
        }
        match end {
            End::Whole => {}
            End::Cut => return NoAnswer.into_response(),
            End::NoRoom => return storage::trouble(507, None),
        }
    }
    let changing = state.changing();
    let Some(upload) = changing.uploads.get(token) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let n = upload.received;
    if upload.is_complete() {
        return axum::Json(json!({ "kind": "storage#object", "size": n.to_string() }))
            .into_response();
    }
    if range.is_none() {
        return (StatusCode::BAD_REQUEST, "the length is not the announced one").into_response();
    }
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let (true, Ok(range)) = (n > 0, format!("bytes=0-{}", n.saturating_sub(1)).try_into()) {
        response.headers_mut().insert(RANGE, range);
    }
    response
}

/// How the body of a request ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    /// By the client, by its next request, or on purpose.
    Cut,
    /// It cannot be kept.
    NoRoom,
}

/// Takes a body piece by piece.
async fn receive(
    state: &State,
    (token, request): (&str, u64),
    start: u64,
    mut body: Body,
    fault: Option<Fault>,
) -> End {
    let most = match fault {
        Some(Fault::UploadCut(n) | Fault::UploadLost(n)) => Some(n),
        _ => None,
    };
    let mut throttle = state.rate.map(Throttle::new);
    let mut n = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(frame) = frame else { return End::Cut };
        let Ok(mut piece) = frame.into_data() else { continue };
        piece.truncate(most.map_or(piece.len(), |most| (most - n) as usize));
        match state.changing().uploads.get_mut(token) {
            Some(upload) if upload.n_requests == request => {
                if upload.take(start.saturating_add(n), &piece).is_err() {
                    return End::NoRoom;
                }
            }
            // What is still on its way when a client has begun anew is of no use to it.
            _ => return End::Cut,
        }
        n += piece.len() as u64;
        if most.is_some_and(|most| n >= most) {
            return End::Cut;
        }
        if let Some(throttle) = &mut throttle {
            sleep_until(throttle.after(piece.len())).await;
        }
    }
    End::Whole
}

/// What a `Content-Range` says of the body.
enum ContentRange {
    /// `bytes */N`: how far is it?
    Nothing,
    /// `bytes a-b/N`.
    From(u64),
}

fn content_range(range: &str) -> Option<ContentRange> {
    let (part, _) = range.strip_prefix("bytes ")?.split_once('/')?;
    if part == "*" {
        return Some(ContentRange::Nothing);
    }
    Some(ContentRange::From(part.split_once('-')?.0.parse().ok()?))
}
