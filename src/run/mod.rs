//! The run folder: what `train` leaves for `submit`, typed.
//!
//! `runs/<competition>/<time>-<hash>/` holds `competition.toml`, `recipe.toml`, `split.csv`,
//! `events.jsonl`, `steps.csv`, `lr-find.csv`, `weights.safetensors`, `views.toml`,
//! `decision.toml`, `valid-predictions.csv`, `report.html` and, last of all, `summary.toml`: a run
//! without one is unfinished, and `checkpoint/` has what it goes on from. With the test images, the
//! folder alone suffices to submit; what it says of them is kept in `test-predictions.csv`, what
//! comes of it in `submission.toml`.

pub mod checkpoint;
mod curve;
mod event;
mod journal;
mod number;
mod score;
mod stage;
mod workspace;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::competition::Competition;
use crate::fs;
use crate::recipe::{Layer, Recipe};
use crate::target::Classes;

pub use self::curve::{RateChoice, RateCurve, RateReason, Suggestions, Sweep, SweepEnd};
pub use self::event::{Epoch, Event, Listener, Step};
pub use self::journal::{Entry, Journal, Position};
pub use self::score::Score;
pub use self::stage::Stage;
pub use self::workspace::Workspace;

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it is.
    pub folder: PathBuf,
}

/// What a finished run says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Of this file's layout.
    pub version: u32,
    /// The competition's short name.
    pub competition: String,
    /// When the run was finished, RFC 3339.
    pub finished: String,
    /// The program that made it.
    pub program: String,
    /// The device it ran on.
    pub device: String,
    /// The competition's metric.
    pub metric: String,
    /// Its value on the validation images, decided and with test-time augmentation.
    pub score: f64,
    /// Images trained on.
    pub train_images: usize,
    /// Images held out.
    pub valid_images: usize,
    /// Wall time in all.
    pub seconds: f64,
    /// Everything random followed from it.
    #[serde(default)]
    pub seed: u64,
    /// How many folds there are; 0: a single hold-out.
    #[serde(default)]
    pub folds: usize,
    /// Which of them this run held out, from 1.
    #[serde(default)]
    pub fold: usize,
    /// A name for all folds of one model: what it follows from is the same for all of them.
    #[serde(default)]
    pub group: String,
    /// The files whose predictions are averaged; empty in runs of older versions.
    #[serde(default)]
    pub weights: Vec<String>,
    /// The vocabulary, in the order of the network's outputs.
    pub classes: Classes,
    /// Wall time of each stage, in order.
    pub stages: Vec<StageTime>,
}

/// A line of the summary's table of stages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage's title.
    pub stage: String,
    /// Wall time.
    pub seconds: f64,
    /// What it found.
    pub found: String,
}

/// The file that makes a run a finished one.
const SUMMARY: &str = "summary.toml";
/// Which images were trained on and held out, with their labels: `id,part,labels`.
pub const SPLIT: &str = "split.csv";
/// What stands between two labels of a row of [`SPLIT`].
pub const LABEL_SEPARATOR: &str = "|";
/// What the run says about the images that it held out: `id,class,class,...`.
pub const VALID_PREDICTIONS: &str = "valid-predictions.csv";
/// What the run says about the test images, once it was asked: `id,class,class,...`.
pub const TEST_PREDICTIONS: &str = "test-predictions.csv";
/// Which views of an image are used to predict it.
pub const VIEWS: &str = "views.toml";
/// What is done to probabilities before they are submitted.
pub const DECISION: &str = "decision.toml";
/// What happened, a line an event.
pub const EVENTS: &str = "events.jsonl";
/// A line a step of training.
pub const STEPS: &str = "steps.csv";
/// The sweeps of the learning-rate finder.
pub const RATES: &str = "lr-find.csv";
/// The best weights.
pub const WEIGHTS: &str = "weights.safetensors";
/// The run as a page.
pub const REPORT: &str = "report.html";
/// The folder of what an unfinished run goes on from.
pub const CHECKPOINT: &str = "checkpoint";

/// The name of the file with the weights at the end of a cycle.
pub fn cycle_file(stage: Stage, number: usize) -> String {
    format!("cycle-{}-{number}.safetensors", stage.number())
}

impl Run {
    /// Makes a new folder under `runs/<competition>/`, named after the time and what was asked for.
    pub fn create(runs: &Path, competition: &Competition, recipe: &Recipe) -> Result<Self> {
        let recipe = toml::to_string(recipe)?;
        let now = jiff::ZonedDateTime::now();
        let hash = Sha256::digest(format!("{now}{recipe}{}", competition.source));
        let name = format!("{}-{:02x}{:02x}", now.strftime("%Y%m%d-%H%M%S"), hash[0], hash[1]);
        let folder = runs.join(&competition.name).join(name);
        fs::create_dir_all(&folder)?;
        let run = Self { folder };
        run.write("recipe.toml", recipe)?;
        run.write("competition.toml", &competition.source)?;
        Ok(run)
    }

