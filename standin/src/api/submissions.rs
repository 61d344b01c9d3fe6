//! Uploads, what becomes of them, and limits.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Arguments;
use crate::answer::{Answer, Refusal};
use crate::faults::{Endpoint, Fault};
use crate::scoring;
use crate::spool::{MOST_BYTES, Stored};
use crate::state::{Served, State, Submission, Verdict};
use crate::storage;

pub(super) const NO_RULES: &str = "You cannot submit until you accept the competition rules";
/// In bytes, as file systems have it.
const LONGEST_NAME: usize = 255;
/// In bytes.
const LONGEST_DESCRIPTION: usize = 4_000;
/// The number before the first submission's.
const FIRST_REFERENCE: u64 = 4_000_000;

pub(super) fn start_upload(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    state.entered(arguments.text("competitionName"), NO_RULES)?;
    begin_upload(state, arguments.text("fileName"), arguments.number("contentLength"))
}

/// A place for a file of any service.
pub(super) fn begin_upload(state: &State, file_name: &str, length: u64) -> Result<Answer, Refusal> {
    if file_name.is_empty() || file_name.contains('/') || file_name.len() > LONGEST_NAME {
        return Err(Refusal::bad("fileName must be the name of a file"));
    }
    let place = Some(length).filter(|length| *length <= MOST_BYTES);
    let place = place.and_then(|length| state.spool.place(length));
    let place = place.ok_or_else(|| Refusal::bad("The file is too large"))?;
    let token = state.changing().begin_upload(file_name, place);
    let address = format!("{}/upload/o?uploadType=resumable&upload_id={token}", state.storage);
    Ok(Answer::Json(json!({ "token": token, "createUrl": address })))
}

pub(super) fn create(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    let served = state.entered(slug, NO_RULES)?;
    let token = arguments.text("blobFileTokens");
    let description = arguments.text("submissionDescription");
    let file_name = {
        let changing = state.changing();
        changing.uploads.get(token).map(|one| one.file_name.clone()).unwrap_or_default()
    };
    let csv = || {
        let mut changing = state.changing();
        let upload = changing.uploads.get_mut(token).ok_or_else(Refusal::not_found)?;
        if !upload.is_complete() {
            return Err(Refusal::bad("The upload is not complete"));
        }
        upload.is_submitted = true;
        Ok(upload.place.clone())
    };
    make(state, served, &Made { file_name: &file_name, description, csv: &csv })
}

/// What becomes a submission.
pub(super) struct Made<'a> {
    pub(super) file_name: &'a str,
    pub(super) description: &'a str,
    /// Asked for once nothing else is in the way.
    pub(super) csv: &'a dyn Fn() -> Result<Stored, Refusal>,
}

pub(super) fn make(state: &State, served: &Served, made: &Made) -> Result<Answer, Refusal> {
    let Made { file_name, description, csv } = *made;
    let slug = served.miniature.competition.slug.as_str();
    if description.len() > LONGEST_DESCRIPTION {
        return Err(Refusal::bad("submissionDescription is too long"));
    }
    let fault = state.changing().faults.take(Endpoint::Submission);
    match fault {
        Some(Fault::Status { status, retry_after, .. }) => {
            return Err(Refusal::trouble(status, retry_after));
        }
        Some(Fault::LostRequest) => return Ok(Answer::Nothing),
        _ => {}
    }
    if n_allowed(state, slug) == 0 {
        let message = "You have reached the maximum number of submissions allowed for today";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message));
    }
    let csv = csv()?;
    let mut changing = state.changing();
    // In the list at once, scored later: a client that lost the answer can find it meanwhile.
    let at = changing.submissions.len();
    let reference = FIRST_REFERENCE + at as u64;
    changing.submissions.push(Submission {
        reference,
        slug: slug.to_owned(),
        file_name: file_name.to_owned(),
        description: description.to_owned(),
        csv: csv.clone(),
        at: Timestamp::now(),
        verdict: Verdict::Pending,
    });
    drop(changing);
    let verdict = scoring::judge(&csv, &served.miniature);
    state.changing().submissions[at].verdict = verdict;
    if fault == Some(Fault::LostAnswer) {
        return Ok(Answer::Nothing);
    }
    let title = &served.miniature.competition.title;
    let message = format!("Successfully submitted to {title}");
    Ok(Answer::Json(json!({ "message": message, "ref": reference })))
}

pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let mut changing = state.changing();
    let fault = changing.faults.take(Endpoint::Score);
    if let Some(Fault::Status { status, retry_after, .. }) = fault {
        return Err(Refusal::trouble(status, retry_after));
    }
    let reference = arguments.number("ref");
    let found = changing.submissions.iter().find(|one| one.reference == reference);
    let mut answer = describe(state, found.ok_or_else(Refusal::not_found)?);
    if fault == Some(Fault::Pending) {
        answer["status"] = "PENDING".into();
        for unknown in ["publicScore", "privateScore", "errorDescription"] {
            answer[unknown] = "".into();
        }
    }
    Ok(Answer::Json(answer))
}

/// The newest first.
pub(super) fn list(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    state.competition(slug)?;
    let changing = state.changing();
    let own = changing.submissions.iter().rev().filter(|one| one.slug == slug);
    let (page, next) = arguments.page(own.map(|one| describe(state, one)).collect());
    Ok(Answer::Json(json!({ "submissions": page, "nextPageToken": next })))
}

pub(super) fn limits(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    state.competition(slug)?;
    let n_total = state.changing().submissions.iter().filter(|one| one.slug == slug).count();
    Ok(Answer::Json(json!({
        "numToday": n_today(state, slug),
        "numTotal": n_total,
        "numAllowedNow": n_allowed(state, slug),
        "limitedByTotal": false,
    })))
}

/// Where an uploaded file may be had again.
pub(super) fn download(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let reference = arguments.number("submissionId");
    let (slug, file_name) = {
        let changing = state.changing();
        let found = changing.submissions.iter().find(|one| one.reference == reference);
        let found = found.ok_or_else(Refusal::not_found)?;
        (found.slug.clone(), found.file_name.clone())
    };
    let path = format!("{}{reference}/{file_name}", storage::SUBMISSIONS);
    Ok(Answer::Found(storage::signed_address(state, &slug, &path)))
}

fn describe(state: &State, submission: &Submission) -> Value {
    let Submission { reference, .. } = submission;
    let (status, public, private, error) = match &submission.verdict {
        Verdict::Complete { public, private } => {
            ("COMPLETE", public.as_str(), private.as_str(), "")
        }
        Verdict::Error { description } => ("ERROR", "", "", description.as_str()),
        Verdict::Pending => ("PENDING", "", "", ""),
    };
    json!({
        "ref": reference,
        "totalBytes": submission.csv.length(),
        "date": date(submission.at),
        "description": submission.description,
        "errorDescription": error,
        "fileName": submission.file_name,
        "publicScore": public,
        "privateScore": private,
        "status": status,
        "submittedBy": state.account.username,
        "submittedByRef": state.account.username,
        "teamName": state.account.username,
        "url": format!("https://www.kaggle.com/submissions/{reference}/{reference}.raw"),
    })
}

fn n_today(state: &State, slug: &str) -> u32 {
    // Kaggle's day is UTC's.
    let day = |at: Timestamp| at.strftime("%F").to_string();
    let today = day(Timestamp::now());
    let changing = state.changing();
    let own = changing.submissions.iter().filter(|one| one.slug == slug && day(one.at) == today);
    own.count() as u32
}

fn n_allowed(state: &State, slug: &str) -> u32 {
    state.daily_submissions.saturating_sub(n_today(state, slug))
}

pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
