//! What is looked at: names of files, and the tables among them.

use super::table::Table;

/// A file, by its path below the data folder, with `/` between the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    pub bytes: u64,
    /// Where it really is, if that is elsewhere.
    pub at: Option<String>,
}

impl Entry {
    pub fn new(path: impl Into<String>, bytes: u64) -> Self {
        Self { path: path.into(), bytes, at: None }
    }

    /// Where it is to be read.
    pub fn place(&self) -> &str {
        self.at.as_deref().unwrap_or(&self.path)
    }
}

/// The names of what there is.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In the order of their paths.
    pub entries: Vec<Entry>,
    /// Folders whose files are not listed, or not all of them: archives that nobody looked into, and
    /// what Kaggle lists page by page.
    pub unseen: Vec<String>,
}

/// Everything that an inference is made from.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub listing: Listing,
    /// The tables that were read, whole or their first rows.
    pub tables: Vec<Table>,
    /// CSVs that are there and cannot be read as tables.
    pub unread: Vec<String>,
    /// Of some DICOM files: the path, and the patient that it names.
    pub patients: Vec<(String, String)>,
    /// What the first record of the `TFRecords` holds, by name.
    pub features: Vec<String>,
}

impl Listing {
    /// Sorts the entries, as the rest expects them.
    pub fn new(mut entries: Vec<Entry>, mut unseen: Vec<String>) -> Self {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        unseen.sort();
        unseen.dedup();
        Self { entries, unseen }
    }

    /// The same without the folders that everything lies in (`planet/planet/train-jpg`), and without those
    /// that a table shares its name with (`train.csv/train.csv`): `fetch` leaves them out too.
    #[must_use]
    pub fn lifted(mut self) -> Self {
        /// As deep as `fetch` looks for the parts of a competition.
        const DEEPEST: usize = 2;
        let keep = |entry: &mut Entry, path: String| {
            let old = std::mem::replace(&mut entry.path, path);
            entry.at.get_or_insert(old);
        };
        for _ in 0..DEEPEST {
            let first = self.entries.first().and_then(|entry| entry.path.split_once('/'));
            let Some(top) = first.map(|(top, _)| top.to_owned()) else { break };
            // A folder of images alone is one of the competition's own.
            let is_outer =
                |entry: &Entry| entry.path.matches('/').count() > 1 || is_table(&entry.path);
            let mut paths = self.entries.iter().map(|entry| &entry.path).chain(&self.unseen);
            if !self.entries.iter().any(is_outer) || !paths.all(|path| is_below(path, &top)) {
                break;
            }
            for entry in &mut self.entries {
                let path = entry.path[top.len() + 1..].to_owned();
                keep(entry, path);
            }
            self.unseen.iter_mut().for_each(|path| drop(path.drain(..=top.len())));
        }
        for entry in self.entries.iter_mut().filter(|entry| is_table(&entry.path)) {
            let outer = folder(&entry.path);
            if !outer.is_empty() && base(outer) == base(&entry.path) {
                let path = outer.to_owned();
                keep(entry, path);
            }
        }
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    /// Whether every file is listed.
    pub fn is_whole(&self) -> bool {
        self.unseen.is_empty()
    }

    /// The tables that are worth reading: those near the top, in the order of their depth.
    pub fn tables(&self) -> Vec<&Entry> {
        /// So deep a table may lie: `planet/planet/train_v2.csv/train_v2.csv`.
        const DEEPEST: usize = 3;
        /// A folder of a thousand tables is data of another kind.
        const MOST: usize = 48;
        let depth = |entry: &&Entry| entry.path.matches('/').count();
        let mut tables: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| depth(entry) <= DEEPEST && is_table(&entry.path))
            .collect();
        tables.sort_by_key(depth);
        tables.truncate(MOST);
        tables
    }

    /// The first file with such an extension, in lower case.
    pub fn with_extension(&self, wanted: &[&str]) -> Option<&Entry> {
        self.entries.iter().find(|entry| wanted.contains(&extension(&entry.path).as_str()))
    }
}

/// Whether a name is that of a table.
pub fn is_table(path: &str) -> bool {
    matches!(extension(path).as_str(), "csv" | "tsv" | "json")
}

/// What stands behind the last dot of a name, in lower case; nothing where there is no dot.
pub fn extension(path: &str) -> String {
    let name = base(path);
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// A name without its extension.
pub(super) fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// The last part of a path.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder that a path lies in; empty at the top.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a path lies in a folder or below it; everything lies in the empty one.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<(String, String)> {
        let entries = paths.iter().map(|path| Entry::new(*path, 1)).collect();
        let lifted = Listing::new(entries, Vec::new()).lifted();
        lifted
            .entries
            .into_iter()
            .map(|entry| (entry.path.clone(), entry.place().to_owned()))
            .collect()
    }

    #[test]
    fn folders_around_everything_are_left_out() {
        let both = |path: &str, at: &str| (path.to_owned(), at.to_owned());
        assert_eq!(
            paths(&["planet/planet/a.csv/a.csv", "planet/planet/train/1.jpg"]),
            [
                both("a.csv", "planet/planet/a.csv/a.csv"),
                both("train/1.jpg", "planet/planet/train/1.jpg")
            ]
        );
        for stays in [
            &["a.csv", "train/1.jpg"][..],
            &["train/1.jpg", "train/2.jpg"],
            &["test/1.jpg", "train/1.jpg"],
        ] {
            let same: Vec<_> = stays.iter().map(|path| both(path, path)).collect();
            assert_eq!(paths(stays), same);
        }
    }
}
