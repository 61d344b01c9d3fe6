//! What a competition's data folder should hold, and where a given folder has it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::plan;
use crate::archive::{self, Foreign, Kind};
use crate::competition::{Competition, Files, format_of};
use crate::dataset;
use crate::fs;
use crate::relative::RelativePath;

/// Mirrors put the data two folders deep (`planet/planet/train-jpg`).
const DEEPEST: usize = 2;

/// The parts of a competition's data that a folder holds, by the names they should have.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) folders: Vec<(RelativePath, PathBuf)>,
    /// Labels and sample submission.
    pub(super) tables: Vec<(RelativePath, PathBuf)>,
    /// Parts that are still packed.
    pub(super) archives: Vec<(RelativePath, PathBuf)>,
    /// What looks like a packed part and cannot be unpacked.
    pub(super) foreign: Vec<(PathBuf, Foreign)>,
}

impl Parts {
    fn has(&self, name: &RelativePath) -> bool {
        let lists = [&self.folders, &self.tables, &self.archives];
        lists.into_iter().flatten().any(|(part, _)| part == name)
    }
}

/// Finds the parts in a folder or up to two folders deeper; the shallowest of a name counts.
pub(super) fn parts(competition: &Competition, folder: &Path) -> Result<Parts> {
    let mut parts = Parts::default();
    let places = places(competition, folder)?;
    for name in folders(competition) {
        let found = places.iter().map(|place| name.under(&place.path)).find(|path| path.is_dir());
        if let Some(path) = found {
            parts.folders.push((name, path));
        }
    }
    for name in tables(competition) {
        let found = places.iter().find_map(|place| dataset::find_file(&place.path, name));
        if let Some(path) = found.filter(|path| !is_archive(path)) {
            parts.tables.push((name.clone(), path));
        }
    }
    for name in names(competition) {
        if parts.has(&name) {
            continue;
        }
        let mut files = places.iter().flat_map(|place| &place.files);
        let packed =
            files.clone().find(|path| archive::stem(path) == name.base() && is_archive(path));
        if let Some(path) = packed {
            parts.archives.push((name.clone(), path.clone()));
        } else {
            let found = files.find_map(|path| Some((path.clone(), foreign(path, name.base())?)));
            parts.foreign.extend(found);
        }
    }
    look_inside(competition, &places, &mut parts);
    Ok(parts)
}

/// Archives that are called otherwise than what they hold, as `training_solutions_rev1.zip` with a CSV of
/// that name: looked into only where something is missing. What cannot be listed holds nothing here; it
/// is an error where it is unpacked.
fn look_inside(competition: &Competition, places: &[Place], parts: &mut Parts) {
    let missing: Vec<RelativePath> =
        names(competition).into_iter().filter(|name| !parts.has(name)).collect();
    if missing.is_empty() {
        return;
    }
    for path in places.iter().flat_map(|place| &place.files).filter(|path| is_archive(path)) {
        let Ok(held) = archive::list(path, &|_| false, &mut |_, _| ()) else { continue };
        for name in &missing {
            let inside = format!("/{name}");
            let is_in = |(file, _): &(String, u64)| {
                let file = format!("/{file}");
                file.ends_with(&inside) || file.contains(&format!("{inside}/"))
            };
            if !parts.has(name) && held.files.iter().any(is_in) {
                parts.archives.push((name.clone(), path.clone()));
            }
        }
    }
}

/// The same, wherever one lies, the shallowest of a name first; without what is packed.
pub(super) fn everywhere(competition: &Competition, folder: &Path) -> Result<Parts> {
    let mut parts = Parts::default();
    let places = places(competition, folder)?;
    for name in folders(competition) {
        let found = places.iter().map(|place| name.under(&place.path)).filter(|path| path.is_dir());
        parts.folders.extend(found.map(|path| (name.clone(), path)));
    }
    for name in tables(competition) {
        let found = places.iter().filter_map(|place| dataset::find_file(&place.path, name));
        let found = found.filter(|path| !is_archive(path));
        parts.tables.extend(found.map(|path| (name.clone(), path)));
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
    /// What is in their place, and what to do about it.
    pub(super) foreign: Vec<(PathBuf, Foreign)>,
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
        write!(f, "no {}", all.join(", no "))?;
        let is = |(path, foreign): &(PathBuf, Foreign)| {
            format!("; `{}` is {}", path.display(), foreign.is)
        };
        self.foreign.iter().try_for_each(|one| f.write_str(&is(one)))
    }
}

