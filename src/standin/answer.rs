//! What the API answers: JSON, a redirect, or a refusal in Kaggle's words.

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A good answer.
pub(super) enum Answer {
    Json(Value),
    /// 302 with an empty body.
    Found(String),
}

/// A refusal: `{"code":..,"message":..}` with the same status.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthenticated")
    }

    /// A competition that does not exist and one without permission look the same.
    pub(super) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Permission 'competitions.get' was denied")
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found")
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
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
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.status.as_u16(), "message": self.message });
        (self.status, Json(body)).into_response()
    }
}
