//! A CSV that may be sent: what `submit` has written, or one that was made elsewhere and fits.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::broken;
use crate::commands::score;
use crate::competition::{self, Competition};
use crate::dataset::{self, BadImage, SampleSubmission};
use crate::metric::Form;
use crate::run::{Run, Workspace};
use crate::submission::{self, Findings, Misfit};
use crate::term;

/// A CSV that has passed every local check.
pub struct Ready {
    pub competition: Competition,
    /// The run that it comes from, if it is one of the workspace's.
    pub run: Option<Run>,
    pub csv: PathBuf,
    pub n_rows: usize,
    pub notes: Findings,
    /// Test images that could not be used.
    pub broken: Vec<BadImage>,
    /// The score on images held out, decided as this is, where these are ours.
    pub expected: Option<f64>,
}

impl Ready {
    /// Says that it fits, and what is worth a word.
    pub fn print(&self) {
        self.notes.notes().for_each(|note| term::warn(format_args!("{note}")));
        broken::warn(&self.broken);
        let (rows, csv) = (term::thousands(self.n_rows), self.csv.display());
        term::done(format_args!("{rows} rows in `{csv}`"));
    }

    /// The same for a program.
    pub fn to_json(&self) -> Value {
        let mut json = report(&term::path_in_json(&self.csv), true, &self.notes);
        json["competition"] = self.competition.name.as_str().into();
        json["slug"] = self.competition.slug.as_str().into();
        json["run"] = self.run.as_ref().map(Run::id).into();
        json["rows"] = self.n_rows.into();
        json["expected"] = self.expected.into();
        if !self.broken.is_empty() {
            json["broken"] = json!(self.broken);
        }
        json
    }
}

/// A file that must not be sent, for a program.
pub(super) fn misfit_to_json(misfit: &Misfit, csv: Option<&Path>) -> Value {
    let csv = csv.map(term::path_in_json);
    report(csv.as_deref().unwrap_or(misfit.file.trim_matches('`')), false, &misfit.findings)
}

fn report(csv: &str, fits: bool, findings: &Findings) -> Value {
    json!({
        "csv": csv,
        "fits": fits,
        "findings": findings.to_json(),
        "hints": findings.hints(),
    })
}

/// Checks a CSV made elsewhere. Without a competition, it is that of the run which the file is
/// named after, or the one whose submissions have such a header.
pub(super) fn check(
    csv: &Path,
    named: Option<Competition>,
    workspace: &Workspace,
) -> Result<Ready> {
    let run = run_of(csv, &workspace.runs())?;
    let own = run.as_ref().map(Run::competition).transpose()?;
    let run = run.filter(|_| match (&named, &own) {
        (Some(named), Some(own)) => named.slug == own.slug,
        _ => true,
    });
    let competition = match named.or(own) {
        Some(competition) => competition,
        None => by_name(csv)?.map_or_else(|| score::guess(csv), Ok)?,
    };
    let data = workspace.data().join(&competition.name);
    let sample = SampleSubmission::find(&competition, &data)?;
    let is_named = !matches!(competition.submission.form(), Form::Probabilities | Form::Numbers);
    let classes = match &run {
        _ if !is_named => None,
        Some(run) => Some(run.summary()?.classes),
        None => dataset::tags(&competition, &data)?,
    };
    let notes = submission::check(csv, &competition, &sample, classes.as_ref())?;
    let (csv, n_rows) = (csv.to_owned(), sample.ids.len());
    Ok(Ready { competition, run, csv, n_rows, notes, broken: Vec::new(), expected: None })
}

/// The finished run that a file is named after.
fn run_of(csv: &Path, runs: &Path) -> Result<Option<Run>> {
    let name = csv.file_name().unwrap_or_default();
    let named = |run: &Run| {
        let competition = run.folder.parent().and_then(Path::file_name).unwrap_or_default();
        run.is_finished() && *run.csv_name(&competition.to_string_lossy()) == *name
    };
    Ok(Run::all(runs, None)?.into_iter().find(named))
}

/// The competition that a file is named after, as `submit` names files.
fn by_name(csv: &Path) -> Result<Option<Competition>> {
    let name = csv.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rest = |known: &Competition| name.strip_prefix(&known.name).map(str::to_owned);
    let known = competition::all()?;
    Ok(known.into_iter().find(|known| rest(known).is_some_and(|rest| rest.starts_with('-'))))
}
