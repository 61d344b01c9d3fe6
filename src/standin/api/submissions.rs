//! Uploads, what becomes of them, limits and the leaderboard.

use std::cmp::Ordering;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Arguments;
use crate::standin::answer::{Answer, Refusal};
use crate::standin::faults::Faults;
use crate::standin::scoring;
use crate::standin::state::{State, Submission, Verdict};
use crate::standin::upload::Upload;

const NO_RULES: &str = "You cannot submit until you accept the competition rules";
/// The number before the first submission's.
const FIRST_REFERENCE: u64 = 4_000_000;

pub(super) fn start_upload(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    state.entered(arguments.text("competitionName"), NO_RULES)?;
    let file_name = arguments.text("fileName");
    if file_name.is_empty() || file_name.contains('/') {
        return Err(Refusal::bad("fileName must be the name of a file"));
    }
    let mut changing = state.changing();
    let token = format!("upload-{}", changing.uploads.len() + 1);
    let upload = Upload::new(file_name, arguments.number("contentLength"));
    changing.uploads.insert(token.clone(), upload);
    let address = format!("{}/upload/o?uploadType=resumable&upload_id={token}", state.storage);
    Ok(Answer::Json(json!({ "token": token, "createUrl": address })))
}

pub(super) fn create(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    let served = state.entered(slug, NO_RULES)?;
    let token = arguments.text("blobFileTokens");
    if n_allowed(state, slug) == 0 {
        let message = "You have reached the maximum number of submissions allowed for today";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message));
    }
    let upload = state.changing().uploads.get(token).cloned();
    let upload = upload.ok_or_else(Refusal::not_found)?;
    if !upload.is_complete() {
        return Err(Refusal::bad("The upload is not complete"));
    }
    let verdict = scoring::judge(&upload.received, &served.miniature);

    let mut changing = state.changing();
    let reference = FIRST_REFERENCE + changing.submissions.len() as u64;
    changing.uploads.remove(token);
    changing.submissions.push(Submission {
        reference,
        slug: slug.to_owned(),
        file_name: upload.file_name,
        description: arguments.text("submissionDescription").to_owned(),
        csv: upload.received,
        at: Timestamp::now(),
        verdict,
    });
    let title = &served.miniature.competition.title;
    let message = format!("Successfully submitted to {title}");
    Ok(Answer::Json(json!({ "message": message, "ref": reference })))
}

pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let mut changing = state.changing();
    let reference = arguments.number("ref");
    let found = changing.submissions.iter().find(|one| one.reference == reference);
    let mut answer = describe(state, found.ok_or_else(Refusal::not_found)?);
    if Faults::use_up(&mut changing.faults.pending_answers) {
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

/// The sample submission's score as a benchmark, and the account's best.
pub(super) fn leaderboard(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    let served = state.competition(slug)?;
    let metric = served.miniature.competition.metric;
    let now = Timestamp::now();
    let mut teams: Vec<(String, String, Timestamp)> = Vec::new();
    let sample = scoring::judge(served.miniature.sample.as_bytes(), &served.miniature);
    if let Verdict::Complete { public, .. } = sample {
        teams.push(("Sample Submission Benchmark".to_owned(), public, now));
    }
    // Kaggle ranks by the number, and the earlier of two that are equal comes first.
    let order = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if metric.better(a, b) => Ordering::Less,
        (Ok(a), Ok(b)) if metric.better(b, a) => Ordering::Greater,
        _ => Ordering::Equal,
    };
    let changing = state.changing();
    let own = changing.submissions.iter().filter(|one| one.slug == slug);
    let scored = own.filter_map(|one| match &one.verdict {
        Verdict::Complete { public, .. } => Some((public.clone(), one.at)),
        Verdict::Error { .. } => None,
    });
    if let Some((score, at)) = scored.min_by(|a, b| order(&a.0, &b.0)) {
        teams.push((state.account.username.clone(), score, at));
    }
    teams.sort_by(|a, b| order(&a.1, &b.1));
    let rows = teams.iter().enumerate().map(|(i, (name, score, at))| {
        json!({ "teamId": i + 1, "teamName": name, "submissionDate": date(*at), "score": score })
    });
    let (page, next) = arguments.page(rows.collect());
    Ok(Answer::Json(json!({ "submissions": page, "nextPageToken": next })))
}

fn describe(state: &State, submission: &Submission) -> Value {
    let Submission { reference, .. } = submission;
    let (status, public, private, error) = match &submission.verdict {
        Verdict::Complete { public, private } => {
            ("COMPLETE", public.as_str(), private.as_str(), "")
        }
        Verdict::Error { description } => ("ERROR", "", "", description.as_str()),
    };
    json!({
        "ref": reference,
        "totalBytes": submission.csv.len(),
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

fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
