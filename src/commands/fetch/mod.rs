//! `kaggle-kit fetch`: a competition becomes a data folder.
//!
//! From Kaggle: downloaded into `archives/`, verified, unpacked, and deleted once all is well. With
//! `--from`: folders are linked or copied, archives are unpacked; the source is never changed.
//! `fetched.toml` is written last, so its presence says that the folder is whole; until then a
//! second call goes on from what is there.

mod layout;
mod local;
mod manifest;
mod plan;
mod record;
mod remote;
mod verify;

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::archive;
use crate::competition::Competition;
use crate::dataset;
use crate::fs;
use crate::kaggle::Environment;
use crate::report::{Bar, Unit};
use crate::term;
use layout::Missing;
use manifest::Manifest;
pub use manifest::Part;
use plan::Plan;
pub use record::Fetched;

/// What to fetch, from where, to where.
pub struct FetchOptions {
    /// The competition.
    pub competition: Competition,
    /// Its data folder: `data/<name>`.
    pub data: PathBuf,
    /// Folders and archives to take the data from instead of Kaggle.
    pub from: Vec<PathBuf>,
    /// Another address of the API.
    pub endpoint: Option<String>,
    /// The variables in which addresses and credentials are looked for.
    pub environment: Environment,
    /// How much of it to do.
    pub mode: Mode,
    /// Whether to keep the downloads once they are unpacked.
    pub keep_archives: bool,
    /// Whether to print the outcome as JSON.
    pub json: bool,
}

/// How much of a fetch to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is not there yet.
    #[default]
    Missing,
    /// All of it, whatever is there (`--force`).
    Anew,
    /// Say what would be done (`--dry-run`).
    Rehearse,
    /// Compare what is there with what was fetched (`--check`).
    Verify,
}

/// Images that the competition's spec says Kaggle no longer has; tables may have arrived.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotOnKaggle(String);

/// Does what the mode says.
pub fn run(options: &FetchOptions) -> Result<()> {
    match options.mode {
        Mode::Missing | Mode::Anew => fetch(options),
        Mode::Rehearse => rehearse(options),
        Mode::Verify => verify::run(options),
    }
}

/// Fetches, checks the folder against the competition's layout, and says what is there.
fn fetch(options: &FetchOptions) -> Result<()> {
    let FetchOptions { competition, data, .. } = options;
    fs::create_dir_all(data)?;
    let _lock = lock(data)?;
    if options.mode == Mode::Missing
        && let Some(fetched) = fetched_before(competition, data)?
    {
        term::done(format_args!("`{}` is there already ({fetched})", data.display()));
        term::say("   nothing was downloaded; `--force` fetches it again");
        return tell(options, &fetched);
    }
    Fetched::forget(data)?;
    term::heading(format_args!("{}: {}", competition.name, competition.title));
    let sources = if options.from.is_empty() {
        vec![remote::fetch(options)?]
    } else {
        local::take(competition, data, &options.from, options.mode)?;
        options.from.iter().map(|path| path.display().to_string()).collect()
    };
    let fetched = check(competition, data, sources)?;
    fetched.write(data)?;
    if !options.keep_archives {
        Plan::remove(&remote::archives(data), &competition.slug)?;
    }
    term::done(format_args!("`{}`", data.display()));
    tell(options, &fetched)
}

/// The record of a fetch that came to its end, so long as all its parts are there.
fn fetched_before(competition: &Competition, data: &Path) -> Result<Option<Fetched>> {
    let Some(fetched) = Fetched::read(data)? else { return Ok(None) };
    let whole =
        fetched.slug == competition.slug && layout::missing(competition, &[data])?.is_nothing();
    Ok(Some(fetched).filter(|_| whole))
}

/// Says what [`fetch`] would do, and does nothing.
fn rehearse(options: &FetchOptions) -> Result<()> {
    let FetchOptions { competition, data, from, .. } = options;
    let told = if let Some(fetched) = fetched_before(competition, data)? {
        term::say(format_args!("`{}` is there already ({fetched})", data.display()));
        Value::Object(serde_json::Map::from_iter([
            ("folder".to_owned(), data.display().to_string().into()),
            ("downloads".to_owned(), Vec::<Value>::new().into()),
        ]))
    } else if from.is_empty() {
        term::heading(format_args!("{}: {}", competition.name, competition.title));
        remote::rehearse(options)?
    } else {
        local::rehearse(competition, data, from)?
    };
    term::say("nothing was changed");
    if options.json {
        term::out(serde_json::to_string_pretty(&told)?);
    }
    Ok(())
}

