//! The data from Kaggle: planned, downloaded into `archives/`, unpacked.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::claims::Claims;
use super::plan::{self, Download, Plan, What};
use super::{Fetch, Fetched, layout, unpack};
use crate::archive::{self, Kind};
use crate::competition::Competition;
use crate::fs;
use crate::kaggle::Client;
use crate::progress::Progress;
use crate::report::{Bar, Unit};
use crate::session;
use crate::term;

/// So many files are downloaded at once: one line is seldom filled by one connection, and more of
/// them only annoy the server.
const AT_ONCE: usize = 3;
/// What must stay free besides the data themselves.
const SPARE_BYTES: u64 = 200_000_000;

/// Where downloads wait to be unpacked.
pub(super) fn archives(data: &Path) -> PathBuf {
    data.join("archives")
}

/// Downloads what is not there yet and unpacks it; gives the source's name.
pub(super) fn fetch(job: &Fetch) -> Result<String> {
    let Fetch { args, competition, data, .. } = job;
    let (slug, archives) = (&competition.slug, archives(data));
    let source = format!("Kaggle (`{slug}`)");
    if args.mode.force {
        Plan::remove(&archives, slug)?;
    } else if has_all_that_kaggle_gives(competition, data)? {
        term::say("   the tables are there already; nothing was downloaded");
        return Ok(source);
    }
    let mut client = None;
    let plan = if let Some(plan) = Plan::read(&archives, slug) {
        plan
    } else {
        let plan = Plan::make(client.insert(connect(job)?), competition)?;
        plan.write(&archives)?;
        plan
    };
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for one in &plan.downloads {
        let list = if fs::is_own(&one.name.under(&archives))? { &mut there } else { &mut missing };
        list.push(one);
    }
    for one in there {
        term::say(format_args!("   `{}` is there already", one.name.under(&archives).display()));
    }
    if !missing.is_empty() {
        let client = client.map_or_else(|| connect(job), Ok)?;
        refuse_full_disk(&plan, &archives, data)?;
        download_all(&client, slug, &missing, &archives)?;
    }
    let mut claims = Claims::read(data, args.mode.force);
    Fetched::forget(data)?;
    for one in &plan.downloads {
        place(competition, one, &archives, data, &mut claims)?;
    }
    Ok(source)
}

/// Says what [`fetch`] would do.
pub(super) fn rehearse(job: &Fetch) -> Result<Value> {
    let Fetch { args, competition, data, .. } = job;
    let archives = archives(data);
    let kept = Plan::read(&archives, &competition.slug).filter(|_| !args.mode.force);
    let plan = kept.map_or_else(|| Plan::make(&connect(job)?, competition), Ok)?;
    let size = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), term::bytes);
    let needs = Needs::of(&plan, &archives);
    let rows: Vec<Vec<String>> = plan
        .downloads
        .iter()
        .map(|one| {
            let path = one.name.under(&archives);
            let state = match there(&path) {
                _ if path.exists() => "there already".to_owned(),
                0 => String::new(),
                bytes => format!("{} of it there already", term::bytes(bytes)),
            };
            let unpack = if plan::is_packed(one) { "unpacked" } else { "" };
            vec![path.display().to_string(), size(one.bytes), unpack.to_owned(), state]
        })
        .collect();
    term::say(term::table(&["would download", "size", "then", ""], &rows));
    let free = fs::free_space(data);
    term::say(format_args!(
        "   {} to download; with the unpacked data {} of disk in `{}`, where {} is free",
        term::bytes(needs.download),
        term::bytes(needs.disk()),
        data.display(),
        size(free)
    ));
    Ok(json!({
        "folder": term::path_in_json(data),
        "downloads": plan.downloads.iter().map(|one| json!({
            "name": one.name, "what": one.what, "bytes": one.bytes,
            "path": term::path_in_json(&one.name.under(&archives)),
            "bytes-there": there(&one.name.under(&archives)),
        })).collect::<Vec<_>>(),
        "bytes-to-download": needs.download,
        "bytes-of-disk": needs.disk(),
        "bytes-free": free,
    }))
}

fn connect(job: &Fetch) -> Result<Client> {
    session::connect(job.args.endpoint.as_deref(), job.environment)
}

/// Whether Kaggle gave before all that it has of a competition whose images it no longer serves.
fn has_all_that_kaggle_gives(competition: &Competition, data: &Path) -> Result<bool> {
    let parts = layout::parts(competition, data)?;
    Ok(competition.files.if_missing.is_some()
        && parts.folders.is_empty()
        && parts.tables.len() == layout::tables(competition).len())
}

/// What a plan still takes, as far as Kaggle tells.
struct Needs {
    download: u64,
    unpacked: u64,
}

/// Sums of what a server says: beyond all numbers is more than any disk has, and no reason to stop here.
fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}

impl Needs {
    fn of(plan: &Plan, archives: &Path) -> Self {
        let bytes = |one: &Download| one.bytes.unwrap_or(0);
        let left = |one: &Download| bytes(one).saturating_sub(there(&one.name.under(archives)));
        Self {
            download: sum(plan.downloads.iter().map(left)),
            // Photographs are as large unpacked as packed.
            unpacked: sum(plan.downloads.iter().map(bytes)),
        }
    }

    fn disk(&self) -> u64 {
        self.download.saturating_add(self.unpacked)
    }
}

/// How many bytes of a download have arrived.
fn there(path: &Path) -> u64 {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let size = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.len());
    size(path).or_else(|| size(Path::new(&part))).unwrap_or(0)
}

