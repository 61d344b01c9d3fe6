//! `kaggle-kit export`: a run as plain timm and PyTorch, for whoever goes on in Python.
//!
//! `described.rs` says in JSON what the network is and how it sees, `decision.rs` how it answers; `model.py`
//! reads that. `pictures.rs` chooses pictures to compare by, `python.rs` has the user's Python make TorchScript and ONNX of it (`convert.py`), and compare
//! all with what the run said of pictures. libtorch is not needed for any of it.

mod decision;
mod described;
mod pictures;
mod python;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use self::decision::Portable;
use self::described::{Network, described};
use self::pictures::pictures;
use self::python::Outcome;
use super::meant;
use super::submit::Plan;
use crate::decide::ensemble::members::{self, Member};
use crate::fs;
use crate::recipe::{Precision, Recipe};
use crate::run::Workspace;
use crate::target::TargetKind;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit export                                   the newest finished run
  kaggle-kit export dog-breed
  kaggle-kit export 20261124-101500-3fa9              of several folds, the mean of all
  kaggle-kit export 20261124-101500-3fa9 --alone      this fold by itself
  kaggle-kit export runs/planet/20261124-101500-3fa9 --output planet-model --python .venv/bin/python
Then, in Python with torch, timm, safetensors, pillow and numpy: `python model.py photo.jpg`.";

const MODEL: &str = "model.json";
const PREPROCESS: &str = "preprocess.json";
const SCRIPT: &str = "model.py";
const SCRIPT_TEXT: &str = include_str!("model.py");

/// So far may a probability be from the run's own, of the same squares.
const TOLERANCE: f64 = 1e-3;
/// The same of runs that were computed in less than single precision, or may have been: `auto` is what the
/// device is made for.
const HALF_TOLERANCE: f64 = 2e-2;

/// So far may a pixel be that Python resizes: PIL and we round after each of two passes.
const LEVELS: u32 = 2;

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run by folder or id, or a competition, for its newest; a fold stands for all folds of its model
    pub run: Option<String>,
    /// This run alone, even if it is one of several folds
    #[arg(long)]
    pub alone: bool,
    /// Where to; `exports/` and the run's id unless it is given
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// The Python that makes TorchScript and ONNX and compares
    #[arg(long, value_name = "PROGRAM", default_value = if cfg!(windows) { "python" } else { "python3" })]
    pub python: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Writes the folder. An error where what was written says something else than the run.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let run = meant::run(args.run.as_deref(), workspace)?;
    let folder = args.output.clone().unwrap_or_else(|| workspace.exports().join(run.id()));
    ensure_ours(&folder)?;
    let member = if args.alone { members::alone(run)? } else { members::of(run)? };
    let first = member.runs.first().context("a model without runs")?;
    let (competition, recipe) = (first.competition()?, first.recipe()?);
    let members = [member];
    let plan = Plan::choose(&members)?;
    let [member] = members;
    let portable = Portable::of(plan.decision(), &member.classes);
    clear(&folder)?;
    let networks = networks(&member, &folder)?;
    let (model, preprocess) = described(&networks, &competition, &recipe, member.score, &portable)?;

    let mut files = vec![SCRIPT.to_owned(), PREPROCESS.to_owned(), MODEL.to_owned()];
    files.extend(networks.iter().flat_map(|of| of.weights.clone()));
    fs::write_atomic(folder.join(PREPROCESS), text(&preprocess)?)?;
    fs::write_atomic(folder.join(SCRIPT), SCRIPT_TEXT)?;
    fs::write_atomic(folder.join(MODEL), text(&model)?)?;
    if networks.len() > 1 {
        term::say(format_args!("   the mean of {}", member.extent()));
    }

    let decoded = tempfile::tempdir()?;
    let data = workspace.data().join(&competition.name);
    let pictures = pictures(&networks, &competition, plan.decision(), &data, decoded.path());
    let kind = competition.target.kind;
    let is_relative = matches!(kind, TargetKind::Ordinal | TargetKind::Number);
    let (pictures, no_pictures) = match pictures {
        Ok(pictures) => (pictures, None),
        Err(error) => (Vec::new(), Some(term::describe(&error).0)),
    };
    let mut outcome = python::convert(&args.python, &folder, &pictures, is_relative)?;
    if portable.why_not.is_some() {
        // What is handed on is no answer, and none of the run's.
        outcome.answers = None;
    }
    outcome.left_out.extend(portable.why_not.map(|why| ("answers".to_owned(), why)));
    outcome.left_out.extend(no_pictures.map(|why| ("comparison".to_owned(), why)));
    files.extend(outcome.made.iter().cloned());
    tell(args, &folder, &files, &outcome, pictures.len())?;
    ensure_same(&outcome, &recipe)
}

