//! `kaggle-kit cache`: the activations and pictures that runs have left for later ones.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::cache::{
    AboutActivations, AboutPictures, CacheEntry, CacheState, Dtype, Holds, Removal, Shape, Store,
};
use crate::term::{self, Give};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit cache                                    what is kept, for what, since when
  kaggle-kit cache clean                              only what no run can read
  kaggle-kit cache clean --older-than 30
Runs keep at most 20 GB, or half of what the disk has for it, and remove what has gone unused the
longest; `KAGGLE_KIT_CACHE_GB` sets another limit.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do; without it, list
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Show what is kept, for what, its size and age, and when it was last used
    List,
    /// Remove what no run can read: unfinished, or of another version
    Clean(Clean),
}

// What a run reads or writes at the moment always stays.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
#[group(multiple = false)]
pub struct Clean {
    /// And what no run has used for so many days
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u32>,
    /// And everything else that no run is using now
    #[arg(long)]
    pub all: bool,
}

/// Lists or removes; prints a table, or JSON.
pub fn run(args: &Args) -> Result<()> {
    let store = Store::usual()?;
    match &args.action {
        None | Some(Action::List) => {
            let listing = list(&store)?;
            if args.json {
                term::json(&listing)?;
            } else {
                print(&listing, SystemTime::now());
            }
        }
        Some(Action::Clean(which)) => {
            let cleaned = clean(&store, *which, SystemTime::now())?;
            if args.json {
                term::json(&cleaned)?;
            } else {
                term::done(cleaned.summary());
            }
        }
    }
    Ok(())
}

/// All caches, the last used first.
#[derive(Debug, Serialize)]
struct Listing {
    folder: String,
    bytes: u64,
    limit: u64,
    caches: Vec<Row>,
}

/// A cache at a glance.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    bytes: u64,
    state: CacheState,
    in_use: bool,
    #[serde(serialize_with = "rfc3339")]
    made: SystemTime,
    #[serde(serialize_with = "rfc3339")]
    used: SystemTime,
    #[serde(flatten)]
    what: Option<What>,
}

/// What a cache's header tells.
#[derive(Debug, Serialize)]
#[serde(tag = "holds", rename_all = "lowercase")]
enum What {
    Activations {
        label: String,
        backbone: String,
        size: String,
        transform: String,
        engine: String,
        weights: String,
        images: usize,
        views: usize,
        width: usize,
        dtype: Dtype,
    },
    Pictures {
        label: String,
        size: String,
        transform: String,
        images: usize,
    },
}

fn list(store: &Store) -> Result<Listing> {
    let mut entries = store.entries()?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
    Ok(Listing {
        folder: term::path_in_json(store.folder()),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        limit: store.limit()?,
        caches: entries.into_iter().map(row).collect(),
    })
}

fn row(entry: CacheEntry) -> Row {
    let CacheEntry { key, bytes, state, holds, made, used, in_use } = entry;
    let what = holds.map(|holds| match holds {
        Holds::Activations(about, shape) => {
            let AboutActivations { label, backbone, size, transform, engine, weights, .. } = about;
            let Shape { images, views, width, dtype } = shape;
            What::Activations {
                label,
                backbone,
                size,
                transform,
                engine,
                weights,
                images,
                views,
                width,
                dtype,
            }
        }
        Holds::Pictures(AboutPictures { label, size, transform, pictures, .. }) => {
            What::Pictures { label, size, transform, images: pictures.parse().unwrap_or_default() }
        }
    });
    Row { key, bytes, state, in_use, made, used, what }
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = Timestamp::try_from(*time).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&time)
}

fn print(listing: &Listing, now: SystemTime) {
    if !listing.caches.is_empty() {
        let (header, rows) = table(&listing.caches, now);
        term::out_table(&header, &rows, &GIVES);
    }
    term::say(format_args!(
        "{}, {} of at most {}, in `{}`",
        term::count(listing.caches.len(), "cache"),
        term::bytes(listing.bytes),
        term::bytes(listing.limit),
        listing.folder
    ));
    let useless =
        listing.caches.iter().filter(|row| row.state != CacheState::Finished && !row.in_use);
    let n = useless.count();
    if n > 0 {
        term::say(format_args!("`kaggle-kit cache clean` removes {n} that no run can read"));
    }
}

/// Columns of a narrow terminal: what tells one cache from another, and when it was used, stays.
const GIVES: [Give; 6] = [
    Give::Drop(4),
    Give::Drop(3),
    Give::Drop(6),
    Give::Shorten(1, 20),
    Give::Shorten(0, 10),
    Give::Drop(2),
];

fn table(rows: &[Row], now: SystemTime) -> ([&'static str; 10], Vec<Vec<String>>) {
    let header =
        ["for", "network", "images", "views", "numbers", "on disk", "made", "last used", "", "key"];
    let cells = rows.iter().map(|row| {
        let at = |what: &str, size: &str| {
            format!("{} at {}", term::short(what, 32), term::short(size, 6))
        };
        let (what, network, images, views, numbers) = match &row.what {
            None => ("?".into(), "?".into(), "?".into(), "?".into(), "?".into()),
            Some(What::Activations {
                label, backbone, size, images, views, width, dtype, ..
            }) => (
                term::short(label, 24),
                at(backbone, size),
                term::thousands(*images),
                views.to_string(),
                format!("{} {}", term::thousands(*width), dtype.name()),
            ),
            Some(What::Pictures { label, size, images, .. }) => (
                term::short(label, 24),
                at("pictures", size),
                term::thousands(*images),
                String::new(),
                "pixels".to_owned(),
            ),
        };
        let state = match (row.state, row.in_use) {
            (CacheState::Finished, false) => "",
            (CacheState::Finished, true) => "in use",
            (CacheState::Unfinished, false) => "unfinished",
            (CacheState::Unfinished, true) => "being written",
            (CacheState::Unusable, _) => "unusable",
        };
        vec![
            what,
            network,
            images,
            views,
            numbers,
            term::bytes(row.bytes),
            ago(now, row.made),
            ago(now, row.used),
            state.to_owned(),
            term::short(&row.key, 8).trim_end_matches('.').to_owned(),
        ]
    });
    (header, cells.collect())
}

/// `now`, `5 min ago`, `3 h ago`, `12 days ago`.
fn ago(now: SystemTime, then: SystemTime) -> String {
    // A clock that was set back makes no negative ages.
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// What a cleaning did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Cleaned {
    removed: Vec<String>,
    bytes: u64,
    in_use: Vec<String>,
}

fn clean(store: &Store, which: Clean, now: SystemTime) -> Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    for entry in store.entries()? {
        let age = now.duration_since(entry.used).unwrap_or(Duration::ZERO);
        let is_older = |days: u32| age.as_secs_f64() > f64::from(days) * 86_400.0;
        let unwanted = which.all || which.older_than.is_some_and(is_older);
        if !unwanted && entry.state == CacheState::Finished {
            continue;
        }
        match store.remove(&entry.key)? {
            Removal::Removed => {
                cleaned.bytes += entry.bytes;
                cleaned.removed.push(entry.key);
            }
            Removal::InUse => cleaned.in_use.push(entry.key),
        }
    }
    Ok(cleaned)
}

impl Cleaned {
    fn summary(&self) -> String {
        let stay = match self.in_use.len() {
            0 => String::new(),
            n => format!("; in use, and left: {n}"),
        };
        match self.removed.len() {
            0 => format!("nothing to remove{stay}"),
            n => format!("{} removed, {}{stay}", term::count(n, "cache"), term::bytes(self.bytes)),
        }
    }
}

#[cfg(test)]
mod tests;
