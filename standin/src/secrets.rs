//! The secrets of a notebook, as Kaggle's `kaggle_secrets.py` asks for them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::state::State;

/// What a notebook of the stand-in's account has in `KAGGLE_USER_SECRETS_TOKEN`.
pub const NOTEBOOK_TOKEN: &str = "notebook-of-standin";

/// Answers `POST /requests/GetUserSecretByLabelRequest`: the account's name and key are secrets of its
/// notebook.
pub(crate) async fn by_label(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Refusal> {
    let proof = headers.get("X-Kaggle-Authorization").and_then(|value| value.to_str().ok());
    if proof != Some(format!("Bearer {NOTEBOOK_TOKEN}").as_str()) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthenticated"));
    }
    let asked: Value =
        serde_json::from_slice(&body).map_err(|error| Refusal::bad(error.to_string()))?;
    let secret = match asked["Label"].as_str() {
        Some("KAGGLE_USERNAME") => &state.account.username,
        Some("KAGGLE_KEY") => &state.account.key,
        _ => {
            let told = "No user secrets exist for kernel id 1 and label";
            return Ok(Answer::Json(json!({ "wasSuccessful": false, "errors": [told] })));
        }
    };
    Ok(Answer::Json(json!({ "wasSuccessful": true, "result": { "secret": secret } })))
}