fn refuse_full_disk(plan: &Plan, archives: &Path, data: &Path) -> Result<()> {
    let needs = Needs::of(plan, archives);
    let Some(free) = fs::free_space(data) else { return Ok(()) };
    let wanted = needs.disk().saturating_add(SPARE_BYTES);
    if free < wanted {
        bail!(
            "`{}` has {} free, and the data need {} ({} to download, as much again unpacked)\n\
             hint: free some, or use another disk with `--root`; nothing was downloaded{}",
            data.display(),
            term::bytes(free),
            term::bytes(wanted),
            term::bytes(needs.download),
            unfinished(plan, archives)
        );
    }
    Ok(())
}

/// A hint at what earlier downloads hold of the disk, or nothing.
fn unfinished(plan: &Plan, archives: &Path) -> String {
    let held = |one: &Download| {
        let [_, part, _] = one.files(archives);
        let bytes = fs::metadata(&part).ok()?.len();
        (bytes > 0).then(|| format!("`{}` ({})", part.display(), term::bytes(bytes)))
    };
    let held: Vec<String> = plan.downloads.iter().filter_map(held).collect();
    if held.is_empty() {
        return String::new();
    }
    format!("\nhint: unfinished downloads hold some: {}; `--force` deletes them", held.join(", "))
}

/// Some at once; the first error counts, and what has arrived by then stays.
fn download_all(
    client: &Client,
    slug: &str,
    downloads: &[&Download],
    archives: &Path,
) -> Result<()> {
    let label = match downloads {
        [one] => one.name.to_string(),
        several => term::count(several.len(), "file"),
    };
    let bar = Bar::new(label, Unit::Bytes);
    let total = Mutex::new(sum(downloads.iter().map(|one| one.bytes.unwrap_or(0))));
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let received = Mutex::new(0);
    let work = || {
        while let Some(one) = downloads.get(next.fetch_add(1, Ordering::Relaxed)) {
            let announced = Mutex::new(one.bytes.unwrap_or(0));
            let share = Share { bar: &bar, total: &total, announced };
            match download(client, slug, one, archives, &share) {
                Ok(bytes) => *locked(&received) += bytes,
                Err(error) => {
                    // The others finish what they are at, and begin nothing new.
                    next.store(downloads.len(), Ordering::Relaxed);
                    locked(&failed).get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        let start = |_: &usize| Builder::new().spawn_scoped(scope, work).is_ok();
        // Where no thread can be had, it is done by this one.
        if (0..AT_ONCE.min(downloads.len())).filter(start).count() == 0 {
            work();
        }
    });
    drop(bar);
    if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error.context(format!("failed to fetch `{slug}`")));
    }
    term::say(format_args!("   {} received", term::bytes(*locked(&received))));
    Ok(())
}

/// Gives the bytes that came over the wire.
fn download(
    client: &Client,
    slug: &str,
    one: &Download,
    archives: &Path,
    progress: &dyn Progress,
) -> Result<u64> {
    let path = one.name.under(archives);
    let received = match one.what {
        What::Bundle => client.download_bundle(slug, &path, progress)?,
        What::File => client.download_file(slug, &one.name, one.bytes, &path, progress)?,
    };
    if !received.is_announced
        && let Some(listed) = one.bytes.filter(|listed| *listed > 0 && *listed != received.bytes)
        && let Some(unpacked) = archive::zipped_size(&path)?
        && unpacked != listed
        && !plan::is_packed(one)
    {
        fs::remove_file(&path)?;
        bail!(
            "`{}` came packed, with {unpacked} bytes in it, and Kaggle lists {listed}\nhint: run the \
             same command again",
            one.name
        );
    }
    Ok(received.fetched)
}

/// One download's part of a bar that several share.
struct Share<'a> {
    bar: &'a Bar,
    total: &'a Mutex<u64>,
    /// What the total holds for this one: Kaggle's listing, until the server says how much it is.
    announced: Mutex<u64>,
}

impl Progress for Share<'_> {
    fn total(&self, units: u64) {
        let (mut total, mut announced) = (locked(self.total), locked(&self.announced));
        *total = total.saturating_add(units).saturating_sub(*announced);
        *announced = units;
        self.bar.total(*total);
    }

    fn advance(&self, units: u64) {
        self.bar.advance(units);
    }

    fn note(&self, text: &str) {
        self.bar.note(text);
    }
}

/// A panic elsewhere has left the number whole.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Deletes a download that cannot be read, so that the next call fetches it again instead of coming to the
/// same end.
fn forget_damaged(path: &Path, error: anyhow::Error) -> Result<()> {
    match error.downcast_ref::<archive::Error>() {
        Some(archive::Error::Damaged { .. }) => {
            archive::pieces(path)?.iter().try_for_each(fs::remove_file)?;
            Err(error.context("the download is deleted: the same command fetches it again"))
        }
        _ => Err(error),
    }
}

/// Unpacks a download, or puts it where the layout wants it.
fn place(
    competition: &Competition,
    one: &Download,
    archives: &Path,
    data: &Path,
    claims: &mut Claims,
) -> Result<()> {
    let path = one.name.under(archives);
    if archive::head(&path).is_some_and(|head| head != path) {
        // It is read with the file that stands for it.
        return Ok(());
    }
    if Kind::of(&path)?.is_some() {
        return unpack(&path, data, claims).or_else(|error| forget_damaged(&path, error));
    }
    let target = layout::place_of(competition, &one.name);
    let place = target.under(data);
    claims.claim([(path.clone(), place.clone())])?;
    fs::write_atomic(place, fs::read(path)?)
        .with_context(|| format!("failed to put `{target}` in its place"))
}
