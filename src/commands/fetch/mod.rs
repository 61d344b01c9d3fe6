//! `kaggle-kit fetch`: a competition becomes a data folder.
//!
//! From Kaggle: downloaded into `archives/`, verified, unpacked, and deleted once all is well. With
//! `--from`: folders are linked or copied, archives are unpacked; the source is never changed.
//! `fetched.toml` is written last, so its presence says that the folder is whole; until then a
//! second call goes on from what is there.

mod bring;
mod claims;
mod data_set;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod layout;
mod local;
mod manifest;
mod pictures;
mod plan;
mod record;
mod remote;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::archive;
use crate::competition::{self, Competition};
use crate::dataset;
use crate::fs;
use crate::kaggle::{self, Class, Environment, notebook};
use crate::relative::RelativePath;
use crate::report::{Bar, Unit};
use crate::run::Workspace;
use crate::term;
use claims::Claims;
use layout::Missing;
use manifest::Manifest;
pub use manifest::Part;
use plan::Plan;
pub use record::Fetched;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit fetch dogs-vs-cats
  kaggle-kit fetch https://www.kaggle.com/c/dog-breed-identification
  kaggle-kit fetch planet --from ~/Downloads/train-jpg.tar.7z --from ~/Downloads/test-jpg.tar.7z
  kaggle-kit fetch ./mine.toml --from ~/data/mine
  kaggle-kit fetch dogs-vs-cats --dry-run             what would be downloaded, how much, where
  kaggle-kit fetch dogs-vs-cats --check               is every file still what was fetched?
  kaggle-kit fetch --data-set ada/kaggle-kit-planet   a data set, such as a pack
A stopped fetch goes on where it stood when it is run again.";

#[derive(clap::Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    /// It is a data set, `owner/name`: its files go to data-sets/
    #[arg(long)]
    pub data_set: bool,
    /// Take data already at hand: a folder in Kaggle's layout, or an archive (repeatable)
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    #[command(flatten)]
    pub mode: Mode,
    /// Keep the downloaded archives once they are unpacked
    #[arg(long)]
    pub keep_archives: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

// How much of a fetch to do; without any of them, what is not there yet.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
#[group(multiple = false)]
pub struct Mode {
    /// Fetch again what is already there
    #[arg(long)]
    pub force: bool,
    /// Say what would be downloaded or taken, how much, and where
    #[arg(long)]
    pub dry_run: bool,
    /// Verify that every file is still what was fetched
    #[arg(long, conflicts_with = "from")]
    pub check: bool,
}

/// What was typed, and what it is about.
struct Fetch<'a> {
    args: &'a Args,
    /// Where to take it from in place of Kaggle: as typed, or what is attached to a notebook.
    from: Vec<PathBuf>,
    competition: Competition,
    /// `data/<name>`.
    data: PathBuf,
    environment: &'a Environment,
}

/// Images that the competition's spec says Kaggle no longer has; tables may have arrived.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotOnKaggle(String);

/// Fetches, or says what it would do, or verifies what is there.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    run_in(args, workspace, &Environment::of_process())
}

/// The same with the variables in which addresses and credentials are looked for.
pub fn run_in(args: &Args, workspace: &Workspace, environment: &Environment) -> Result<()> {
    if args.data_set {
        return data_set::run(args, workspace, environment);
    }
    let competition = competition::find(&args.competition)?;
    let data = workspace.data().join(&competition.name);
    let attached = notebook::attached(environment, &competition.slug);
    let attached = attached.filter(|_| args.from.is_empty());
    if let Some(folder) = &attached {
        term::say(format_args!("   `{}` is attached: nothing is downloaded", folder.display()));
    }
    let from = attached.map_or_else(|| args.from.clone(), |folder| vec![folder]);
    let job = Fetch { args, from, competition, data, environment };
    match args.mode {
        Mode { check: true, .. } => verify::run(&job),
        Mode { dry_run: true, .. } => rehearse(&job),
        Mode { .. } => fetch(&job),
    }
}

