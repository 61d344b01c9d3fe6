//! The folder itself: runs, spec, wheel, notebook, and what Kaggle's own command wants to know.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::competition::Competition;
use crate::decide::ensemble::members::{self, Member};
use crate::fs;
use crate::run::{Run, Workspace};

/// The notebook, and the line of it that says which data set it belongs to.
const NOTEBOOK: &str = include_str!("../../../notebooks/submit.ipynb");
const PACK_LINE: &str = "PACK = \\\"kaggle-kit-pack\\\"";
/// How it submits.
const SUBMIT: &str = "\\\"kaggle-kit\\\", \\\"submit\\\", competition";
/// Before every name that is made here.
const KIT: &str = "kaggle-kit-";
/// Kaggle's titles and slugs are of 6 to 50 characters; a word more makes the notebook's.
const LONGEST: usize = 42;
const METADATA: &str = "dataset-metadata.json";
const SPEC: &str = "competition.toml";
pub(in crate::commands) const SUBMIT_NOTEBOOK: &str = "submit.ipynb";

/// A pack that is made, or to be made.
pub(in crate::commands) struct Pack {
    pub(in crate::commands) folder: PathBuf,
    /// One model, or those of a blend.
    pub(in crate::commands) members: Vec<Member>,
    pub(in crate::commands) competition: Competition,
    pub(in crate::commands) wheel: Option<PathBuf>,
}

/// What may be there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum There {
    Nothing,
    /// An older pack, which is made of runs and can be made again.
    Pack,
}

impl Pack {
    pub(in crate::commands) fn of(
        members: Vec<Member>,
        workspace: &Workspace,
        folder: Option<PathBuf>,
        wheel: Option<&Path>,
    ) -> Result<Self> {
        let first = members.first().context("no run to pack")?;
        // What cannot be blended here cannot be there.
        if members.len() > 1 {
            members::pool(&members)?;
        }
        let competition = first.runs[0].competition()?;
        let folder = folder.unwrap_or_else(|| workspace.packs().join(&competition.name));
        Ok(Self { folder, members, competition, wheel: find_wheel(wheel, workspace)? })
    }

    /// Its name on Kaggle, the folder's at most with another beginning: where it is attached, this is its
    /// folder, which the notebook looks for.
    pub(in crate::commands) fn slug(&self) -> String {
        slug(&self.folder.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(in crate::commands) fn title(&self) -> String {
        title(&self.slug())
    }

    /// The ids of its runs.
    pub(in crate::commands) fn runs(&self) -> Vec<String> {
        self.all_runs().map(Run::id).collect()
    }

    fn all_runs(&self) -> impl Iterator<Item = &Run> {
        self.members.iter().flat_map(|member| &member.runs)
    }

    /// Makes the folder, whole or not at all.
    pub(in crate::commands) fn make(&self, owner: &str, may_be: There) -> Result<()> {
        let output = &self.folder;
        let is_there = fs::symlink_metadata(output).is_ok();
        let can_go = may_be == There::Pack && is_pack(output);
        ensure!(
            !is_there || can_go,
            "`{}` is there already\nhint: remove it, or name another folder with `--output`",
            output.display()
        );
        let parent = fs::folder_of(output);
        fs::create_dir_all(parent)?;
        let making = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent)?;
        // The one that is made for us is nobody else's to read.
        let pack = making.path().join("pack");
        for run in self.all_runs() {
            let place = pack.join("runs").join(&self.competition.name).join(run.id());
            fs::create_dir_all(&place)?;
            for file in run.files_to_carry()? {
                fs::copy(&file, place.join(file.file_name().unwrap_or_default()))?;
            }
        }
        fs::write_atomic(pack.join(SPEC), &self.competition.source)?;
        let trust = self.all_runs().map(Run::has_backbones).collect::<Result<Vec<_>>>()?;
        let slug = self.slug();
        // One model is all that lies there; those of a blend are named, in their order.
        let blend: Vec<&str> = match self.members.as_slice() {
            [_] => Vec::new(),
            several => several.iter().map(|member| member.name.as_str()).collect(),
        };
        let notebook = notebook(&slug, &blend, trust.contains(&true))?;
        fs::write_atomic(pack.join(SUBMIT_NOTEBOOK), notebook)?;
        let about = serde_json::to_string_pretty(&metadata(&slug, owner))?;
        fs::write_atomic(pack.join(METADATA), about + "\n")?;
        if let Some(wheel) = &self.wheel {
            fs::copy(wheel, pack.join(wheel.file_name().unwrap_or_default()))?;
        }
        if is_there {
            fs::rename(output, making.path().join("old"))?;
        }
        fs::rename(&pack, output)?;
        Ok(())
    }

    /// The notebook as Kaggle's API wants it: without outputs, the source of a cell one text.
    pub(in crate::commands) fn notebook_to_push(&self) -> Result<String> {
        let path = self.folder.join(SUBMIT_NOTEBOOK);
        let mut notebook: Value = serde_json::from_str(&fs::read_to_string(&path)?)
            .with_context(|| format!("`{}` is no notebook", path.display()))?;
        for cell in notebook["cells"].as_array_mut().into_iter().flatten() {
            if let Some(lines) = cell["source"].as_array() {
                let text: String = lines.iter().filter_map(Value::as_str).collect();
                cell["source"] = text.into();
            }
            if cell["outputs"].is_array() {
                cell["outputs"] = json!([]);
            }
        }
        Ok(notebook.to_string())
    }
}

/// Whether a folder is one of ours.
fn is_pack(folder: &Path) -> bool {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|is| is.is_dir());
    is_folder && [METADATA, SPEC, SUBMIT_NOTEBOOK].iter().all(|name| folder.join(name).is_file())
}

