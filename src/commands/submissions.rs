//! `kaggle-kit submissions`: what Kaggle has of us, with our run beside each.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::competition::Competition;
use crate::kaggle::{Environment, Submission};
use crate::report::html;
use crate::run::{Run, Upload, UploadStatus, Uploads, Workspace};
use crate::session;
use crate::term::{self, Give};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit submissions                              of the newest run's competition
  kaggle-kit submissions planet --json
Scores that have come in since are written into their runs.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file; without it, that of the newest run
    pub competition: Option<String>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A submission with its run.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    reference: u64,
    date: String,
    status: UploadStatus,
    public_score: Option<f64>,
    private_score: Option<f64>,
    file: String,
    message: String,
    error: Option<String>,
    run: Option<String>,
    /// What the run scored on the images that it held out.
    held_out: Option<f64>,
}

/// Prints the history, the newest first, or JSON. Scores that have come in since are written into
/// their runs.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let competition = workspace.competition(args.competition.as_deref())?;
    let client = session::connect(args.endpoint.as_deref(), &Environment::of_process())?;
    let slug = &competition.slug;
    let submissions = client.list_submissions(slug)?;
    let limits = client.submission_limits(slug).ok();
    let known = Known::read(&workspace.runs(), &competition, &client.endpoint().to_string())?;
    let rows = submissions.iter().map(|one| row(one, &known)).collect::<Result<Vec<Row>>>()?;
    let left = limits.map(|limits| limits.num_allowed_now);
    if args.json {
        term::json(&json!({
            "competition": competition.name,
            "slug": slug,
            "left-today": left,
            "submissions": rows,
        }))?;
        return Ok(());
    }
    if rows.is_empty() {
        term::say(format_args!("no submission to `{}` yet", competition.name));
    } else {
        let header = [
            " number",
            "sent",
            "status",
            " public",
            " private",
            " held out",
            "run or file",
            "message",
        ];
        let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
        let gives = [Give::Shorten(7, 12), Give::Drop(1), Give::Shorten(6, 20)];
        term::out_table(&header, &cells, &gives);
    }
    let errors = rows.iter().filter_map(|row| Some((row.reference, row.error.as_ref()?)));
    for (reference, error) in errors {
        term::say(format_args!("{reference}: {}", term::short(error, 200)));
    }
    if let Some(left) = left {
        term::say(format_args!("{} left today", term::count(left as usize, "submission")));
    }
    Ok(())
}

fn cells(row: &Row) -> Vec<String> {
    let score = |score: Option<f64>| match score {
        Some(score) => format!("{score:>8.5}"),
        None => format!("{:>8}", "-"),
    };
    vec![
        format!("{:>8}", row.reference),
        minute(&row.date),
        row.status.name().to_owned(),
        score(row.public_score),
        score(row.private_score),
        score(row.held_out),
        term::short(row.run.as_ref().unwrap_or(&row.file), 40),
        term::short(&row.message, 40),
    ]
}

/// The date and time as Kaggle writes them, `2026-11-24T06:01:02.003Z`, without the seconds.
fn minute(date: &str) -> String {
    let (day, time) = date.split_once('T').unwrap_or((date, ""));
    let time: Vec<&str> = time.split(':').take(2).collect();
    term::short(format!("{day} {}", time.join(":")).trim_end(), 20)
}

fn row(one: &Submission, known: &Known) -> Result<Row> {
    let run = match known.by_reference.get(&one.reference) {
        Some((run, upload)) => {
            let mut upload = upload.clone();
            upload.update(one);
            if Uploads::keep(run, &upload)? {
                html::tell_submitted(run);
            }
            Some(run)
        }
        None => known.by_name.get(&one.file_name),
    };
    let summary = run.and_then(|run| run.summary().ok());
    Ok(Row {
        reference: one.reference,
        date: one.date.clone(),
        status: one.status.into(),
        public_score: one.public_score,
        private_score: one.private_score,
        file: one.file_name.clone(),
        message: one.description.clone(),
        error: one.error_description.clone().filter(|text| !text.is_empty()),
        run: run.map(Run::id),
        held_out: summary.map(|summary| summary.score),
    })
}

/// The runs of a competition, by what Kaggle knows of them.
struct Known {
    by_reference: HashMap<u64, (Run, Upload)>,
    by_name: HashMap<String, Run>,
}

impl Known {
    fn read(runs: &Path, competition: &Competition, endpoint: &str) -> Result<Self> {
        let mut known = Self { by_reference: HashMap::new(), by_name: HashMap::new() };
        for run in Run::all(runs, Some(&competition.name))? {
            for upload in Uploads::of(&run)?.uploads {
                if upload.endpoint == endpoint {
                    known.by_reference.insert(upload.reference, (run.clone(), upload));
                }
            }
            known.by_name.insert(run.csv_name(&competition.name), run);
        }
        Ok(known)
    }
}