/// Fetches, checks the folder against the competition's layout, and says what is there.
fn fetch(job: &Fetch) -> Result<()> {
    let Fetch { args, from, competition, data, environment } = job;
    fs::make_folder(data)?;
    let _lock = lock(data)?;
    if !args.mode.force
        && let Some(fetched) = fetched_before(competition, data)?
    {
        Claims::release(data)?;
        term::done(format_args!("`{}` is there already ({fetched})", data.display()));
        term::say(match args.from.as_slice() {
            [] => "   nothing was downloaded; `--force` fetches it again",
            _ => "   `--from` was not looked at; `--force` takes the data from there",
        });
        let fetched = if pictures::are_stale(competition, data)? {
            check(competition, data, fetched.sources)?
        } else {
            fetched
        };
        return print(job, &fetched);
    }
    term::heading(format_args!("{}: {}", competition.name, competition.title));
    let sources = if from.is_empty() {
        let fetched = remote::fetch(job);
        vec![fetched.map_err(|error| told_offline(error, environment, &competition.slug))?]
    } else {
        local::take(competition, data, from, args.mode.force)?;
        from.iter().map(|path| path.display().to_string()).collect()
    };
    let fetched = check(competition, data, sources)?;
    // Only what is on the disk for good is deleted here.
    if !args.keep_archives {
        Plan::remove(&remote::archives(data), &competition.slug)?;
    }
    term::done(format_args!("`{}`", data.display()));
    print(job, &fetched)
}

/// A network that there is not is normal in a notebook.
fn told_offline(error: anyhow::Error, environment: &Environment, slug: &str) -> anyhow::Error {
    let class = error.downcast_ref::<kaggle::Error>().map(kaggle::Error::class);
    if class == Some(Class::Network) && notebook::is_one(environment) {
        return error.context(format!("no answer from Kaggle\n{}", notebook::offline_hint(slug)));
    }
    error
}

/// The record of a fetch that came to its end, so long as all its parts are there.
fn fetched_before(competition: &Competition, data: &Path) -> Result<Option<Fetched>> {
    let Some(fetched) = Fetched::read(data)? else { return Ok(None) };
    let whole =
        fetched.slug == competition.slug && layout::missing(competition, &[data])?.is_nothing();
    Ok(Some(fetched).filter(|_| whole))
}

/// Says what [`fetch`] would do, and does nothing.
fn rehearse(job: &Fetch) -> Result<()> {
    let Fetch { args, from, competition, data, .. } = job;
    let found = if let Some(fetched) = fetched_before(competition, data)? {
        term::say(format_args!("`{}` is there already ({fetched})", data.display()));
        Value::Object(serde_json::Map::from_iter([
            ("folder".to_owned(), term::path_in_json(data).into()),
            ("downloads".to_owned(), Vec::<Value>::new().into()),
        ]))
    } else if from.is_empty() {
        term::heading(format_args!("{}: {}", competition.name, competition.title));
        remote::rehearse(job)?
    } else {
        local::rehearse(competition, data, from)?
    };
    term::say("nothing was changed");
    if args.json {
        term::json(&found)?;
    }
    Ok(())
}

/// Holds the folder against a second process; the system lets go of it when this one ends.
fn lock(data: &Path) -> Result<fs::Locked> {
    fs::Locked::alone(fs::File::open(data)?).with_context(|| {
        format!(
            "another kaggle-kit is fetching into `{}`\nhint: wait until it has ended",
            data.display()
        )
    })
}

/// Unpacks an archive into the data folder.
fn unpack(archive: &Path, data: &Path, claims: &mut Claims) -> Result<()> {
    let before = heads(data)?;
    let bar = Bar::new("unpacking", Unit::Bytes);
    let mut claim = |from: &Path, to: &Path| claims.claim_all(from, to);
    let n_files = archive::extract_if(archive, data, &bar, &mut claim)?;
    drop(bar);
    let files = term::count(n_files, "file");
    term::say(format_args!("   {files} unpacked from `{}`", archive.display()));
    // An archive in several files, which it held: together they are one only now.
    for head in heads(data)?.into_iter().filter(|head| !before.contains(head)) {
        let pieces = archive::pieces(&head)?;
        unpack(&head, data, claims)?;
        pieces.iter().try_for_each(fs::remove_file)?;
    }
    Ok(())
}

