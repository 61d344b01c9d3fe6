//! Data that a person has already: folders are linked or copied, archives unpacked.
//!
//! Only what the competition's layout names is taken out of a folder; an archive is unpacked
//! whole. The source is never changed: images become hard links where that works, tables copies.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::bring::{Bringer, Brought};
use super::claims::Claims;
use super::{Fetched, layout, unpack};
use crate::archive::{self, Kind};
use crate::competition::{Competition, Labels, Template};
use crate::dataset;
use crate::fs::{self, Other};
use crate::progress::Progress;
use crate::relative::is_own_name;
use crate::report::{Bar, Unit};
use crate::term;

/// Endings of tables and notes that lie among pictures.
const TEXTS: [&str; 8] = ["csv", "tsv", "txt", "json", "jsonl", "xml", "toml", "md"];

/// Brings the parts out of every source into the data folder.
pub(super) fn take(
    competition: &Competition,
    data: &Path,
    from: &[PathBuf],
    anew: bool,
) -> Result<()> {
    let sources = Sources::look(competition, data, from)?;
    let mut bringer = Bringer::new(data, &sources.folders, anew)?;
    let mut claims = Claims::read(data, anew);
    Fetched::forget(data)?;
    for folder in sources.folders {
        take_folder(competition, folder, data, &mut bringer, &mut claims)?;
    }
    if !sources.archives.is_empty() {
        bringer.check_parts(competition)?;
    }
    for archive in sources.archives {
        unpack(archive, data, &mut claims)?;
    }
    Ok(())
}

/// Says what [`take`] would do.
pub(super) fn rehearse(competition: &Competition, data: &Path, from: &[PathBuf]) -> Result<Value> {
    let sources = Sources::look(competition, data, from)?;
    let mut rows = Vec::new();
    let mut takes = Vec::new();
    let mut add = |path: &Path, how: &str, to: &Path| {
        rows.push(vec![path.display().to_string(), how.to_owned(), to.display().to_string()]);
        let [from, to] = [path, to].map(term::path_in_json);
        takes.push(json!({ "from": from, "how": how, "to": to }));
    };
    for folder in sources.folders {
        let parts = layout::parts(competition, folder)?;
        for (kind, how) in [
            (&parts.folders, "linked or copied"),
            (&parts.tables, "copied"),
            (&parts.archives, "unpacked"),
        ] {
            for (name, path) in kind {
                add(path, how, &name.under(data));
            }
        }
    }
    for archive in sources.archives {
        add(archive, "unpacked", data);
    }
    term::say(term::table(&["would take", "", "to"], &rows));
    Ok(json!({ "folder": term::path_in_json(data), "takes": takes }))
}

/// What `--from` names, sorted.
struct Sources<'a> {
    folders: Vec<&'a Path>,
    archives: Vec<&'a Path>,
}

impl<'a> Sources<'a> {
    /// Looks at every source before anything is done.
    fn look(competition: &Competition, data: &Path, from: &'a [PathBuf]) -> Result<Self> {
        let (mut folders, mut archives) = (Vec::<&Path>::new(), Vec::<&Path>::new());
        for source in from {
            if source.is_dir() {
                refuse_itself(source, data)?;
                folders.push(source);
            } else if fs::symlink_metadata(source).is_err() {
                bail!("no file or folder `{}`", source.display());
            } else if archive::head(source)
                .is_some_and(|head| head != *source && from.contains(&head))
            {
                // A further file of an archive that is named as well: `--from train.zip.*`.
            } else if let Some(head) = archive::head(source).filter(|head| head != source) {
                bail!(
                    "`{}` is one of several files of an archive\nhint: give `{}`, which stands for all of \
                     them",
                    source.display(),
                    head.display()
                );
            } else if Kind::of(source)?.is_some() {
                archives.push(source);
            } else if let Some(foreign) = archive::foreign(source) {
                bail!("`{}` is {}\nhint: {}", source.display(), foreign.is, foreign.way_on);
            } else {
                bail!(
                    "`{}` is neither a folder nor an archive ({})\nhint: for a folder with tables \
                     and images give the folder",
                    source.display(),
                    archive::UNPACKED
                );
            }
        }
        // What an archive holds is known once it is unpacked; folders are looked at before.
        if archives.is_empty() {
            let places: Vec<&Path> = folders.iter().copied().chain([data]).collect();
            let missing = layout::missing(competition, &places)?;
            if !missing.is_nothing() {
                let names: Vec<String> =
                    folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
                let way_on = missing.foreign.first().map_or(
                    "give further folders or archives with more `--from`",
                    |(_, foreign)| foreign.way_on.as_str(),
                );
                bail!(
                    "{} does not hold the data of `{}`: {missing}\nhint: {way_on}",
                    names.join(" and "),
                    competition.name
                );
            }
        }
        Ok(Self { folders, archives })
    }
}