/// The networks of a model, their weights copied into the folder.
fn networks(member: &Member, folder: &Path) -> Result<Vec<Network>> {
    let mut networks = Vec::new();
    for (place, run) in member.runs.iter().enumerate() {
        let summary = run.summary()?;
        let mut weights = Vec::new();
        for (nth, of) in (1..).zip(run.weights(&summary)?) {
            let stem = match (member.runs.len(), member.folds) {
                (1, _) => "model".to_owned(),
                (_, 0) => format!("network-{place}"),
                _ => format!("fold-{place}"),
            };
            let cycle = if nth == 1 { String::new() } else { format!("-{nth}") };
            let name = format!("{stem}{cycle}.safetensors");
            let bytes = fs::read(run.file(&of.file))
                .with_context(|| format!("`{}` has no weights", run.folder.display()))?;
            fs::write_atomic(folder.join(&name), bytes)?;
            weights.push(name);
        }
        networks.push(Network { run: run.clone(), summary, weights });
    }
    Ok(networks)
}

fn text(json: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(json)? + "\n")
}

/// A folder that has something else in it is left alone.
fn ensure_ours(folder: &Path) -> Result<()> {
    if folder.join(MODEL).is_file() || !folder.exists() {
        return Ok(());
    }
    ensure!(
        folder.is_dir() && fs::read_dir(folder)?.next().is_none(),
        "`{}` is there already and was not written by `export`\nhint: name another folder with `--output`",
        folder.display()
    );
    Ok(())
}

/// Removes networks of an earlier export, which may have had other folds, or another Python: what is there in
/// the end is of this model.
fn clear(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let of = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, end) = (of(path.file_stem()), of(path.extension()));
        let is_network = stem == "model"
            || ["model-", "network-", "fold-"].iter().any(|of| stem.starts_with(of));
        if is_network && ["safetensors", "pt", "onnx"].contains(&end.as_str()) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Says what was written, and how it compares.
fn tell(args: &Args, folder: &Path, files: &[String], outcome: &Outcome, n: usize) -> Result<()> {
    for (what, why) in &outcome.left_out {
        term::warn(format_args!("without {what}: {}", why.lines().next().unwrap_or_default()));
    }
    if outcome.lacks_python() {
        term::say(
            "hint: `pip install torch timm safetensors pillow numpy onnx onnxruntime`, then export again \
                   and name that Python with `--python`",
        );
    }
    if let Some(worst) = outcome.compared().map(|(_, worst)| worst).reduce(f64::max)
        && worst > TOLERANCE
    {
        term::warn(format_args!(
            "what was written differs from the run by more than {TOLERANCE}: the run was computed in less than \
             single precision, or the one does not do what the other does"
        ));
    }
    if !outcome.checks.is_empty() && n > 0 {
        let of = |(file, worst): (&str, f64)| format!("{file} {worst:.1e}");
        let all: Vec<String> = outcome.compared().map(of).collect();
        term::say(format_args!(
            "   of {}, what is said differs at most by: {}",
            term::count(n, "picture"),
            all.join(", ")
        ));
        if let (Some(levels), Some(of_files)) = (outcome.levels, &outcome.of_files) {
            term::say(format_args!(
                "   where Python decodes and resizes the files itself, pixels by {levels} of 255, what is said by {:.1e}",
                of_files.worst
            ));
        }
    }
    if args.json {
        return term::json(&json!({
            "folder": term::path_in_json(folder),
            "files": files,
            "left-out": outcome.left_out,
            "pictures": n,
            "checks": outcome.checks,
            "levels": outcome.levels,
            "of-files": outcome.of_files,
            "answers": outcome.answers,
        }));
    }
    term::say(format_args!("   {}", files.join(", ")));
    term::path(folder);
    Ok(())
}

/// Refuses what does not say what the run says.
fn ensure_same(outcome: &Outcome, recipe: &Recipe) -> Result<()> {
    let tolerance = match recipe.optimizer.precision {
        Precision::F32 => TOLERANCE,
        _ => HALF_TOLERANCE,
    };
    for check in &outcome.checks {
        // What is no number is not within anything.
        let is_near = check.worst <= tolerance;
        if !is_near {
            bail!(
                "`{}` says something else than the run: it is off by {:.4} at `{}`, and at most {tolerance} is \
                 expected\nhint: are the pictures those that it was trained with, and timm and torch new enough?",
                check.file,
                check.worst,
                check.picture.as_deref().unwrap_or_default()
            );
        }
    }
    if let Some(levels) = outcome.levels {
        ensure!(
            levels <= LEVELS,
            "`{SCRIPT}` sees other pixels than the run: one is off by {levels} of 255, and at most {LEVELS} is \
             expected\nhint: is Pillow new enough?"
        );
    }
    if let Some(answers) = &outcome.answers {
        ensure!(
            answers.same == answers.of,
            "`{SCRIPT}` answers {} of {} pictures as the run does: this is a bug of kaggle-kit; \
             what the network says is right",
            answers.same,
            answers.of
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