    /// The unfinished runs of the same competition and recipe, newest first.
    pub fn unfinished(
        runs: &Path,
        competition: &Competition,
        recipe: &Recipe,
    ) -> Result<Vec<Self>> {
        let recipe = toml::to_string(recipe)?;
        let is_same = |run: &Self, name: &str, text: &str| {
            fs::read_to_string(run.file(name)).is_ok_and(|found| found == text)
        };
        let mut all = Self::all(runs, Some(&competition.name))?;
        all.retain(|run| {
            !run.is_finished()
                && is_same(run, "recipe.toml", &recipe)
                && is_same(run, "competition.toml", &competition.source)
        });
        all.reverse();
        Ok(all)
    }

    /// The right to train the run, for as long as the file is open; none while another process has
    /// it. A file system without locks has to do without.
    pub fn lock(&self) -> Result<Option<fs::File>> {
        let folder = self.file(CHECKPOINT);
        fs::create_dir_all(&folder)?;
        let file = fs::File::options().write(true).create(true).open(folder.join("lock"))?;
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Some(file)),
        }
    }

    /// The finished run of a group that held out `fold`, if there is one.
    pub fn of_fold(
        runs: &Path,
        competition: &str,
        group: &str,
        fold: usize,
    ) -> Result<Option<Self>> {
        let all = Self::all(runs, Some(competition))?;
        let is_it = |run: &Self| {
            run.summary().is_ok_and(|summary| summary.group == group && summary.fold == fold)
        };
        Ok(all.into_iter().rev().filter(Self::is_finished).find(is_it))
    }

    /// All runs of a competition, or of all of them, oldest first.
    pub fn all(runs: &Path, competition: Option<&str>) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for folder in folders_in(runs)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if competition.is_none_or(|wanted| wanted == name) {
                found.extend(Self::in_folder(&folder)?);
            }
        }
        found.sort_by_key(Self::id);
        Ok(found)
    }

    /// The runs that lie in a folder, oldest first; none where there is no such folder.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        Ok(folders_in(folder)?.into_iter().map(|folder| Self { folder }).collect())
    }

    /// The newest finished run.
    pub fn newest(runs: &Path, competition: Option<&str>) -> Result<Self> {
        let all = Self::all(runs, competition)?;
        if let Some(run) = all.iter().rev().find(|run| run.is_finished()) {
            return Ok(run.clone());
        }
        let what = competition.map(|name| format!(" of `{name}`")).unwrap_or_default();
        let unfinished = match all.len() {
            0 => String::new(),
            n => format!(" ({n} unfinished)"),
        };
        let name = competition.unwrap_or("<competition>");
        bail!(
            "no finished run{what} in `{}`{unfinished}\nhint: run `kaggle-kit train {name}`",
            runs.display()
        )
    }

    /// A run's folder given by path.
    pub fn open(folder: &Path) -> Result<Self> {
        let run = Self { folder: folder.to_owned() };
        if !run.is_finished() {
            bail!(
                "`{}` holds no finished run: it has no `{SUMMARY}`\nhint: `kaggle-kit list` shows \
                 the runs there are",
                folder.display()
            );
        }
        Ok(run)
    }

    /// The folder's name.
    pub fn id(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.file(SUMMARY).is_file()
    }

    /// The path of a file in the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file of the run.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        fs::write_atomic(self.file(name), text)
    }

    /// Writes a file of the run as TOML.
    pub fn write_toml<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        self.write(name, toml::to_string(value)?)
    }

    /// Reads a TOML file of the run.
    pub fn read_toml<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.file(name);
        let text = fs::read_to_string(&path)?;
        toml::from_str(&text).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// The run's last word, which makes it a finished one.
    pub fn finish(&self, summary: &Summary) -> Result<()> {
        self.write_toml(SUMMARY, summary)
    }

    /// What the finished run says of itself.
    pub fn summary(&self) -> Result<Summary> {
        self.read_toml(SUMMARY)
    }

    /// The recipe it was trained with.
    pub fn recipe(&self) -> Result<Recipe> {
        let path = self.file("recipe.toml");
        let text = fs::read_to_string(&path)?;
        crate::recipe::resolve(&[Layer::parse(path.display().to_string(), &text)?])
    }

    /// The competition it was trained for.
    pub fn competition(&self) -> Result<Competition> {
        let path = self.file("competition.toml");
        let name = self.folder.parent().and_then(Path::file_name).unwrap_or_default();
        let text = fs::read_to_string(&path)?;
        Competition::parse(&name.to_string_lossy(), &text, &path.display().to_string())
    }
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
