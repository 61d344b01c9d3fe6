//! `kaggle-kit enter`: the whole way with one command. Each stage is a command of its own, with its usual
//! output and exit code; what is done already is not done again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::fetch::Fetched;
use super::stage;
use super::train::{AllImages, Refit};
use crate::competition::{self, Competition};
use crate::device::DeviceChoice;
use crate::recipe::Preset;
use crate::report::html;
use crate::run::{Run, Workspace};
use crate::term;
use crate::words;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit enter dogs-vs-cats
  kaggle-kit enter paddy-disease-classification --preset quick
  kaggle-kit enter ~/Downloads/paddy --yes            writes the spec as well
  kaggle-kit enter planet --preset best --set backbone=convnext_small
  kaggle-kit enter planet --max-minutes 20 --upload -m 'first try'
Run again, it goes on where it stood; what is done is not done again.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, a spec file (.toml), or a folder or archive with the data
    #[arg(value_name = "SLUG|SPEC|FOLDER")]
    pub competition: String,
    /// How much to do: quick, good or best (`train --preset`)
    #[arg(long, value_name = "HOW", value_parser = words::parser::<Preset>(), default_value = "good")]
    pub preset: Preset,
    /// Take a quicker preset where training would take longer than so many minutes
    #[arg(long, value_name = "MINUTES")]
    pub max_minutes: Option<f64>,
    #[command(flatten)]
    pub all_images: AllImages,
    /// One setting of the recipe (repeatable), as `train` takes it
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Take data already at hand: a folder in Kaggle's layout, or an archive (repeatable)
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Ask nothing where a spec is written: take the likeliest answers
    #[arg(short, long)]
    pub yes: bool,
    /// Send the submission to Kaggle
    #[arg(long, requires = "message")]
    pub upload: bool,
    /// The upload's description
    #[arg(short, long, value_name = "TEXT", requires = "upload")]
    pub message: Option<String>,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
}

/// Goes all the way; the CSV's path is the last line on stdout.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let entry = Entry { args, workspace };
    stage::listen_for_interrupts();
    let (named, from) = entry.spec()?;
    let competition = competition::find(&named)?;
    entry.ensure_same_data(&competition)?;
    entry.fetch(&named, &from)?;
    let runs = entry.train(&named)?;
    let told = entry.submit(&runs)?;
    entry.tell(&competition, &runs, told["expected"].as_f64())?;
    term::path(Path::new(told["csv"].as_str().context("`submit` told of no CSV")?));
    Ok(())
}

struct Entry<'a> {
    args: &'a Args,
    workspace: &'a Workspace,
}

