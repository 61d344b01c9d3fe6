//! `kaggle-kit cache`: the activations and pictures that runs have left for later ones.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::cache::{About, AboutPictures, Dtype, Entry, Holds, Removal, Shape, State, Store};
use crate::term;

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Show them.
    List,
    /// Remove some.
    Clean(Which),
}

/// Those to remove. What a run reads or writes at the moment always stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Which {
    /// What no run can read: unfinished, or written by another version.
    Useless,
    /// And what no run has used for so many days.
    OlderThan(f64),
    /// All of them.
    All,
}

/// Lists or removes; prints a table, or JSON.
pub fn run(action: Action, json: bool) -> Result<()> {
    let store = Store::usual()?;
    match action {
        Action::List => {
            let listing = list(&store)?;
            if json {
                term::out(serde_json::to_string_pretty(&listing)?);
            } else {
                tell(&listing, SystemTime::now());
            }
        }
        Action::Clean(which) => {
            let cleaned = clean(&store, which, SystemTime::now())?;
            if json {
                term::out(serde_json::to_string_pretty(&cleaned)?);
            } else {
                term::done(cleaned.told());
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
    state: State,
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
        folder: store.folder().display().to_string(),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        limit: store.limit()?,
        caches: entries.into_iter().map(row).collect(),
    })
}

fn row(entry: Entry) -> Row {
    let Entry { key, bytes, state, holds, made, used, in_use } = entry;
    let what = holds.map(|holds| match holds {
        Holds::Activations(about, shape) => {
            let About { label, backbone, size, transform, engine, weights, .. } = about;
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

fn tell(listing: &Listing, now: SystemTime) {
    if !listing.caches.is_empty() {
        term::out(table(&listing.caches, now));
    }
    term::say(format_args!(
        "{}, {} of at most {}, in `{}`",
        term::count(listing.caches.len(), "cache"),
        term::bytes(listing.bytes),
        term::bytes(listing.limit),
        listing.folder
    ));
    let useless = listing.caches.iter().filter(|row| row.state != State::Finished && !row.in_use);
    let n = useless.count();
    if n > 0 {
        term::say(format_args!("`kaggle-kit cache clean` removes {n} that no run can read"));
    }
}

fn table(rows: &[Row], now: SystemTime) -> String {
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
            (State::Finished, false) => "",
            (State::Finished, true) => "in use",
            (State::Unfinished, false) => "unfinished",
            (State::Unfinished, true) => "being written",
            (State::Unusable, _) => "unusable",
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
    term::table(&header, &cells.collect::<Vec<_>>())
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

fn clean(store: &Store, which: Which, now: SystemTime) -> Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    for entry in store.entries()? {
        let age = now.duration_since(entry.used).unwrap_or(Duration::ZERO);
        let unwanted = match which {
            Which::Useless => false,
            Which::OlderThan(days) => age.as_secs_f64() > days * 86_400.0,
            Which::All => true,
        };
        if !unwanted && entry.state == State::Finished {
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
    fn told(&self) -> String {
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
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::cache::{Hash, Key, Rows, Slot, Source};
    use crate::fs;

    fn backbone(row: &Row) -> &str {
        match &row.what {
            Some(What::Activations { backbone, .. }) => backbone,
            _ => "",
        }
    }

    const DAY: Duration = Duration::from_secs(86_400);

    /// A cache of two images, last used so many days ago.
    fn cached(store: &Store, backbone: &str, days: u32, rows: &[f32]) -> Option<Rows> {
        let key = Key::new(&Source {
            label: "dogs-vs-cats",
            backbone,
            weights: Hash([1; 32]),
            engine: "libtorch on cpu",
            transform: "centre",
            size: 224,
            images: &[Hash([2; 32]), Hash([3; 32])],
            views: 1,
            width: 2,
            dtype: Dtype::F32,
        });
        let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!("it is there") };
        writer.append(rows).unwrap();
        let rows = writer.finish().ok();
        let stamp = store.folder().join(key.name()).join("in-use");
        let stamp = fs::File::options().write(true).open(stamp).unwrap();
        stamp.set_modified(SystemTime::now() - days * DAY).unwrap();
        rows
    }

    /// One in use, one used a week ago, one unfinished, one of another version.
    fn filled() -> (TempDir, Store, Rows) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("activations"), Some(1_000_000));
        let rows = cached(&store, "resnet34", 0, &[1.0; 4]).unwrap();
        cached(&store, "resnet50", 7, &[1.0; 4]);
        cached(&store, "resnet18", 1, &[1.0; 2]);
        let other = store.folder().join("0123456789abcdef0123456789abcdef");
        fs::write_atomic(other.join("activations.safetensors"), "another version").unwrap();
        (folder, store, rows)
    }

    #[test]
    fn the_list_says_what_for_and_how_long_ago() {
        let (_folder, store, _rows) = filled();
        let listing = list(&store).unwrap();
        assert_eq!(listing.limit, 1_000_000);
        assert_eq!(listing.bytes, listing.caches.iter().map(|row| row.bytes).sum::<u64>());
        let table = table(&listing.caches, SystemTime::now() + DAY);
        let line = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).unwrap();
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
        };
        let bytes = |name: &str| {
            let has_name = |row: &&Row| backbone(row) == name;
            term::bytes(listing.caches.iter().find(has_name).unwrap().bytes)
        };
        assert_eq!(
            line("resnet34")[..8],
            [
                "dogs-vs-cats",
                "resnet34 at 224",
                "2",
                "1",
                "2 f32",
                &bytes("resnet34"),
                "24 h ago",
                "24 h ago"
            ]
        );
        assert_eq!(line("resnet34")[8], "in use");
        assert_eq!(line("resnet50")[7], "8 days ago");
        assert_eq!(line("resnet18")[8], "unfinished");
        assert_eq!(line("unusable")[0], "?");
        assert!(line("unusable").contains(&"01234567"));
        let json = serde_json::to_value(&listing).unwrap();
        let find = |name: &str| {
            let caches = json["caches"].as_array().unwrap();
            caches.iter().find(|cache| cache["backbone"] == name).unwrap()
        };
        assert_eq!(find("resnet34")["in_use"], true);
        assert_eq!(find("resnet18")["state"], "unfinished");
        assert_eq!(find("resnet50")["dtype"], "f32");
        assert_eq!(find("resnet50")["images"], 2);
    }

    #[test]
    fn ages_are_told_in_the_unit_that_fits() {
        let then = SystemTime::now();
        let cases = [
            (59, "now"),
            (60, "1 min ago"),
            (7200, "2 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
        ];
        for (seconds, told) in cases {
            assert_eq!(ago(then + Duration::from_secs(seconds), then), told);
        }
        assert_eq!(ago(then, then + DAY), "now");
    }

    #[test]
    fn cleaning_removes_what_was_meant_and_nothing_in_use() {
        let cases = [
            (Which::Useless, 2, 0, "resnet34 resnet50"),
            (Which::OlderThan(8.0), 2, 0, "resnet34 resnet50"),
            (Which::OlderThan(6.5), 3, 0, "resnet34"),
            (Which::All, 3, 1, "resnet34"),
        ];
        for (which, removed, in_use, left) in cases {
            let (_folder, store, rows) = filled();
            let before = list(&store).unwrap().bytes;
            let cleaned = clean(&store, which, SystemTime::now()).unwrap();
            let counts = (cleaned.removed.len(), cleaned.in_use.len());
            assert_eq!(counts, (removed, in_use), "{which:?}");
            let listing = list(&store).unwrap();
            assert_eq!(listing.bytes, before - cleaned.bytes);
            let mut names: Vec<&str> = listing.caches.iter().map(backbone).collect();
            names.sort();
            assert_eq!(names.join(" "), left, "{which:?}");
            assert_eq!(rows.rows(&[1]), [1.0, 1.0]);
        }
    }

    #[test]
    fn what_was_cleaned_is_told() {
        let mut cleaned = Cleaned::default();
        assert_eq!(cleaned.told(), "nothing to remove");
        cleaned.in_use.push("a".to_owned());
        assert_eq!(cleaned.told(), "nothing to remove; in use, and left: 1");
        (cleaned.removed, cleaned.bytes) = (vec!["b".to_owned(); 2], 1_200_000_000);
        assert_eq!(cleaned.told(), "2 caches removed, 1.2 GB; in use, and left: 1");
    }
}
