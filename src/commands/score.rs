//! `kaggle-kit score`: what a submission would score, found offline.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::competition::{self, Competition};
use crate::dataset::{self, SampleSubmission};
use crate::lines;
use crate::metric::Form;
use crate::run::Workspace;
use crate::submission;
use crate::target::Classes;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit score submissions/planet-20261124-101500-3fa9.csv --solution solution.csv
  kaggle-kit score mine.csv --solution solution.csv --competition ./mine.toml --json
The last line is the metric and its value, as in `log-loss 0.03120`.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The submission, a CSV; a run's own score is shown by `kaggle-kit runs`
    #[arg(value_name = "SUBMISSION")]
    pub csv: PathBuf,
    /// A CSV of the true labels, in the competition's own columns
    #[arg(long, value_name = "SOLUTION")]
    pub solution: PathBuf,
    /// The competition or its file, where the header does not tell
    #[arg(long, value_name = "NAME")]
    pub competition: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Scores a submission against the true answers by the competition's own metric; the last line on
/// stdout is `<metric> <value>`. Without a competition, the one whose submissions have such a header.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let competition = match &args.competition {
        Some(name) => workspace.find(name)?,
        None => guess(&args.csv)?,
    };
    let classes = classes_of(&competition, workspace);
    let (score, notes) =
        submission::score(&args.csv, &args.solution, &competition, classes.as_ref())?;
    notes.notes().for_each(term::warn);
    notes.hints().iter().for_each(|hint| term::say(format_args!("hint: {hint}")));
    if args.json {
        return term::json(&json!({
            "competition": competition.name,
            "metric": score.metric.name(),
            "value": score.value,
            "rows": score.n_rows,
            "accuracy": score.accuracy,
            "findings": notes.to_json(),
        }));
    }
    term::out(format_args!("rows {}", score.n_rows));
    if let Some(accuracy) = score.accuracy {
        term::out(format_args!("accuracy {accuracy:.5}"));
    }
    term::out(score.metric.describe(score.value));
    Ok(())
}

/// The classes as the data folder tells them, where there is one.
fn classes_of(competition: &Competition, workspace: &Workspace) -> Option<Classes> {
    let data = workspace.data().join(&competition.name);
    match competition.submission.form() {
        Form::Probabilities | Form::Numbers => {
            let is_table = competition.submission.value_column().is_none();
            if !is_table || !competition.target.classes.is_empty() {
                return None;
            }
            let sample = SampleSubmission::find(competition, &data).ok()?;
            Some(sample.columns().into())
        }
        _ => dataset::tags(competition, &data).ok()?,
    }
}

/// The one known competition whose submissions have the header of `csv`.
pub(super) fn guess(csv: &Path) -> Result<Competition> {
    let bytes = lines::read_table(csv)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
    let header: Vec<String> = reader
        .headers()
        .with_context(|| format!("failed to read `{}`", csv.display()))?
        .iter()
        .map(str::to_owned)
        .collect();
    let known = competition::all()?;
    let mut fitting: Vec<Competition> =
        known.iter().filter(|known| fits(known, &header)).cloned().collect();
    match (fitting.len(), fitting.pop()) {
        (1, Some(only)) => {
            term::say(format_args!("competition `{}`, by the header", only.name));
            Ok(only)
        }
        (0, _) => bail!(
            "`{}` has the header of no known competition\nhint: name it with `--competition`: {}",
            csv.display(),
            names(&known)
        ),
        (_, last) => {
            fitting.extend(last);
            bail!(
                "`{}` has the header of several competitions\nhint: name one with \
                 `--competition`: {}",
                csv.display(),
                names(&fitting)
            )
        }
    }
}

fn fits(competition: &Competition, header: &[String]) -> bool {
    let id = competition.submission.id_column();
    let Some(at) = header.iter().position(|column| column == id) else { return false };
    if let Some(column) = competition.submission.value_column() {
        return header.len() == 2 && header[1 - at] == column;
    }
    let classes = &competition.target.classes;
    let mut others = header.iter().filter(|column| *column != id);
    header.len() > 2 && (classes.is_empty() || others.all(|name| classes.contains(name)))
}

fn names(competitions: &[Competition]) -> String {
    let names: Vec<String> = competitions.iter().map(|c| format!("`{}`", c.name)).collect();
    names.join(", ")
}