impl Entry<'_> {
    /// What the competition is called, and where its data are if they are here: of one that has no spec yet
    /// one is written.
    fn spec(&self) -> Result<(String, Vec<PathBuf>)> {
        let typed = &self.args.competition;
        let place = Path::new(typed);
        let has_data = has_data(place);
        if !has_data && (is_spec(place) || competition::find(typed).is_ok()) {
            return Ok((typed.clone(), self.args.from.clone()));
        }
        let spec = self.workspace.within(&format!("{}.toml", name_of(place))).root().to_owned();
        // The record of where data are from is read in other folders, too.
        let from = if has_data { vec![place.canonicalize()?] } else { self.args.from.clone() };
        if spec.is_file() {
            term::say(format_args!("   the spec is there: `{}`", spec.display()));
        } else {
            let mut command = self.command("new")?;
            command.arg(typed).arg("--output").arg(&spec);
            if self.args.yes {
                command.arg("--yes");
            }
            self.with_endpoint(&mut command);
            // Its last line is for who goes on by hand.
            stage::waited_for("new", command.stdout(Stdio::null()))?;
        }
        let named = spec.to_str().context("the spec's path is no text")?.to_owned();
        let is_bare = !named.contains(['/', '\\']);
        Ok((if is_bare { format!("./{named}") } else { named }, from))
    }

    /// A folder is called by its last part, as another may be whose data are here.
    fn ensure_same_data(&self, competition: &Competition) -> Result<()> {
        let (typed, data) = (&self.args.competition, self.workspace.data().join(&competition.name));
        let place = Path::new(typed);
        if !has_data(place) {
            return Ok(());
        }
        let place = place.canonicalize()?;
        let sources = Fetched::read(&data)?.map(|fetched| fetched.sources).unwrap_or_default();
        // What is no longer there, or is told from some other folder, cannot be told from it.
        let absolute = sources.iter().map(Path::new).filter(|source| source.is_absolute());
        let known: Vec<PathBuf> =
            absolute.filter_map(|source| source.canonicalize().ok()).collect();
        ensure!(
            known.is_empty() || known.contains(&place),
            "`{1}` holds what was taken from `{2}`, and `{typed}`, which is called the same, is another\nhint: \
             to go on with what is there give its spec, `{0}.toml`; for the other take another name, or another \
             place, such as `--root {0}-2`",
            competition.name,
            data.display(),
            sources.join("`, `"),
        );
        Ok(())
    }

    fn fetch(&self, named: &str, from: &[PathBuf]) -> Result<()> {
        let mut command = self.command("fetch")?;
        command.arg(named);
        for path in from {
            command.arg("--from").arg(path);
        }
        self.with_endpoint(&mut command);
        stage::waited_for("fetch", command.stdout(Stdio::null()))
    }

    /// The runs of the model that is trained, or was before.
    fn train(&self, named: &str) -> Result<Vec<Run>> {
        let Args { preset, max_minutes, settings, device, .. } = self.args;
        let refit = self.args.all_images.refit;
        let mut command = self.command("train")?;
        command.arg(named).args(["--json", "--preset", preset.word()]);
        if let Some(minutes) = max_minutes {
            command.arg("--max-minutes").arg(minutes.to_string());
        }
        for setting in settings {
            command.arg("--set").arg(setting);
        }
        if refit != Refit::Auto {
            command.arg(format!("--refit={refit}"));
        }
        command.arg("--device").arg(device.to_string());
        let told = stage::output_of("train", &mut command)?;
        let told = match told {
            Value::Array(runs) => runs,
            one => vec![one],
        };
        let folder = |run: &Value| {
            let folder = run["folder"].as_str().context("`train` told of no folder")?;
            Run::open(Path::new(folder))
        };
        told.iter().map(folder).collect()
    }

    /// What `submit` tells of the CSV.
    fn submit(&self, runs: &[Run]) -> Result<Value> {
        let run = runs.first().context("nothing was trained")?;
        let mut command = self.command("submit")?;
        // A fold stands for all folds of its model.
        command.arg("--runs").arg(&run.folder).arg("--json");
        command.arg("--device").arg(self.args.device.to_string());
        if let Some(message) = &self.args.message {
            command.args(["--upload", "--message", message]);
            self.with_endpoint(&mut command);
        }
        stage::output_of("submit", &mut command)
    }

    /// The score that is to be expected, and where it would stand.
    fn tell(&self, competition: &Competition, runs: &[Run], expected: Option<f64>) -> Result<()> {
        let Some(score) = expected else { return Ok(()) };
        // Networks by one plan have all held out the same images, folds each others.
        let is_folded = |run: &Run| run.summary().is_ok_and(|summary| summary.folds > 0);
        let parts = if runs.iter().all(is_folded) { runs } else { &runs[..runs.len().min(1)] };
        let n = parts.len().max(1) as f64;
        let errors: Option<Vec<f64>> =
            parts.iter().map(|run| html::standard_error(run).ok().flatten()).collect();
        let error = errors.map(|errors| errors.iter().map(|e| e * e).sum::<f64>().sqrt() / n);
        let error = error.map_or_else(String::new, |error| format!(" \u{b1} {error:.5}"));
        term::say(format_args!(
            "expected: {} {score:.5}{error}, by the images held out",
            competition.metric.name()
        ));
        let mut command = self.command("leaderboard")?;
        command.arg(self.args.competition_of(competition)).args(["--top", "0"]);
        command.arg("--score").arg(score.to_string());
        self.with_endpoint(&mut command);
        // Nobody needs Kaggle to have a CSV.
        let asked =
            command.stderr(Stdio::null()).output().context("failed to ask for the board")?;
        let place = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        if asked.status.success() && !place.is_empty() {
            term::say(place);
        } else {
            term::detail("where that would stand is not known: the leaderboard cannot be asked");
        }
        Ok(())
    }

    fn command(&self, name: &str) -> Result<Command> {
        stage::command(name, self.workspace)
    }

    fn with_endpoint(&self, command: &mut Command) {
        if let Some(endpoint) = &self.args.endpoint {
            command.arg("--endpoint").arg(endpoint);
        }
    }
}

impl Args {
    fn competition_of(&self, competition: &Competition) -> String {
        if is_spec(Path::new(&self.competition)) || Path::new(&self.competition).exists() {
            competition.slug.clone()
        } else {
            self.competition.clone()
        }
    }
}

/// Whether it is a folder or an archive, not a name or a spec.
fn has_data(place: &Path) -> bool {
    place.is_dir() || (place.is_file() && !is_spec(place))
}

fn is_spec(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// The last part of a slug, an address or a path, as a file may be called.
fn name_of(place: &Path) -> String {
    let last = place.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = last.chars().map(letter).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "competition".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::fs;

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_folder_that_is_called_as_another_is_not_taken_for_it() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path());
        let planet = competition::find("planet").unwrap();
        let [one, other] = ["one/data", "other/data"].map(|name| root.path().join(name));
        fs::create_dir_all(&one).unwrap();
        fs::create_dir_all(&other).unwrap();
        let checked = |typed: &Path| {
            let args = Typed::parse_from([Path::new("enter"), typed]).args;
            Entry { args: &args, workspace: &workspace }.ensure_same_data(&planet)
        };
        checked(&one).unwrap();
        let record = format!(
            "version = 2\nslug = \"p\"\nwhen = \"\"\nsources = [{:?}]\ntrain-images = 1\n\
             test-images = 1\nclasses = 1\n",
            one.display().to_string()
        );
        let data = workspace.data().join("planet");
        fs::write_atomic(data.join("fetched.toml"), record).unwrap();
        checked(&one).unwrap();
        let error = checked(&other).unwrap_err().to_string();
        assert!(
            error.contains("is called the same") && error.contains("--root planet-2"),
            "{error}"
        );
        checked(Path::new("planet")).unwrap();
        fs::remove_dir_all(&one).unwrap();
        checked(&other).unwrap();
    }
}
