//! Competitions, their files, and where to download them.

use serde_json::{Value, json};

use super::Arguments;
use crate::account::Rules;
use crate::answer::{Answer, Refusal};
use crate::state::{BUNDLE, Served, State};
use crate::storage;

const NO_RULES: &str =
    "You must accept this competition's rules before you'll be able to download files.";
/// When all data were put there.
pub(super) const CREATED: &str = "2016-09-01T18:06:17.5600000Z";

pub(super) fn list(state: &State, arguments: &Arguments) -> Answer {
    let search = arguments.text("search").to_lowercase();
    let found = state.competitions.iter().filter(|served| {
        let competition = &served.miniature.competition;
        competition.slug.contains(&search) || competition.title.to_lowercase().contains(&search)
    });
    let (page, next) = arguments.page(found.map(|served| describe(state, served)).collect());
    Answer::Json(json!({ "competitions": page, "nextPageToken": next }))
}

pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    Ok(Answer::Json(describe(state, served)))
}

fn describe(state: &State, served: &Served) -> Value {
    let competition = &served.miniature.competition;
    let page = format!("https://www.kaggle.com/competitions/{}", competition.slug);
    let id =
        1 + state.competitions.iter().position(|other| std::ptr::eq(other, served)).unwrap_or(0);
    json!({
        "id": id,
        "ref": page,
        "url": page,
        "title": competition.title,
        "category": "Playground",
        "reward": "Knowledge",
        "deadline": "2099-12-31T23:59:00Z",
        "teamCount": 1,
        "userHasEntered": state.rules == Rules::Accepted,
        "evaluationMetric": competition.metric.name(),
        "maxDailySubmissions": state.daily_submissions,
        "submissionsDisabled": false,
        "isKernelsSubmissionsOnly": state.notebooks_only,
    })
}

pub(super) fn files(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    let (page, next) = arguments.page(served.packed.listing.iter().collect());
    let files: Vec<Value> = page
        .into_iter()
        .map(|(name, bytes)| {
            json!({
                "ref": name,
                "name": name,
                "totalBytes": bytes,
                "url": "https://www.kaggle.com/",
                "creationDate": CREATED,
            })
        })
        .collect();
    Ok(Answer::Json(json!({ "files": files, "nextPageToken": next })))
}

/// What the competition's web page says, in a word or two.
pub(super) fn pages(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    let competition = &served.miniature.competition;
    let metric = competition.metric.name();
    let pages = [
        ("Description", format!("A small `{}`, drawn on this machine.", competition.title)),
        ("Evaluation", format!("Submissions are scored by {metric}.")),
        ("rules", "The pictures are drawn; do with them what you like.".to_owned()),
        ("data-description", "Pictures, labels and a sample submission.".to_owned()),
    ];
    let wanted = arguments.text("pageName");
    let pages: Vec<Value> = pages
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || *name == wanted)
        .map(|(name, content)| {
            json!({ "name": name, "content": content, "mimeType": "text/markdown" })
        })
        .collect();
    Ok(Answer::Json(json!({ "pages": pages })))
}

pub(super) fn bundle(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    state.entered(slug, NO_RULES)?;
    Ok(Answer::Found(storage::signed_address(state, slug, BUNDLE)))
}

pub(super) fn file(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    let served = state.entered(slug, NO_RULES)?;
    let stored = served.stored_name(arguments.text("fileName"));
    let stored = stored.ok_or_else(Refusal::not_found)?;
    Ok(Answer::Found(storage::signed_address(state, slug, &stored)))
}
