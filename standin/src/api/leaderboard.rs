//! The leaderboard: the sample submission's score as a benchmark, and the account's best.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::json;

use super::Arguments;
use super::submissions::date;
use crate::answer::{Answer, Refusal};
use crate::miniature::DataFile;
use crate::pack;
use crate::scoring;
use crate::state::{Served, State, Verdict};

/// A row.
struct Team {
    id: usize,
    name: String,
    score: String,
    at: Timestamp,
    n_submissions: usize,
    member: String,
}

/// The board in pages.
pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    let rows = teams(state, served).into_iter().map(|team| {
        json!({
            "teamId": team.id,
            "teamName": team.name,
            "submissionDate": date(team.at),
            "score": team.score,
        })
    });
    let (page, next) = arguments.page(rows.collect());
    Ok(Answer::Json(json!({ "submissions": page, "nextPageToken": next })))
}

/// All of the board as a table in a zip.
pub(super) fn download(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    zip(&served.miniature.competition.slug, teams(state, served))
        .map(Answer::Zip)
        .map_err(|error| Refusal::bad(format!("{error:#}")))
}

fn zip(slug: &str, teams: Vec<Team>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "Rank",
        "TeamId",
        "TeamName",
        "LastSubmissionDate",
        "Score",
        "SubmissionCount",
        "TeamMemberUserNames",
    ])?;
    for (rank, team) in (1..).zip(teams) {
        writer.write_record([
            rank.to_string(),
            team.id.to_string(),
            team.name,
            team.at.strftime("%F %T").to_string(),
            team.score,
            team.n_submissions.to_string(),
            team.member,
        ])?;
    }
    let now = Timestamp::now().strftime("%FT%T");
    let path = format!("{slug}-publicleaderboard-{now}.csv");
    pack::zip([&DataFile { path, bytes: writer.into_inner()? }].into_iter())
}

/// The best first.
fn teams(state: &State, served: &Served) -> Vec<Team> {
    let competition = &served.miniature.competition;
    let mut teams = Vec::new();
    let sample = scoring::judge_bytes(served.miniature.sample.as_bytes(), &served.miniature);
    if let Verdict::Complete { public, .. } = sample {
        teams.push(Team {
            id: 1,
            name: "Sample Submission Benchmark".to_owned(),
            score: public,
            at: Timestamp::now(),
            n_submissions: 1,
            member: String::new(),
        });
    }
    // Kaggle ranks by the number, and the earlier of two that are equal comes first.
    let order = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if competition.metric.better(a, b) => Ordering::Less,
        (Ok(a), Ok(b)) if competition.metric.better(b, a) => Ordering::Greater,
        _ => Ordering::Equal,
    };
    let changing = state.changing();
    let own = || changing.submissions.iter().filter(|one| one.slug == competition.slug);
    let scored = own().filter_map(|one| match &one.verdict {
        Verdict::Complete { public, .. } => Some((public.clone(), one.at)),
        Verdict::Error { .. } | Verdict::Pending => None,
    });
    if let Some((score, at)) = scored.min_by(|a, b| order(&a.0, &b.0)) {
        let name = state.account.username.clone();
        let n_submissions = own().count();
        teams.push(Team { id: 2, member: name.clone(), name, score, at, n_submissions });
    }
    teams.sort_by(|a, b| order(&a.score, &b.score));
    teams
}
