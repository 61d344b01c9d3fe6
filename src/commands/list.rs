//! `kaggle-kit list`: competitions, the data and runs there are, and the best scores.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::competition::{self, Competition};
use crate::metric::Metric;
use crate::run::{Run, Summary, Workspace};
use crate::term::{self, Give};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A competition at a glance.
#[derive(Serialize)]
struct Row {
    name: String,
    slug: String,
    metric: Metric,
    data: bool,
    runs: Vec<RunRow>,
    unfinished: usize,
    best: Option<f64>,
}

#[derive(Serialize)]
struct RunRow {
    id: String,
    score: f64,
    finished: String,
    seconds: f64,
}

/// Prints a table, or JSON.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let (data, runs) = (workspace.data(), workspace.runs());
    let mut known = competition::all()?;
    // Competitions read from a spec file are known by the runs that they have left.
    for run in Run::all(&runs, None)? {
        if let Ok(own) = run.competition()
            && !known.iter().any(|c| c.name == own.name)
        {
            known.push(own);
        }
    }
    let rows = known.iter().map(|c| row(c, &data, &runs)).collect::<Result<Vec<_>>>()?;
    if args.json {
        return term::json(&rows);
    }
    let cells = rows.iter().map(|row| {
        let best = row.best.map(|best| format!("{} {best:.5}", row.metric.name()));
        let n_runs = match (row.runs.len(), row.unfinished) {
            (0, 0) => "-".to_owned(),
            (finished, 0) => finished.to_string(),
            (finished, unfinished) => format!("{finished} (+ {unfinished} unfinished)"),
        };
        vec![
            row.name.clone(),
            if row.data { "yes" } else { "-" }.to_owned(),
            n_runs,
            best.unwrap_or_else(|| "-".to_owned()),
            row.slug.clone(),
        ]
    });
    let header = ["competition", "data", "runs", "best, held out", "on Kaggle"];
    term::out_table(&header, &cells.collect::<Vec<_>>(), &[Give::Shorten(4, 20), Give::Drop(4)]);
    Ok(())
}

fn row(competition: &Competition, data: &Path, runs: &Path) -> Result<Row> {
    let all = Run::all(runs, Some(&competition.name))?;
    let mut summaries: Vec<(String, Summary)> = Vec::new();
    for run in all.iter().filter(|run| run.is_finished()) {
        match run.summary() {
            Ok(summary) => summaries.push((run.id(), summary)),
            Err(error) => term::warn(term::describe(&error).0),
        }
    }
    let scores = summaries.iter().map(|(_, summary)| summary.score);
    let better = |a: f64, b: f64| if competition.metric.better(a, b) { a } else { b };
    Ok(Row {
        name: competition.name.clone(),
        slug: competition.slug.clone(),
        metric: competition.metric.clone(),
        data: data.join(&competition.name).join("fetched.toml").is_file(),
        unfinished: all.iter().filter(|run| !run.is_finished()).count(),
        best: scores.reduce(better),
        runs: summaries
            .into_iter()
            .map(|(id, summary)| RunRow {
                id,
                score: summary.score,
                finished: summary.finished,
                seconds: summary.seconds,
            })
            .collect(),
    })
}
