//! What a competition's data folder should hold, and where a given folder has it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::archive::{self, Kind};
use crate::competition::{Competition, Labels};
use crate::dataset;
use crate::fs;

/// Mirrors put the data two folders deep (`planet/planet/train-jpg`).
const DEEPEST: usize = 2;

/// The parts of a competition's data that a folder holds, by the names they should have.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) folders: Vec<(String, PathBuf)>,
    /// Labels and sample submission.
    pub(super) tables: Vec<(String, PathBuf)>,
    /// Parts that are still packed.
    pub(super) archives: Vec<(String, PathBuf)>,
}

impl Parts {
    fn has(&self, name: &str) -> bool {
        let lists = [&self.folders, &self.tables, &self.archives];
        lists.into_iter().flatten().any(|(part, _)| part == name)
    }
}

/// Finds the parts in a folder or up to two folders deeper; the shallowest of a name counts.
pub(super) fn parts(competition: &Competition, folder: &Path) -> Result<Parts> {
    let mut parts = Parts::default();
    let places = places(competition, folder)?;
    for name in folders(competition) {
        let found = places.iter().map(|place| place.path.join(name)).find(|path| path.is_dir());
        if let Some(path) = found {
            parts.folders.push((name.to_owned(), path));
        }
    }
    for name in tables(competition) {
        let found = places.iter().find_map(|place| dataset::find_file(&place.path, name));
        if let Some(path) = found.filter(|path| !is_archive(path)) {
            parts.tables.push((name.to_owned(), path));
        }
    }
    for name in names(competition) {
        if parts.has(name) {
            continue;
        }
        let bare = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
        let files = places.iter().flat_map(|place| &place.files);
        if let Some(path) =
            files.clone().find(|path| archive::stem(path) == bare && is_archive(path))
        {
            parts.archives.push((name.to_owned(), path.clone()));
        }
    }
    Ok(parts)
}

/// What is not there, in words.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Folders of images; of several one suffices, as the spec says.
    pub(super) images: Vec<String>,
    /// Labels and sample submission.
    pub(super) tables: Vec<String>,
}

impl Missing {
    /// Whether the data are whole.
    pub(super) fn is_nothing(&self) -> bool {
        self.images.is_empty() && self.tables.is_empty()
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let all: Vec<&str> = self.images.iter().chain(&self.tables).map(String::as_str).collect();
        write!(f, "no {}", all.join(", no "))
    }
}

/// Which parts none of the folders has.
pub(super) fn missing(competition: &Competition, places: &[&Path]) -> Result<Missing> {
    let found = places
        .iter()
        .filter(|place| place.is_dir())
        .map(|place| parts(competition, place))
        .collect::<Result<Vec<_>>>()?;
    let has = |name: &str| found.iter().any(|parts| parts.has(name));
    let mut missing = Missing::default();
    let files = &competition.files;
    for (names, what) in [(&files.train, "training images"), (&files.test, "test images")] {
        if !names.iter().any(|name| has(name)) {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            missing.images.push(format!("{what} ({})", names.join(" or ")));
        }
    }
    for name in tables(competition).into_iter().filter(|name| !has(name)) {
        let what = if name == files.sample { "sample submission" } else { "labels" };
        missing.tables.push(format!("{what} (`{name}`)"));
    }
    Ok(missing)
}

/// Moves parts that an archive had in folders of its own to where they belong.
pub(super) fn lift(competition: &Competition, data: &Path) -> Result<()> {
    let parts = parts(competition, data)?;
    for (name, path) in parts.folders {
        let target = data.join(&name);
        if path != target {
            archive::move_into(&path, &target)?;
        }
    }
    for (name, path) in parts.tables {
        // A table may lie in a folder of its own name: that is Kaggle's own way.
        if !path.starts_with(data.join(&name)) {
            fs::rename(&path, data.join(&name))?;
        }
    }
    Ok(())
}

/// Every part, images first.
pub(super) fn names(competition: &Competition) -> impl Iterator<Item = &str> {
    folders(competition).chain(tables(competition))
}

/// Whether a file that Kaggle lists brings something that the layout names.
pub(super) fn is_named(competition: &Competition, listed: &str) -> bool {
    names(competition).any(|part| belongs(listed, part))
}

/// Whether a file that Kaggle lists is a part, an archive of it, or lies in it.
pub(super) fn belongs(listed: &str, part: &str) -> bool {
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    archive::stem(Path::new(listed)) == base(part)
        || listed.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
}

/// Where a listed file that is no archive goes: a table right into the data folder, whatever folder
/// Kaggle has it in, an image where it is.
pub(super) fn place_of(competition: &Competition, listed: &str) -> String {
    let table = tables(competition).into_iter().find(|table| belongs(listed, table));
    table.unwrap_or(listed).to_owned()
}

/// The folders of images, training images first.
fn folders(competition: &Competition) -> impl Iterator<Item = &str> {
    let files = &competition.files;
    let mut names: Vec<&str> = Vec::new();
    for name in files.train.iter().chain(&files.test) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.into_iter()
}

/// The tables that the layout names.
pub(super) fn tables(competition: &Competition) -> Vec<&str> {
    let labels = match &competition.target.labels {
        Labels::Csv { file, .. } => Some(file.as_str()),
        Labels::FileName { .. } | Labels::Folder {} => None,
    };
    labels.into_iter().chain([competition.files.sample.as_str()]).collect()
}

fn is_archive(path: &Path) -> bool {
    path.is_file() && matches!(Kind::of(path), Ok(Some(_)))
}

/// A folder to look in, with the files right in it.
struct Place {
    path: PathBuf,
    files: Vec<PathBuf>,
}

/// The folder and those below it, level by level; folders of images are not entered.
fn places(competition: &Competition, folder: &Path) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    let mut level = vec![folder.to_owned()];
    for depth in 0..=DEEPEST {
        let mut next = Vec::new();
        for path in level {
            let mut files = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?.path();
                let Some(name) = entry.file_name().map(|name| name.to_string_lossy()) else {
                    continue;
                };
                if name.starts_with('.') {
                    continue;
                }
                if entry.is_file() {
                    files.push(entry);
                } else if depth < DEEPEST && !folders(competition).any(|images| images == name) {
                    next.push(entry);
                }
            }
            files.sort();
            places.push(Place { path, files });
        }
        next.sort();
        level = next;
    }
    Ok(places)
}