/// The archives in several files that lie right in a folder, by the files that stand for them.
fn heads(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut heads = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if archive::head(&path).is_some_and(|head| head == path) {
            heads.push(path);
        }
    }
    heads.sort();
    Ok(heads)
}

/// Compares the folder with the competition's layout, counts what is in it, and writes down that it is
/// whole.
fn check(competition: &Competition, data: &Path, sources: Vec<String>) -> Result<Fetched> {
    bring::lift(competition, data)?;
    let missing = layout::missing(competition, &[data])?;
    if !missing.is_nothing() {
        print_parts(competition, data)?;
        let hint = way_on(competition, &missing);
        let message = format!("`{}` is not whole: {missing}\nhint: {hint}", data.display());
        return Err(match &competition.files.if_missing {
            Some(_) if !missing.images.is_empty() => NotOnKaggle(message).into(),
            _ => anyhow::Error::msg(message),
        });
    }
    pictures::make(competition, data)?;
    let dataset = dataset::open(competition, data)
        .with_context(|| format!("the data in `{}` do not fit the competition", data.display()))?;
    let bar = Bar::new("hashing", Unit::Bytes);
    let manifest = Manifest::take(competition, data, &bar)?;
    drop(bar);
    local::tell(data, &manifest.others);
    manifest.write(data)?;
    let fetched = Fetched::new(competition, sources, &dataset, manifest.parts);
    fetched.write(data, &manifest.files)?;
    Claims::release(data)?;
    Ok(fetched)
}

/// The parts of the layout, and whether they are there.
fn print_parts(competition: &Competition, data: &Path) -> Result<()> {
    let parts = layout::parts(competition, data)?;
    let there = parts.folders.iter().chain(&parts.tables);
    let there: Vec<&RelativePath> = there.map(|(name, _)| name).collect();
    let row = |name: &RelativePath| {
        let state = if there.contains(&name) { "there" } else { "missing" };
        vec![format!("   {name}"), state.to_owned()]
    };
    let rows: Vec<Vec<String>> = layout::names(competition).iter().map(row).collect();
    term::say(term::table(&["   part", ""], &rows));
    Ok(())
}

/// What a person can do about data that are not whole.
fn way_on(competition: &Competition, missing: &Missing) -> String {
    match &competition.files.if_missing {
        Some(text) if !missing.images.is_empty() => {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ if !missing.foreign.is_empty() => missing.foreign[0].1.way_on.clone(),
        _ => format!(
            "get the rest with `{fetch}`, or `{fetch} --from <folder or archive>`; what is there \
             stays",
            fetch = competition.command("fetch")
        ),
    }
}

fn print(job: &Fetch, fetched: &Fetched) -> Result<()> {
    if job.args.json {
        term::json(&fetched.to_json(&job.data)?)?;
    }
    let counts = job.competition.files.counts;
    match &fetched.found {
        Some(found) => {
            found.lines().iter().for_each(term::say);
            found.warnings.iter().for_each(term::warn);
        }
        // Of an older version's record.
        None => term::say(format_args!(
            "   {} to train on, {} to predict, {} classes",
            term::count(fetched.train_images, "image"),
            term::thousands(fetched.test_images),
            term::thousands(fetched.classes)
        )),
    }
    if let Some(all) = counts {
        let same = (all.train, all.test) == (fetched.train_images, fetched.test_images);
        term::say(format_args!(
            "   on Kaggle: {} to train on, {} to predict{}",
            term::count(all.train, "image"),
            term::thousands(all.test),
            if same { "" } else { "; here is a part of them, or another version" }
        ));
    }
    term::say(format_args!("next: {}", job.competition.command("train")));
    Ok(())
}