/// Holds the folder against a second process; the system lets go of it when this one ends.
fn lock(data: &Path) -> Result<fs::File> {
    let folder = fs::File::open(data)?;
    match folder.file().try_lock() {
        Err(TryLockError::WouldBlock) => bail!(
            "another kaggle-kit is fetching into `{}`\nhint: wait until it has ended",
            data.display()
        ),
        // On a file system without locks two at once are the person's own care.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
    }
}

/// Unpacks an archive into the data folder.
fn unpack(archive: &Path, data: &Path) -> Result<()> {
    let bar = Bar::new("unpacking", Unit::Bytes);
    let n_files = archive::extract(archive, data, &bar)?;
    drop(bar);
    let files = term::count(n_files, "file");
    term::say(format_args!("   {files} unpacked from `{}`", archive.display()));
    Ok(())
}

/// Compares the folder with the competition's layout and counts what is in it.
fn check(competition: &Competition, data: &Path, sources: Vec<String>) -> Result<Fetched> {
    layout::lift(competition, data)?;
    let missing = layout::missing(competition, &[data])?;
    if !missing.is_nothing() {
        tell_parts(competition, data)?;
        let hint = way_on(competition, &missing);
        let message = format!("`{}` is not whole: {missing}\nhint: {hint}", data.display());
        return Err(match &competition.files.if_missing {
            Some(_) if !missing.images.is_empty() => NotOnKaggle(message).into(),
            _ => anyhow::Error::msg(message),
        });
    }
    let dataset = dataset::open(competition, data)
        .with_context(|| format!("the data in `{}` do not fit the competition", data.display()))?;
    let bar = Bar::new("hashing", Unit::Bytes);
    let manifest = Manifest::take(competition, data, &bar)?;
    drop(bar);
    manifest.write(data)?;
    Ok(Fetched::new(competition, sources, &dataset, manifest.parts))
}

/// The parts of the layout, and whether they are there.
fn tell_parts(competition: &Competition, data: &Path) -> Result<()> {
    let parts = layout::parts(competition, data)?;
    let there = parts.folders.iter().chain(&parts.tables);
    let there: Vec<&str> = there.map(|(name, _)| name.as_str()).collect();
    let row = |name: &str| {
        let state = if there.contains(&name) { "there" } else { "missing" };
        vec![format!("   {name}"), state.to_owned()]
    };
    let rows: Vec<Vec<String>> = layout::names(competition).map(row).collect();
    term::say(term::table(&["   part", ""], &rows));
    Ok(())
}

/// What a person can do about data that are not whole.
fn way_on(competition: &Competition, missing: &Missing) -> String {
    match &competition.files.if_missing {
        Some(text) if !missing.images.is_empty() => {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ => format!(
            "get the rest with `kaggle-kit fetch {name}`, or `kaggle-kit fetch {name} --from \
             <folder or archive>`; what is there stays",
            name = competition.name
        ),
    }
}

fn tell(options: &FetchOptions, fetched: &Fetched) -> Result<()> {
    if options.json {
        term::out(fetched.to_json(&options.data)?);
    }
    let counts = options.competition.files.counts;
    let number = |n: usize| format!("{:>9}", term::thousands(n));
    let row = |name: &str, n: usize, of: Option<usize>| {
        vec![name.to_owned(), number(n), of.map_or_else(String::new, number)]
    };
    let rows = [
        row("train images", fetched.train_images, counts.map(|counts| counts.train)),
        row("test images", fetched.test_images, counts.map(|counts| counts.test)),
        row("classes", fetched.classes, None),
    ];
    let kaggle = if counts.is_some() { "on Kaggle" } else { "" };
    term::say(term::table(&["", "    count", kaggle], &rows));
    if counts
        .is_some_and(|all| (all.train, all.test) != (fetched.train_images, fetched.test_images))
    {
        term::say("   not as many as Kaggle has: a part of the competition, or another version");
    }
    term::say(format_args!("next: kaggle-kit train {}", options.competition.name));
    Ok(())
}
