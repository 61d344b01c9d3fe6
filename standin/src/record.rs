//! What was asked: kept for tests to look at, and a line of JSON a request for people who measure.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request as Incoming, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_RANGE, HeaderName, RANGE, USER_AGENT};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use jiff::Timestamp;
use serde_json::json;

use crate::connection::{Cutter, NoAnswer};
use crate::state::{Request, State};

/// Writes every request down, with what its answer was.
pub(crate) async fn keep(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Cutter>,
    request: Incoming,
    next: Next,
) -> Response {
    let received = Arc::new(AtomicU64::new(0));
    let sent = Arc::new(AtomicU64::new(0));
    // From here on, so that a request whose client goes away is written down as well.
    let mut entry = Entry {
        connection: connection.clone(),
        state: state.clone(),
        request: describe(&request),
        content_range: header(&request, CONTENT_RANGE),
        received: received.clone(),
        sent: sent.clone(),
    };
    // From the last byte of the request on it is not the client who is waited for.
    let turn = Turn(connection.clone());
    let turn = Some(turn).filter(|_| !request.body().is_end_stream());
    let request = request.map(|body| Body::new(Counted { body, n: received, entry: None, turn }));
    let response = next.run(request).await;
    if response.extensions().get::<NoAnswer>().is_some() {
        connection.cut();
    } else {
        entry.request.status = Some(response.status().as_u16());
    }
    state.changing().keep_request(entry.request.clone());
    response.map(|body| Body::new(Counted { body, n: sent, entry: Some(entry), turn: None }))
}

fn describe(request: &Incoming) -> Request {
    Request {
        method: short(request.method().as_str()),
        path: request.uri().path_and_query().map_or_else(String::new, |path| short(path.as_str())),
        authorized: request.headers().contains_key(AUTHORIZATION),
        range: header(request, RANGE),
        user_agent: header(request, USER_AGENT),
        status: None,
    }
}

fn header(request: &Incoming, name: HeaderName) -> Option<String> {
    let value = request.headers().get(name)?;
    Some(short(&String::from_utf8_lossy(value.as_bytes())))
}

/// A client's words, of which so many bytes are kept.
fn short(text: &str) -> String {
    const MOST: usize = 1_000;
    text[..text.floor_char_boundary(MOST)].to_owned()
}

/// Dropped with a request's body, whether it was read to its end or not.
struct Turn(Cutter);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.set_answering(true);
    }
}

/// A body whose bytes are counted as they pass.
struct Counted {
    body: Body,
    n: Arc<AtomicU64>,
    /// Written when the answer's body is over, whole or not.
    #[expect(dead_code, reason = "it is dropped with the body")]
    entry: Option<Entry>,
    turn: Option<Turn>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            let n = frame.data_ref().map_or(0, Bytes::len);
            self.n.fetch_add(n as u64, Ordering::Relaxed);
        } else {
            self.turn = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A line of the log in the making.
struct Entry {
    connection: Cutter,
    state: Arc<State>,
    request: Request,
    content_range: Option<String>,
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connection.set_answering(false);
        let Some(mut log) = self.state.log.as_ref() else { return };
        let Request { method, path, range, status, .. } = &self.request;
        let line = json!({
            "time": Timestamp::now().to_string(),
            "method": method,
            // A query holds what opens the door: signatures, sessions.
            "path": path.split('?').next(),
            "range": range,
            "content_range": self.content_range,
            "received": self.received.load(Ordering::Relaxed),
            "sent": if status.is_some() { self.sent.load(Ordering::Relaxed) } else { 0 },
            "status": status,
        });
        // A log that cannot be written is no reason to stop serving.
        let _ = log.write_all(format!("{line}\n").as_bytes());
    }
}
