//! `kaggle-kit pack`: a run as a folder that becomes a data set on Kaggle, with the notebook that predicts
//! a hidden test set with it: the way into competitions that take notebooks only.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::meant;
use crate::competition::UploadBy;
use crate::decide::ensemble::members::Member;
use crate::fs;
use crate::run::{Run, Workspace};
use crate::term;
use crate::typed;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit pack                                     the newest finished run
  kaggle-kit pack planet --wheel dist/kaggle_kit-0.1.0-py3-none-manylinux_2_35_x86_64.whl
  kaggle datasets create -p packs/planet              what uploads it (Kaggle's own command)
A fold stands for all folds of its model. docs/notebooks.md tells the way from there.";

/// The notebook, and the line of it that says which folder it belongs to.
const NOTEBOOK: &str = include_str!("../../notebooks/submit.ipynb");
const PACK_LINE: &str = "PACK = \\\"kaggle-kit-pack\\\"";
/// How it submits.
const SUBMIT: &str = "\\\"kaggle-kit\\\", \\\"submit\\\"";
/// Kaggle's titles of data sets are of 6 to 50 characters.
const TITLE: std::ops::RangeInclusive<usize> = 6..=50;

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run by folder or id, or a competition, for its newest
    pub run: Option<String>,
    /// kaggle-kit's wheel, to be installed without a network; without it, the newest in dist/
    #[arg(long, value_name = "FILE")]
    pub wheel: Option<PathBuf>,
    /// Your name on Kaggle, for the data set's address
    #[arg(long, value_name = "NAME", default_value = "INSERT_YOUR_NAME_HERE")]
    pub owner: String,
    /// The folder to make; without it, packs/ and the competition's name
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let member = meant::member(args.run.as_deref(), workspace)?;
    let competition = member.runs[0].competition()?;
    let beside = || workspace.packs().join(&competition.name);
    let output = args.output.clone().unwrap_or_else(beside);
    ensure!(
        fs::symlink_metadata(&output).is_err(),
        "`{}` is there already\nhint: remove it, or name another folder with `--output`",
        output.display()
    );
    let wheel = wheel(args, workspace)?;
    let name = output.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = fs::folder_of(&output);
    fs::create_dir_all(parent)?;
    // It appears whole or not at all.
    let making = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent)?;
    // The one that is made for us is nobody else's to read.
    let pack = making.path().join("pack");
    for run in &member.runs {
        let place = pack.join("runs").join(&competition.name).join(run.id());
        fs::create_dir_all(&place)?;
        for file in run.files_to_carry()? {
            fs::copy(&file, place.join(file.file_name().unwrap_or_default()))?;
        }
    }
    fs::write_atomic(pack.join("competition.toml"), &competition.source)?;
    let trust = member.runs.iter().map(Run::has_backbones).collect::<Result<Vec<_>>>()?;
    fs::write_atomic(pack.join("submit.ipynb"), notebook(&name, trust.contains(&true))?)?;
    let about = serde_json::to_string_pretty(&metadata(&competition.name, &name, &args.owner))?;
    fs::write_atomic(pack.join("dataset-metadata.json"), about + "\n")?;
    if let Some(wheel) = &wheel {
        fs::copy(wheel, pack.join(wheel.file_name().unwrap_or_default()))?;
    }
    fs::rename(&pack, &output)?;
    tell(args, &member, &output, wheel.as_deref(), competition.upload)
}

/// The wheel that was named, or the newest of a clone.
fn wheel(args: &Args, workspace: &Workspace) -> Result<Option<PathBuf>> {
    if let Some(wheel) = &args.wheel {
        let is_wheel = wheel.extension().is_some_and(|end| end == "whl");
        if !is_wheel || !wheel.is_file() {
            bail!("`{}` is no wheel\nhint: `make wheel` in a clone makes one", wheel.display());
        }
        return Ok(Some(wheel.clone()));
    }
    let Ok(entries) = fs::read_dir(workspace.runs().with_file_name("dist")) else {
        return Ok(None);
    };
    let mut wheels: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    wheels.retain(|path| path.extension().is_some_and(|end| end == "whl"));
    wheels.sort();
    Ok(wheels.pop())
}

/// The notebook that looks for a pack of this name. Its owner has made the run and the pack: where the run
/// brings networks along, they are trusted.
fn notebook(name: &str, trust: bool) -> Result<String> {
    // In a text of JSON in a text of Python.
    let quoted = serde_json::to_string(&serde_json::to_string(name)?)?;
    let line = format!("PACK = {}", &quoted[1..quoted.len() - 1]);
    ensure!(NOTEBOOK.contains(PACK_LINE), "the notebook has lost its line `{PACK_LINE}`");
    let text = NOTEBOOK.replace(PACK_LINE, &line);
    ensure!(text.contains(SUBMIT), "the notebook has lost its `{SUBMIT}`");
    let trusted = format!("{SUBMIT}, \\\"--trust\\\"");
    let text = if trust { text.replace(SUBMIT, &trusted) } else { text };
    serde_json::from_str::<Value>(&text).context("the notebook is no JSON")?;
    Ok(text)
}

/// What `kaggle datasets create` reads.
fn metadata(competition: &str, name: &str, owner: &str) -> Value {
    let slug: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let slug = slug.to_ascii_lowercase();
    let mut title = format!("kaggle-kit {competition}");
    title.truncate(*TITLE.end());
    debug_assert!(TITLE.contains(&title.len()));
    json!({
        "title": title,
        "id": format!("{owner}/{slug}"),
        "licenses": [{ "name": "unknown" }],
    })
}

fn tell(
    args: &Args,
    member: &Member,
    output: &Path,
    wheel: Option<&Path>,
    upload: UploadBy,
) -> Result<()> {
    let runs: Vec<String> = member.runs.iter().map(Run::id).collect();
    if wheel.is_none() {
        term::warn(
            "no wheel goes along: in a notebook without internet nothing can be installed\nhint: `make \
             wheel` in a clone makes one; name it with `--wheel`",
        );
    }
    if upload != UploadBy::Notebook {
        term::say("   the competition takes CSVs as well: `kaggle-kit submit --upload -m TEXT`");
    }
    term::done(format_args!("{} in `{}`", term::count(runs.len(), "run"), output.display()));
    term::say(format_args!(
        "   next: `kaggle datasets create -p {}`, then a notebook of `submit.ipynb` with that data set and \
         the competition attached",
        typed::quoted(&output.display().to_string())
    ));
    if args.json {
        let wheel = wheel.map(term::path_in_json);
        term::json(&json!({ "folder": term::path_in_json(output), "runs": runs, "wheel": wheel }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notebook_looks_for_its_own_pack() {
        let text = notebook("it's \"mine\"", false).unwrap();
        assert!(!text.contains("--trust"));
        let trusted: Value = serde_json::from_str(&notebook("mine", true).unwrap()).unwrap();
        assert!(trusted.to_string().contains(r#"\"submit\", \"--trust\", competition"#));
        let cells: Value = serde_json::from_str(&text).unwrap();
        let line = cells["cells"][1]["source"][1].as_str().unwrap();
        assert_eq!(line, "PACK = \"it's \\\"mine\\\"\"");
    }

    #[test]
    fn a_data_set_has_an_address_and_a_title_of_the_right_length() {
        let about = metadata("a-competition-of-a-very-long-name-indeed-it-is", "My Pack", "me");
        assert_eq!(about["id"], "me/my-pack");
        assert!(TITLE.contains(&about["title"].as_str().unwrap().len()));
    }
}