/// The wheel that was named, or the newest of a clone.
fn find_wheel(named: Option<&Path>, workspace: &Workspace) -> Result<Option<PathBuf>> {
    if let Some(wheel) = named {
        let is_wheel = wheel.extension().is_some_and(|end| end == "whl");
        if !is_wheel || !wheel.is_file() {
            bail!("`{}` is no wheel\nhint: `make wheel` in a clone makes one", wheel.display());
        }
        return Ok(Some(wheel.to_owned()));
    }
    let Ok(entries) = fs::read_dir(workspace.runs().with_file_name("dist")) else {
        return Ok(None);
    };
    let mut wheels: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    wheels.retain(|path| path.extension().is_some_and(|end| end == "whl"));
    wheels.sort();
    Ok(wheels.pop())
}

/// The notebook that looks for a pack of this name, and predicts with its model, or blends those named. Its
/// owner has made the runs and the pack: where a run brings networks along, they are trusted.
fn notebook(slug: &str, blend: &[&str], trust: bool) -> Result<String> {
    let line = format!("PACK = {}", quoted(slug)?);
    ensure!(NOTEBOOK.contains(PACK_LINE), "the notebook has lost its line `{PACK_LINE}`");
    let text = NOTEBOOK.replace(PACK_LINE, &line);
    ensure!(text.contains(SUBMIT), "the notebook has lost its `{SUBMIT}`");
    let mut command = SUBMIT.to_owned();
    let options = ["--runs"].into_iter().chain(blend.iter().copied());
    for word in options.filter(|_| !blend.is_empty()).chain(trust.then_some("--trust")) {
        command = format!("{command}, {}", quoted(word)?);
    }
    let text = text.replace(SUBMIT, &command);
    serde_json::from_str::<Value>(&text).context("the notebook is no JSON")?;
    Ok(text)
}

/// A text of Python in a text of JSON.
fn quoted(word: &str) -> Result<String> {
    let quoted = serde_json::to_string(&serde_json::to_string(word)?)?;
    Ok(quoted[1..quoted.len() - 1].to_owned())
}

/// A slug of a folder's name: letters, digits and single dashes, with what made it in front.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let words = words.join("-");
    let whole = if words.starts_with(KIT) { words } else { format!("{KIT}{words}") };
    whole.chars().take(LONGEST).collect::<String>().trim_matches('-').to_owned()
}

/// A title of which Kaggle makes that slug.
fn title(slug: &str) -> String {
    let rest = slug.strip_prefix(KIT).unwrap_or(slug);
    format!("{} {}", KIT.trim_end_matches('-'), rest.replace('-', " "))
}

/// What `kaggle datasets create` reads.
fn metadata(slug: &str, owner: &str) -> Value {
    json!({
        "title": title(slug),
        "id": format!("{owner}/{slug}"),
        "licenses": [{ "name": "unknown" }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notebook_looks_for_its_own_pack() {
        let text = notebook("it's \"mine\"", &[], false).unwrap();
        assert!(!text.contains("--trust") && !text.contains("--runs"));
        let command = |blend: &[&str], trust: bool| {
            let cells: Value =
                serde_json::from_str(&notebook("mine", blend, trust).unwrap()).unwrap();
            cells["cells"][4]["source"][0].as_str().unwrap().trim_end().to_owned()
        };
        assert_eq!(
            command(&[], true),
            r#"run("kaggle-kit", "submit", competition, "--trust", "--root", ROOT)"#
        );
        let expected =
            r#"run("kaggle-kit", "submit", competition, "--runs", "a", "b", "--root", ROOT)"#;
        assert_eq!(command(&["a", "b"], false), expected);
        let expected = expected.replace(r#""--root""#, r#""--trust", "--root""#);
        assert_eq!(command(&["a", "b"], true), expected);
        let cells: Value = serde_json::from_str(&text).unwrap();
        let line = cells["cells"][1]["source"][1].as_str().unwrap();
        assert_eq!(line, "PACK = \"it's \\\"mine\\\"\"");
    }

    #[test]
    fn a_slug_and_its_title_are_what_kaggle_takes() {
        for (name, expected) in [
            ("planet", "kaggle-kit-planet"),
            ("My Pack (2)", "kaggle-kit-my-pack-2"),
            ("kaggle-kit-mine", "kaggle-kit-mine"),
            (
                "a-competition-of-a-very-long-name-indeed-it-is",
                "kaggle-kit-a-competition-of-a-very-long-na",
            ),
        ] {
            let (slug, title) = (slug(name), title(&slug(name)));
            assert_eq!(slug, expected);
            // Kaggle's rule for a slug of a title.
            assert_eq!(title.replace(' ', "-"), slug);
            assert!((6..=50).contains(&format!("{title} submit").len()), "{title}");
        }
        assert_eq!(title("kaggle-kit-dog-breed"), "kaggle-kit dog breed");
        assert_eq!(metadata("kaggle-kit-planet", "me")["id"], "me/kaggle-kit-planet");
    }
}