fn refuse_itself(source: &Path, data: &Path) -> Result<()> {
    let same = match (source.canonicalize(), data.canonicalize()) {
        (Ok(source), Ok(data)) => source == data,
        _ => false,
    };
    if same {
        bail!("`{}` is the data folder itself", source.display());
    }
    Ok(())
}

/// Says what the sources hold that can be neither linked nor copied.
pub(super) fn tell(source: &Path, others: &[Other]) {
    let Some(first) = others.first() else { return };
    let name = |other: &Other| {
        let inside = other.path.strip_prefix(source).unwrap_or(&other.path);
        format!("`{}` is {}", inside.display(), other.is)
    };
    let more = match others.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} more like it"),
    };
    term::warn(format_args!("passed over in `{}`: {}{more}", source.display(), name(first)));
}

fn take_folder(
    competition: &Competition,
    source: &Path,
    data: &Path,
    bringer: &mut Bringer,
    claims: &mut Claims,
) -> Result<()> {
    let parts = layout::parts(competition, source)?;
    let (mut folders, mut pairs) = (Vec::new(), Vec::new());
    let mut others = Vec::new();
    for (name, path) in &parts.folders {
        // Some mirrors have `test-jpg/test-jpg/1.jpg`.
        let inner = path.join(name.base());
        let path = if inner.is_dir() { &inner } else { path };
        let target = name.under(data);
        let below = fs::below(path, Some(data))?;
        folders.push(target.clone());
        if name.is_folder_itself() {
            // Of all that is in the source these are the pictures; the rest has names of its own.
            let pictures = below.files.into_iter().map(|(from, _)| from);
            for from in pictures.filter(|from| is_picture_of(competition, path, from)) {
                let to = target.join(from.strip_prefix(path)?);
                folders.push(fs::folder_of(&to).to_owned());
                pairs.push((from, to));
            }
            continue;
        }
        for folder in below.folders {
            folders.push(target.join(folder.strip_prefix(path)?));
        }
        for (from, _) in below.files {
            let to = target.join(from.strip_prefix(path)?);
            pairs.push((from, to));
        }
        others.extend(below.others);
    }
    tell(source, &others);
    let tables = parts.tables.iter().map(|(name, path)| (path.clone(), name.under(data)));
    claims.claim(pairs.iter().cloned().chain(tables))?;
    folders.iter().try_for_each(|folder| bringer.folder(folder))?;
    let bar = Bar::new("images", Unit::Items("files"));
    bar.total(pairs.len() as u64);
    let (mut n_linked, mut n_copied) = (0, 0);
    for (from, to) in &pairs {
        if is_text(from) {
            // People edit tables, and what is linked is edited in the source as well.
            bringer.table(from, to)?;
            continue;
        }
        match bringer.image(from, to)? {
            Brought::Linked => n_linked += 1,
            Brought::Copied => n_copied += 1,
            Brought::There => {}
        }
        bar.advance(1);
    }
    drop(bar);
    for (name, path) in &parts.tables {
        bringer.table(path, &name.under(data))?;
    }
    if !parts.archives.is_empty() {
        bringer.check_parts(competition)?;
    }
    // One may hold several parts.
    let mut done = HashSet::new();
    for archive in parts.archives.iter().map(|(_, archive)| archive).filter(|one| done.insert(*one))
    {
        unpack(archive, data, claims)?;
    }
    let n_there = pairs.iter().filter(|(from, _)| !is_text(from)).count() - n_linked - n_copied;
    let mut counts = vec![term::count(parts.tables.len(), "table")];
    for (n, how) in [(n_linked, "linked"), (n_copied, "copied"), (n_there, "there already")] {
        if n > 0 {
            counts.push(format!("{} {how}", term::count(n, "image")));
        }
    }
    term::say(format_args!("   `{}`: {}", source.display(), counts.join(", ")));
    Ok(())
}

/// Whether a file below a source is one of the pictures that lie right in the data folder, or, where
/// folders are the labels, one folder deeper, or anywhere below, where a template says so.
fn is_picture_of(competition: &Competition, source: &Path, file: &Path) -> bool {
    let files = &competition.files;
    let mut places = files.train.iter().chain(&files.test);
    let deepest = match competition.target.labels {
        _ if places.any(|place| matches!(Template::of(place), Ok(Some(_)))) => usize::MAX,
        Labels::Folder {} => 2,
        Labels::Csv { .. }
        | Labels::Json { .. }
        | Labels::FileName { .. }
        | Labels::Record { .. } => 1,
    };
    let inside = file.strip_prefix(source).unwrap_or(file);
    let first = inside.iter().next().unwrap_or_default().to_string_lossy();
    dataset::is_image(files, file) && inside.components().count() <= deepest && !is_own_name(&first)
}

/// Whether a file is of a kind that people edit.
fn is_text(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    TEXTS.contains(&ending.as_str())
}
