//! What the API answers: JSON, a redirect, a zip, or a refusal in Kaggle's words.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::connection::NoAnswer;

/// A good answer.
pub(crate) enum Answer {
    Json(Value),
    /// 302 with an empty body.
    Found(String),
    /// A file in a zip.
    Zip(Vec<u8>),
    /// The connection breaks off.
    Nothing,
}

/// A refusal: `{"code":..,"message":..}` with the same status.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    message: String,
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// A trouble that happens on purpose.
    pub(crate) fn trouble(status: u16, retry_after: Option<u32>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let message = status.canonical_reason().unwrap_or("Trouble");
        Self { retry_after, ..Self::new(status, message) }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthenticated")
    }

    /// A competition that does not exist and one without permission look the same.
    pub(crate) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Permission 'competitions.get' was denied")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found")
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(value) => Json(value).into_response(),
            Self::Found(address) => match HeaderValue::try_from(address) {
                Ok(address) => (StatusCode::FOUND, [(LOCATION, address)]).into_response(),
                Err(_) => Refusal::not_found().into_response(),
            },
            Self::Zip(bytes) => ([(CONTENT_TYPE, "application/zip")], bytes).into_response(),
            Self::Nothing => NoAnswer.into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.status.as_u16(), "message": self.message });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
