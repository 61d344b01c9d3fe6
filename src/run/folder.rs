//! The run folder itself: made, found, locked, and any file of it by name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::CHECKPOINT;
use crate::competition::Competition;
use crate::fs;
use crate::recipe::{Layer, Recipe};

/// The file that makes a run a finished one.
pub(super) const SUMMARY: &str = "summary.toml";
/// The recipe, as it was resolved when the run began.
const RECIPE: &str = "recipe.toml";
/// The competition's spec.
const COMPETITION: &str = "competition.toml";

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub folder: PathBuf,
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
        run.write(RECIPE, recipe)?;
        run.write(COMPETITION, &competition.source)?;
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
                && is_same(run, RECIPE, &recipe)
                && is_same(run, COMPETITION, &competition.source)
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

    /// A run by its folder or its id.
    pub fn find(runs: &Path, competition: Option<&str>, given: &str) -> Result<Self> {
        let path = Path::new(given);
        if path.is_dir() {
            return Self::open(path);
        }
        let all = Self::all(runs, competition)?;
        match all.iter().find(|run| run.id() == given) {
            Some(run) => Self::open(&run.folder),
            None => bail!(
                "there is no run `{given}` in `{}`\nhint: `kaggle-kit runs` shows the runs there are",
                runs.display()
            ),
        }
    }

    /// A run's folder given by path.
    pub fn open(folder: &Path) -> Result<Self> {
        let run = Self { folder: folder.to_owned() };
        if !run.is_finished() {
            bail!(
                "`{}` holds no finished run: it has no `{}`\nhint: `kaggle-kit list` shows \
                 the runs there are",
                folder.display(),
                SUMMARY
            );
        }
        Ok(run)
    }

    /// The folder's name.
    pub fn id(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The name of the CSV that it is submitted as.
    pub fn csv_name(&self, competition: &str) -> String {
        format!("{competition}-{}.csv", self.id())
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

    /// The recipe it was trained with.
    pub fn recipe(&self) -> Result<Recipe> {
        let path = self.file(RECIPE);
        crate::recipe::resolve(&[Layer::parse(path.display().to_string(), &self.recipe_text()?)?])
    }

    /// The same as it was written down.
    pub fn recipe_text(&self) -> Result<String> {
        Ok(fs::read_to_string(self.file(RECIPE))?)
    }

    /// The competition it was trained for.
    pub fn competition(&self) -> Result<Competition> {
        let path = self.file(COMPETITION);
        let text = fs::read_to_string(&path)?;
        let origin = path.display().to_string();
        let name_above = |folder: &Path| {
            let above = folder.file_name().and(folder.parent())?.file_name()?;
            Some(above.to_string_lossy().into_owned())
        };
        // `.` and `a/..` have no names of their own.
        let name =
            name_above(&self.folder).or_else(|| name_above(&self.folder.canonicalize().ok()?));
        if let Some(name) = name {
            return Competition::parse(&name, &text, &origin);
        }
        let mut competition = Competition::parse("competition", &text, &origin)?;
        competition.name.clone_from(&competition.slug);
        Ok(competition)
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
