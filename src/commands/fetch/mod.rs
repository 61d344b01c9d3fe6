//! `kaggle-kit fetch`: a competition becomes a data folder.
//!
//! From Kaggle: one bundle, downloaded whole into `archives/`, unpacked, and deleted once all is
//! well. With `--from`: folders are linked or copied, archives are unpacked; the source is never
//! changed. `fetched.toml` is written last, so its presence says that the folder is whole; until
//! then a second call goes on from what is there.

mod layout;
mod local;
mod record;

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::archive;
use crate::competition::Competition;
use crate::dataset;
use crate::fs;
use crate::kaggle::{Client, Environment};
use crate::report::{Bar, Unit};
use crate::term;
use layout::Missing;
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
    /// Whether to do it again when the data are there.
    pub force: bool,
    /// Whether to keep the downloaded bundle once it is unpacked.
    pub keep_archives: bool,
    /// Whether to print the outcome as JSON.
    pub json: bool,
}

/// Fetches, checks the folder against the competition's layout, and says what is there.
pub fn run(options: &FetchOptions) -> Result<()> {
    let FetchOptions { competition, data, .. } = options;
    fs::create_dir_all(data)?;
    let _lock = lock(data)?;
    if let Some(fetched) = Fetched::read(data)?
        && !options.force
        && fetched.slug == competition.slug
        && layout::missing(competition, &[data])?.is_nothing()
    {
        term::done(format_args!("`{}` is there already ({fetched})", data.display()));
        term::say("   nothing was downloaded; `--force` fetches it again");
        return tell(options, &fetched);
    }
    Fetched::forget(data)?;
    term::heading(format_args!("{}: {}", competition.name, competition.title));
    let sources = if options.from.is_empty() {
        vec![from_kaggle(options)?]
    } else {
        local::take(competition, data, &options.from, options.force)?;
        options.from.iter().map(|path| path.display().to_string()).collect()
    };
    let fetched = check(competition, data, sources)?;
    fetched.write(data)?;
    if !options.keep_archives {
        remove_bundle(competition, data)?;
    }
    term::done(format_args!("`{}`", data.display()));
    tell(options, &fetched)
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

fn archives(data: &Path) -> PathBuf {
    data.join("archives")
}

fn bundle(competition: &Competition, data: &Path) -> PathBuf {
    archives(data).join(format!("{}.zip", competition.slug))
}

/// Deletes what was downloaded, and nothing that a person may have put beside it.
fn remove_bundle(competition: &Competition, data: &Path) -> Result<()> {
    let bundle = bundle(competition, data);
    if bundle.exists() {
        fs::remove_file(bundle)?;
    }
    remove_partial(data)?;
    let folder = archives(data);
    if folder.exists() && fs::read_dir(&folder)?.next().is_none() {
        fs::remove_dir(folder)?;
    }
    Ok(())
}

/// Deletes what a killed download left: it cannot be continued.
fn remove_partial(data: &Path) -> Result<()> {
    let folder = archives(data);
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".partial-") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Downloads the bundle, unless it lies there whole from a run that was stopped, and unpacks it.
fn from_kaggle(options: &FetchOptions) -> Result<String> {
    let FetchOptions { competition, data, .. } = options;
    let slug = &competition.slug;
    let bundle = bundle(competition, data);
    let source = format!("Kaggle (`{slug}`)");
    if !options.force && !bundle.exists() && tables_without_images(competition, data)? {
        term::say("   the tables are there already; nothing was downloaded");
        return Ok(source);
    }
    if options.force {
        remove_bundle(competition, data)?;
    }
    if bundle.exists() {
        term::say(format_args!("   `{}` is there already", bundle.display()));
    } else {
        remove_partial(data)?;
        let client = Client::connect(options.endpoint.as_deref(), &options.environment)?;
        let found = client.credentials();
        term::detail(format_args!("credentials from {}", found.source));
        found.warnings.iter().for_each(term::warn);
        term::say(format_args!("   downloading from `{}`", client.endpoint()));
        let bar = Bar::new("download", Unit::Bytes);
        let received = client
            .download_bundle(slug, &bundle, &bar)
            .with_context(|| format!("failed to fetch `{slug}`"))?;
        drop(bar);
        term::say(format_args!("   {} received", term::bytes(received.bytes)));
    }
    unpack(&bundle, data)?;
    Ok(source)
}

/// Whether Kaggle gave before all that it has of a competition whose images it no longer serves.
fn tables_without_images(competition: &Competition, data: &Path) -> Result<bool> {
    let parts = layout::parts(competition, data)?;
    Ok(competition.files.if_missing.is_some()
        && parts.folders.is_empty()
        && parts.tables.len() == layout::tables(competition).len())
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
        bail!(
            "`{}` is not whole: {missing}\nhint: {}",
            data.display(),
            way_on(competition, &missing)
        );
    }
    let dataset = dataset::open(competition, data)
        .with_context(|| format!("the data in `{}` do not fit the competition", data.display()))?;
    Ok(Fetched::new(competition, sources, &dataset))
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
        return Ok(());
    }
    let row = |name: &str, n: usize| vec![name.to_owned(), format!("{:>9}", term::thousands(n))];
    let rows = [
        row("train images", fetched.train_images),
        row("test images", fetched.test_images),
        row("classes", fetched.classes),
    ];
    term::say(term::table(&["", "    count"], &rows));
    term::say(format_args!("next: kaggle-kit train {}", options.competition.name));
    Ok(())
}
