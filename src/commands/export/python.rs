//! The user's own Python: what it makes of the folder, and how that compares.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::term;

const CONVERT: &str = include_str!("convert.py");
/// So much of what Python says of an error is told.
const SHOWN: usize = 400;

/// A picture that the run held out.
#[derive(Debug, Serialize)]
pub(super) struct Picture {
    pub(super) id: String,
    /// Whose: which of the model's networks has held it out.
    pub(super) network: usize,
    /// Its file; none where it is of several.
    #[serde(serialize_with = "as_python_has_it")]
    pub(super) path: Option<PathBuf>,
    /// Its pixels, in a file without loss.
    pub(super) decoded: PathBuf,
    /// The squares of it that the run saw, likewise, each with its share of the shorter side.
    pub(super) squares: Vec<(f64, PathBuf)>,
    /// What the run said of it, before anything was decided.
    pub(super) said: Vec<f32>,
    /// What was answered by that.
    pub(super) answer: Value,
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn as_python_has_it<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_deref().map(term::path_in_json).serialize(serializer)
}

/// What came of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    pub(super) made: Vec<String>,
    /// What there is not, and why.
    pub(super) left_out: Vec<(String, String)>,
    /// From the squares that the run saw.
    pub(super) checks: Vec<Check>,
    /// How far squares are that Python resizes, in 255ths.
    pub(super) levels: Option<u32>,
    /// From the files, as Python decodes them.
    pub(super) of_files: Option<Check>,
    pub(super) answers: Option<Same>,
}

/// How far a file is from what the run said.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) file: String,
    pub(super) worst: f64,
    pub(super) picture: Option<String>,
}

/// How many answers are the run's own, by what the run said.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Same {
    pub(super) same: usize,
    pub(super) of: usize,
}

impl Outcome {
    /// Whether no network could be built.
    pub(super) fn lacks_python(&self) -> bool {
        self.checks.is_empty() && self.left_out.iter().any(|(file, _)| file == "model.pt")
    }

    pub(super) fn compared(&self) -> impl Iterator<Item = (&str, f64)> {
        self.checks.iter().map(|check| (check.file.as_str(), check.worst))
    }
}

/// Has `python` make TorchScript and ONNX in `folder`, and compare all with what the run said. Without such
/// a Python they are left out.
pub(super) fn convert(
    python: &Path,
    folder: &Path,
    pictures: &[Picture],
    is_relative: bool,
) -> Result<Outcome> {
    let mut command = Command::new(python);
    command.args(["-c", CONVERT]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            let why = format!("`{}` does not start: {error}", python.display());
            let files = ["model.pt", "model.onnx"];
            let left_out = files.map(|file| (file.to_owned(), why.clone())).to_vec();
            return Ok(Outcome { left_out, ..Outcome::default() });
        }
    };
    let wanted = json!({ "pictures": pictures, "relative": is_relative }).to_string();
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended already says why itself.
        let _ = stdin.write_all(wanted.as_bytes());
    }
    let output = child.wait_with_output().context("failed to wait for Python")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().next_back().unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(outcome) if output.status.success() => Ok(outcome),
        _ => {
            let trouble = String::from_utf8_lossy(&output.stderr);
            let trouble = trouble.trim().lines().next_back().unwrap_or("it said nothing");
            bail!(
                "`{}` failed with `{}`: {}\nhint: `{}` has all that is needed to look closer: run \
                 `python model.py` there",
                python.display(),
                folder.display(),
                term::short(trouble, SHOWN),
                folder.display()
            )
        }
    }
}
