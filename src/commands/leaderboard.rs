//! `kaggle-kit leaderboard`: the top of the board, and where our score stands or would stand.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::competition::Competition;
use crate::kaggle::{Client, Environment, Standing, Submission, SubmissionStatus};
use crate::report::{Bar, Unit};
use crate::run::{BoardPlace, Run, Workspace};
use crate::session;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit leaderboard                              of the newest run's competition
  kaggle-kit leaderboard planet --top 20 --score 0.93
Without `--score`: our best public score; before the first, the best on images held out.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file; without it, that of the newest run
    pub competition: Option<String>,
    /// How many teams to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Where this score would stand
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub score: Option<f64>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A score to place, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Ours {
    score: f64,
    from: String,
    #[serde(flatten)]
    place: Option<BoardPlace>,
}

/// Prints the board's top and our place, or JSON.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let competition = workspace.competition(args.competition.as_deref())?;
    let client = session::connect(args.endpoint.as_deref(), &Environment::of_process())?;
    let metric = competition.metric.clone();
    let bar = Bar::new("leaderboard", Unit::Items("teams"));
    let standings = client.leaderboard(&competition.slug, &bar)?;
    drop(bar);
    ensure!(
        !standings.is_empty(),
        "nobody stands on the leaderboard of `{}` yet",
        competition.name
    );
    let ours = match args.score {
        Some(score) => Some((score, "given".to_owned())),
        None => best(&client, &competition, &workspace.runs())?,
    };
    let ours = ours.map(|(score, from)| {
        let place = BoardPlace::of(score, &standings, &metric);
        Ours { score, from, place }
    });
    let top = &standings[..args.top.min(standings.len())];
    if args.json {
        return term::json(&to_json(&competition, standings.len(), top, ours.as_ref()));
    }
    let rows = top.iter().map(|team| {
        vec![
            format!("{:>5}", team.rank),
            term::short(&team.team, 40),
            format!("{:.5}", team.score),
            day(&team.date),
        ]
    });
    if !top.is_empty() {
        let header = [" rank", "team", &metric.name(), "since"];
        term::out_table(&header, &rows.collect::<Vec<_>>(), &[]);
    }
    if let Some(Ours { score, from, place: Some(place) }) = &ours {
        term::out(format_args!("{} ({from}): {place}", metric.describe(*score)));
    }
    Ok(())
}

fn to_json(
    competition: &Competition,
    n_teams: usize,
    top: &[Standing],
    ours: Option<&Ours>,
) -> Value {
    let rows = top.iter().map(|team| {
        json!({ "rank": team.rank, "team": team.team, "score": team.score, "date": team.date })
    });
    json!({
        "competition": competition.name,
        "slug": competition.slug,
        "metric": competition.metric,
        "teams": n_teams,
        "top": rows.collect::<Vec<_>>(),
        "ours": ours,
    })
}

/// The day of a date as Kaggle writes it, `2026-11-24T06:01:02.003Z`.
fn day(date: &str) -> String {
    date.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect()
}

/// Our best public score on Kaggle; before the first, the best on images held out.
fn best(client: &Client, competition: &Competition, runs: &Path) -> Result<Option<(f64, String)>> {
    let metric = &competition.metric;
    let submissions = client.list_submissions(&competition.slug)?;
    let public = |one: &Submission| {
        let score = one.public_score.filter(|_| one.status == SubmissionStatus::Complete)?;
        Some((score, format!("submission {}", one.reference)))
    };
    let held_out = |run: &Run| {
        let summary = run.is_finished().then(|| run.summary().ok())??;
        Some((summary.score, format!("run {}, on images held out", run.id())))
    };
    let better = |a: (f64, String), b: (f64, String)| if metric.better(b.0, a.0) { b } else { a };
    let best = submissions.iter().filter_map(public).reduce(better);
    if best.is_some() {
        return Ok(best);
    }
    let all = Run::all(runs, Some(&competition.name))?;
    Ok(all.iter().filter_map(held_out).reduce(better))
}
