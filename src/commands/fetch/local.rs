//! Data that a person has already: folders are linked or copied, archives unpacked.
//!
//! Only what the competition's layout names is taken out of a folder; an archive is unpacked
//! whole. The source is never changed: images become hard links where that works, tables copies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{layout, unpack};
use crate::archive::Kind;
use crate::competition::Competition;
use crate::fs;
use crate::progress::Progress;
use crate::report::{Bar, Unit};
use crate::term;

/// Brings the parts out of every source into the data folder.
pub(super) fn take(
    competition: &Competition,
    data: &Path,
    from: &[PathBuf],
    anew: bool,
) -> Result<()> {
    let sources = Sources::look(competition, data, from)?;
    for folder in sources.folders {
        take_folder(competition, folder, data, anew)?;
    }
    for archive in sources.archives {
        unpack(archive, data)?;
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
        takes.push(json!({ "from": path, "how": how, "to": to }));
    };
    for folder in sources.folders {
        let parts = layout::parts(competition, folder)?;
        for (kind, how) in [
            (&parts.folders, "linked or copied"),
            (&parts.tables, "copied"),
            (&parts.archives, "unpacked"),
        ] {
            for (name, path) in kind {
                add(path, how, &data.join(name));
            }
        }
    }
    for archive in sources.archives {
        add(archive, "unpacked", data);
    }
    term::say(term::table(&["would take", "", "to"], &rows));
    Ok(json!({ "folder": data, "takes": takes }))
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
            } else if !source.exists() {
                bail!("no file or folder `{}`", source.display());
            } else if Kind::of(source)?.is_some() {
                archives.push(source);
            } else {
                bail!(
                    "`{}` is neither a folder nor a zip, tar or 7z archive\nhint: for a folder with \
                     tables and images give the folder",
                    source.display()
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
                bail!(
                    "{} does not hold the data of `{}`: {missing}\nhint: give further folders or \
                     archives with more `--from`",
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

fn take_folder(competition: &Competition, source: &Path, data: &Path, anew: bool) -> Result<()> {
    let parts = layout::parts(competition, source)?;
    let mut pairs = Vec::new();
    for (name, path) in &parts.folders {
        // Some mirrors have `test-jpg/test-jpg/1.jpg`.
        let inner = path.join(Path::new(name).file_name().unwrap_or_default());
        let path = if inner.is_dir() { &inner } else { path };
        collect(path, &data.join(name), &mut pairs)?;
    }
    let bar = Bar::new("images", Unit::Items("files"));
    bar.total(pairs.len() as u64);
    let (mut n_linked, mut n_copied) = (0, 0);
    for (from, to) in &pairs {
        match bring(from, to, anew)? {
            Brought::Linked => n_linked += 1,
            Brought::Copied => n_copied += 1,
            Brought::There => {}
        }
        bar.advance(1);
    }
    drop(bar);
    for (name, path) in &parts.tables {
        fs::write_atomic(data.join(name), fs::read(path)?)?;
    }
    for (_, archive) in &parts.archives {
        unpack(archive, data)?;
    }
    let n_there = pairs.len() - n_linked - n_copied;
    let mut counts = vec![term::count(parts.tables.len(), "table")];
    for (n, how) in [(n_linked, "linked"), (n_copied, "copied"), (n_there, "there already")] {
        if n > 0 {
            counts.push(format!("{} {how}", term::count(n, "image")));
        }
    }
    term::say(format_args!("   `{}`: {}", source.display(), counts.join(", ")));
    Ok(())
}

/// Every file below a folder, with the place it should have.
fn collect(from: &Path, to: &Path, pairs: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() {
            collect(&path, &target, pairs)?;
        } else {
            pairs.push((path, target));
        }
    }
    Ok(())
}

enum Brought {
    Linked,
    Copied,
    There,
}

/// Gives one image its place: a link, or a copy where the file system wants one.
fn bring(from: &Path, to: &Path, anew: bool) -> Result<Brought> {
    // A link to a symbolic link would hang on a name that may go.
    let from =
        from.canonicalize().with_context(|| format!("failed to read `{}`", from.display()))?;
    if let Ok(there) = fs::metadata(to) {
        if !anew && there.len() == fs::metadata(&from)?.len() {
            return Ok(Brought::There);
        }
        fs::remove_file(to)?;
    }
    if fs::hard_link(&from, to).is_ok() {
        return Ok(Brought::Linked);
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let partial = to.with_file_name(format!(".partial-{name}"));
    if partial.exists() {
        fs::remove_file(&partial)?;
    }
    fs::copy(&from, &partial)?;
    fs::rename(&partial, to)?;
    Ok(Brought::Copied)
}
