//! The calls of Kaggle's API that its clients make for competitions, data sets and notebooks, each a
//! `POST` of a JSON object.

mod competitions;
pub(crate) mod datasets;
mod kernels;
mod leaderboard;
mod submissions;
mod tree;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::faults::{Endpoint, Fault};
use crate::state::State;

/// Answers `POST /api/v1/<service>/<method>`.
pub(crate) async fn call(
    Shared(state): Shared<Arc<State>>,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Refusal> {
    let arguments = Arguments::read(&body)?;
    if (service.as_str(), method.as_str()) == ("security.OAuthService", "IntrospectToken") {
        return Ok(introspect(&state, &arguments));
    }
    if !state.account.is_proven_by(&headers) {
        return Err(Refusal::unauthenticated());
    }
    let fault = state.changing().faults.take(Endpoint::Api);
    if let Some(Fault::Status { status, retry_after, .. }) = fault {
        return Err(Refusal::trouble(status, retry_after));
    }
    match service.as_str() {
        "competitions.CompetitionApiService" => competition(&state, &method, &arguments),
        "datasets.DatasetApiService" => data_set(&state, &method, &arguments),
        "kernels.KernelsApiService" => kernel(&state, &method, &arguments),
        "blobs.BlobApiService" if method == "StartBlobUpload" => {
            datasets::start_blob(&state, &arguments)
        }
        _ => Err(Refusal::not_found()),
    }
}

fn data_set(state: &State, method: &str, arguments: &Arguments) -> Result<Answer, Refusal> {
    match method {
        "CreateDataset" => datasets::create(state, arguments),
        "CreateDatasetVersion" => datasets::create_version(state, arguments),
        "GetDataset" => datasets::get(state, arguments),
        "GetDatasetStatus" => datasets::status(state, arguments),
        "GetDatasetMetadata" => datasets::metadata(state, arguments),
        "ListDatasetFiles" => datasets::files(state, arguments),
        "DownloadDataset" => datasets::download(state, arguments),
        _ => Err(Refusal::not_found()),
    }
}

fn kernel(state: &State, method: &str, arguments: &Arguments) -> Result<Answer, Refusal> {
    match method {
        "SaveKernel" => kernels::save(state, arguments),
        "GetKernel" => kernels::get(state, arguments),
        "GetKernelSessionStatus" => kernels::status(state, arguments),
        "ListKernelSessionOutput" => kernels::output(state, arguments),
        _ => Err(Refusal::not_found()),
    }
}

fn competition(state: &State, method: &str, arguments: &Arguments) -> Result<Answer, Refusal> {
    match method {
        "ListCompetitions" => Ok(competitions::list(state, arguments)),
        "GetCompetition" => competitions::get(state, arguments),
        "ListDataFiles" => competitions::files(state, arguments),
        "ListDataTreeFiles" => tree::list(state, arguments),
        "GetCompetitionDataFilesSummary" => tree::summary(state, arguments),
        "ListCompetitionPages" => competitions::pages(state, arguments),
        "DownloadDataFiles" => competitions::bundle(state, arguments),
        "DownloadDataFile" => competitions::file(state, arguments),
        "StartSubmissionUpload" => submissions::start_upload(state, arguments),
        "CreateSubmission" => submissions::create(state, arguments),
        "CreateCodeSubmission" => kernels::submit(state, arguments),
        "GetSubmission" => submissions::get(state, arguments),
        "ListSubmissions" => submissions::list(state, arguments),
        "GetSubmissionLimits" => submissions::limits(state, arguments),
        "DownloadSubmission" => submissions::download(state, arguments),
        "GetLeaderboard" => leaderboard::get(state, arguments),
        "DownloadLeaderboard" => leaderboard::download(state, arguments),
        _ => Err(Refusal::not_found()),
    }
}

fn introspect(state: &State, arguments: &Arguments) -> Answer {
    let active = arguments.text("token") == state.account.token;
    Answer::Json(if active {
        json!({ "active": true, "username": state.account.username, "userId": 1, "scope": "" })
    } else {
        json!({ "active": false })
    })
}

/// A call's JSON object; a field that is left out has its default.
struct Arguments(Value);

impl Arguments {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            Ok(_) | Err(_) => Err(Refusal::bad("The body is not a JSON object")),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_default()
    }

    /// The entries of the page that is asked for, and the token of the next one.
    fn page<T>(&self, entries: Vec<T>) -> (Vec<T>, String) {
        const USUAL: u64 = 20;
        const MOST: u64 = 200;
        let size = match self.number("pageSize") {
            0 => USUAL,
            size => size.min(MOST),
        };
        // The token is where the page starts; old clients count pages from 1 instead.
        let start = self
            .text("pageToken")
            .parse()
            .unwrap_or_else(|_| self.number("page").saturating_sub(1).saturating_mul(size));
        let end = start.saturating_add(size);
        let next = if end < entries.len() as u64 { end.to_string() } else { String::new() };
        let page = entries.into_iter().skip(start as usize).take(size as usize).collect();
        (page, next)
    }
}