/// Which parts none of the folders has.
pub(super) fn missing(competition: &Competition, places: &[&Path]) -> Result<Missing> {
    let mut found = places
        .iter()
        .filter(|place| place.is_dir())
        .map(|place| parts(competition, place))
        .collect::<Result<Vec<_>>>()?;
    let foreign = found.iter_mut().flat_map(|parts| std::mem::take(&mut parts.foreign)).collect();
    let has = |name: &RelativePath| found.iter().any(|parts| parts.has(name));
    let mut missing = Missing { foreign, ..Missing::default() };
    let files = &competition.files;
    for (names, what) in [(&files.train, "training images"), (&files.test, "test images")] {
        let names = Files::folders_of(names);
        if !names.iter().any(has) {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            missing.images.push(format!("{what} ({})", names.join(" or ")));
        }
    }
    let is_of_images =
        |name: &RelativePath| files.train.contains(name) || files.test.contains(name);
    for name in tables(competition).into_iter().filter(|name| !has(name) && !is_of_images(name)) {
        let of_labels = competition.target.labels.tables();
        let what = match name {
            name if *name == files.sample => "sample submission",
            name if of_labels.contains(&name) => "labels",
            _ => "table",
        };
        missing.tables.push(format!("{what} (`{name}`)"));
    }
    Ok(missing)
}

/// Every part, images first.
pub(super) fn names(competition: &Competition) -> Vec<RelativePath> {
    let tables = competition.tables().into_iter().cloned();
    folders(competition).into_iter().chain(tables).collect()
}

/// Whether a file that Kaggle lists brings something that the layout names.
pub(super) fn is_named(competition: &Competition, listed: &RelativePath) -> bool {
    names(competition).iter().any(|part| belongs(listed, part))
}

/// Whether a file that Kaggle lists is a part, an archive of it, or lies in it.
pub(super) fn belongs(listed: &RelativePath, part: &RelativePath) -> bool {
    let stem = archive::stem(listed.as_ref());
    let is_archive = stem != listed.base();
    // A table may be packed without its ending in the archive's name.
    let is_packed = is_archive
        && format_of(part).is_some()
        && part.base().strip_prefix(&*stem).is_some_and(|ending| ending.starts_with('.'));
    stem == part.base()
        || is_packed
        || listed.strip_prefix(part.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

/// Where a listed file that is no archive goes: a table right into the data folder, whatever folder
/// Kaggle has it in, an image where it is.
pub(super) fn place_of(competition: &Competition, listed: &RelativePath) -> RelativePath {
    let table = tables(competition).into_iter().find(|table| belongs(listed, table));
    table.unwrap_or(listed).clone()
}

/// The folders of images, training images first.
pub(super) fn folders(competition: &Competition) -> Vec<RelativePath> {
    let files = &competition.files;
    // Rows of tables are in no folder.
    if files.pixels.is_some() {
        return Vec::new();
    }
    Files::folders_of(&[files.train.as_slice(), &files.test].concat())
}

/// The tables that the layout names.
pub(super) fn tables(competition: &Competition) -> Vec<&RelativePath> {
    competition.tables()
}

fn is_archive(path: &Path) -> bool {
    path.is_file() && matches!(Kind::of(path), Ok(Some(_)))
}

/// What a file is that is called after a part (`train.rar`) and cannot be unpacked.
fn foreign(path: &Path, part: &str) -> Option<Foreign> {
    let name = path.file_name()?.to_string_lossy();
    if name == part {
        let way_on = "move it away or remove it, then run the same command again";
        let is = fs::not_plain(path)?.kind.to_owned();
        return Some(Foreign { is, way_on: way_on.to_owned() });
    }
    name.strip_prefix(part)?.starts_with('.').then(|| archive::foreign(path))?
}

/// A folder to look in, with what is right in it and no folder.
struct Place {
    path: PathBuf,
    files: Vec<PathBuf>,
}

/// The folder and those below it, level by level; folders of images are not entered.
fn places(competition: &Competition, folder: &Path) -> Result<Vec<Place>> {
    let folders = folders(competition);
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
                if !entry.is_dir() {
                    files.push(entry);
                } else if depth < DEEPEST
                    && !folders.iter().any(|images| **images == *name)
                    && !plan::is_of_downloads(&entry)
                {
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
