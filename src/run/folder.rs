//! The run folder itself: made, found, locked, and any file of it by name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::CHECKPOINT;
use super::checked::{self, Checked};
use crate::competition::{self, Competition};
use crate::fs;
use crate::recipe::{Layer, Recipe};
use crate::term;
use crate::typed;
use crate::zoo::imported::with;

/// The file that makes a run a finished one.
pub(super) const SUMMARY: &str = "summary.toml";
/// What is so in a run whose recipe does not say it: it came after the run.
const OF_OLDER_RUNS: &str = "head.linear=false";

/// The recipe, as it was resolved when the run began.
pub(super) const RECIPE: &str = "recipe.toml";
/// The competition's spec.
pub(super) const COMPETITION: &str = "competition.toml";

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

    /// The unfinished runs of the same competition and recipe, those begun last first.
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

    /// The right to train the run; none while another process has it.
    pub fn lock(&self) -> Result<Option<fs::Locked>> {
        let folder = self.file(CHECKPOINT);
        fs::create_dir_all(&folder)?;
        let mut options = fs::File::options();
        let file = fs::open_own(folder.join("lock"), options.write(true).create(true))?;
        Ok(fs::Locked::alone(file))
    }

    /// All runs of a competition, or of all of them, in the order of their [times](Self::time).
    pub fn all(runs: &Path, competition: Option<&str>) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for folder in folders_in(runs)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if competition.is_none_or(|wanted| wanted == name) {
                found.extend(Self::in_folder(&folder)?);
            }
        }
        Ok(in_order(found))
    }

    /// The runs that lie in a folder, in the order of their [times](Self::time); none where there is
    /// no such folder.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        Ok(in_order(folders_in(folder)?.into_iter().map(|folder| Self { folder }).collect()))
    }

    /// When the run was finished, or begun where it is not. Not what its name says: that is a local
    /// time, which goes back in autumn, and another one on another machine.
    pub fn time(&self) -> Timestamp {
        let written = |name: &str| {
            let changed = fs::metadata(self.file(name)).and_then(|file| file.modified()).ok()?;
            Timestamp::try_from(changed).ok()
        };
        let told = if self.is_finished() {
            let finished = self.summary().ok().and_then(|summary| summary.finished_at());
            finished.or_else(|| written(SUMMARY))
        } else {
            self.begun().or_else(|| written(RECIPE))
        };
        told.unwrap_or(Timestamp::MIN)
    }

    /// The run that was finished last, of a competition or of all. An error where that one's summary
    /// cannot be read, too: what is older is not what is meant.
    pub fn newest(runs: &Path, competition: Option<&Competition>) -> Result<Self> {
        let all = Self::all(runs, competition.map(|competition| competition.name.as_str()))?;
        if let Some(run) = all.iter().rev().find(|run| run.is_finished()) {
            run.summary()?;
            return Ok(run.clone());
        }
        let unfinished = match all.len() {
            0 => String::new(),
            n => format!(" ({n} unfinished)"),
        };
        let (what, hint) = if let Some(known) = competition {
            (format!(" of `{}`", known.name), format!("run `{}`", known.command("train")))
        } else {
            let train = typed::command(["train", "--help"]);
            (String::new(), format!("train first: `{train}` tells how"))
        };
        bail!("no finished run{what} in `{}`{unfinished}\nhint: {hint}", runs.display())
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
                "there is no run `{}` in `{}`\nhint: `{}` shows the runs there are",
                term::short(given, 80),
                runs.display(),
                typed::command(["runs"])
            ),
        }
    }

    /// A run's folder given by path.
    pub fn open(folder: &Path) -> Result<Self> {
        let run = Self { folder: folder.to_owned() };
        if !run.is_finished() {
            bail!(
                "`{}` holds no finished run: it has no `{}`\nhint: `{}` shows the runs there are",
                folder.display(),
                SUMMARY,
                typed::command(["runs"])
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

    /// Reads a TOML file of the run, and checks what it says.
    pub fn read_toml<T: Checked>(&self, name: &str) -> Result<T> {
        let path = self.file(name);
        checked::parse(&self.text_or(name, T::HINT)?, &path)
    }

    /// The recipe it was trained with.
    pub fn recipe(&self) -> Result<Recipe> {
        let path = self.file(RECIPE);
        let own = Layer::parse(path.display().to_string(), &self.recipe_text()?)?;
        let layers = [Layer::assignment(OF_OLDER_RUNS)?, own];
        with(self.brought()?, || {
            let recipe = crate::recipe::laid_over(&layers)?;
            recipe.suits().with_context(|| format!("`{}` does not fit", path.display()))?;
            Ok(recipe)
        })
    }

    /// The same as it was written down.
    pub fn recipe_text(&self) -> Result<String> {
        self.text(RECIPE)
    }

    /// The competition it was trained for.
    pub fn competition(&self) -> Result<Competition> {
        let path = self.file(COMPETITION);
        let text = self.text(COMPETITION)?;
        let origin = path.display().to_string();
        let name_above = |folder: &Path| {
            let above = folder.file_name().and(folder.parent())?.file_name()?;
            Some(above.to_string_lossy().into_owned())
        };
        // `.` and `a/..` have no names of their own.
        let name =
            name_above(&self.folder).or_else(|| name_above(&self.folder.canonicalize().ok()?));
        let mut competition =
            Competition::parse(name.as_deref().unwrap_or("competition"), &text, &origin)?;
        if name.is_none() {
            competition.name.clone_from(&competition.slug);
        }
        competition.typed = competition::typed_for(&path, &competition);
        Ok(competition)
    }
}

fn in_order(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by_cached_key(|run| (run.time(), run.id()));
    runs
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;
    use crate::run::Summary;

    /// A run that was finished then, or was begun then and is not finished.
    fn make(runs: &Path, id: &str, finished: Option<&str>, begun: &str) {
        let run = Run { folder: runs.join("planet").join(id) };
        run.write(RECIPE, "").unwrap();
        let event = format!("{{\"event\":\"resumed\",\"steps\":0,\"time\":\"{begun}\"}}\n");
        run.write("events.jsonl", event).unwrap();
        let Some(finished) = finished else { return };
        let classes = vec!["a".to_owned()].into();
        let summary = Summary::made_up("planet", &Metric::mean_fbeta(2.0), &classes);
        run.finish(&Summary { finished: finished.to_owned(), ..summary }).unwrap();
    }

    #[test]
    fn the_newest_run_was_finished_last_whatever_its_name_says() {
        let runs = tempfile::tempdir().unwrap();
        // Trained in Tokyo, and an hour later in New York.
        make(
            runs.path(),
            "20261129-070000-aaaa",
            Some("2026-11-28T22:10:00Z"),
            "2026-11-28T22:00:00Z",
        );
        make(
            runs.path(),
            "20261128-180000-bbbb",
            Some("2026-11-28T23:10:00Z"),
            "2026-11-28T23:00:00Z",
        );
        make(runs.path(), "20261128-230500-cccc", None, "2026-11-28T23:05:00Z");
        let ids: Vec<String> =
            Run::all(runs.path(), None).unwrap().iter().map(|run| run.id()[16..].into()).collect();
        assert_eq!(ids, ["aaaa", "cccc", "bbbb"]);
        let newest = |name: Option<&str>| {
            let competition = name.map(|name| competition::find(name).unwrap());
            Run::newest(runs.path(), competition.as_ref()).map(|run| run.id())
        };
        assert_eq!(newest(None).unwrap(), "20261128-180000-bbbb");
        assert_eq!(newest(Some("planet")).unwrap(), "20261128-180000-bbbb");
        assert!(newest(Some("dog-breed")).unwrap_err().to_string().contains("no finished run"));
    }

    #[test]
    fn a_newest_run_that_cannot_be_read_is_not_passed_over() {
        let runs = tempfile::tempdir().unwrap();
        make(runs.path(), "1-a", Some("2016-11-28T22:10:00Z"), "2016-11-28T22:00:00Z");
        make(runs.path(), "2-b", Some("2016-11-28T23:10:00Z"), "2016-11-28T23:00:00Z");
        let summary = runs.path().join("planet/2-b/summary.toml");
        // Its time is not known any more, but for that of the file.
        fs::write_atomic(&summary, "").unwrap();
        let error = format!("{:#}", Run::newest(runs.path(), None).unwrap_err());
        assert!(error.contains("2-b") && error.contains("summary.toml"), "{error}");
        fs::remove_file(summary).unwrap();
        assert_eq!(Run::newest(runs.path(), None).unwrap().id(), "1-a");
    }

    #[test]
    fn runs_that_were_stopped_come_as_they_were_begun() {
        let runs = tempfile::tempdir().unwrap();
        let planet = crate::competition::find("planet").unwrap();
        let recipe = crate::recipe::resolve(&[]).unwrap();
        let text = toml::to_string(&recipe).unwrap();
        for (id, begun) in
            [("2-late-name", "2026-11-28T22:00:00Z"), ("1-b", "2026-11-28T23:00:00Z")]
        {
            make(runs.path(), id, None, begun);
            let run = Run { folder: runs.path().join("planet").join(id) };
            run.write(RECIPE, &text).unwrap();
            run.write(COMPETITION, &planet.source).unwrap();
        }
        let stopped = Run::unfinished(runs.path(), &planet, &recipe).unwrap();
        let ids: Vec<String> = stopped.iter().map(Run::id).collect();
        assert_eq!(ids, ["1-b", "2-late-name"]);
    }
}
