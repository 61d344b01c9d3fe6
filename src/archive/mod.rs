//! Archives as Kaggle serves them: zip, tar and 7z, one inside another, told apart by content.
//!
//! An archive is unpacked into a folder of its own beside the final place, archives inside it
//! included, and only a whole result is moved where it belongs: what has its final name is whole.
//! A killed run leaves that folder, which the next one empties. Names that leave the folder, links
//! and devices are refused, and so is an archive that grows beyond its bounds.

mod error;
mod kind;
mod read;
mod sink;

use std::path::{Path, PathBuf};

use anyhow::Context;

pub use error::Error;
pub use kind::{Kind, stem};
use sink::{Budget, Sink};

use crate::fs;
use crate::progress::Progress;

/// Archives inside archives are unpacked so deep; Kaggle's go to two.
const MOST_LEVELS: usize = 4;
/// An archive may hold so many times its own size ...
const MOST_RATIO: u64 = 200;
/// ... and this much more: a small table of repeated numbers packs very well.
const RATIO_SLACK: u64 = 200_000_000;
/// No competition unpacks to more.
const MOST_BYTES: u64 = 2_000_000_000_000;
/// No competition has more files.
const MOST_FILES: usize = 5_000_000;

/// Unpacks `archive` and every archive inside it into the folder `into`; counts the files, archives
/// among them aside.
///
/// Names keep their folders. The bare files of an archive that holds nothing else (images, not
/// tables) go to a folder named after it: `1.jpg` in `train.zip` becomes `train/1.jpg`. Files that
/// are there already are replaced. Progress counts unpacked bytes.
pub fn extract(archive: &Path, into: &Path, progress: &dyn Progress) -> Result<usize, Error> {
    let size = fs::metadata(archive).map_err(anyhow::Error::from)?.len();
    let most = size.saturating_mul(MOST_RATIO).saturating_add(RATIO_SLACK).min(MOST_BYTES);
    let mut budget = Budget::new(most, MOST_FILES, progress);
    extract_within(archive, into, &mut budget)
}

fn extract_within(archive: &Path, into: &Path, budget: &mut Budget) -> Result<usize, Error> {
    let staging = Staging::open(into)?;
    let whole = staging.folder.join("whole");
    unpack(archive, &staging, &whole, 0, budget)?;
    move_into(&whole, into)?;
    Ok(budget.files())
}

/// Unpacks one archive into `root`, and then those it holds, each beside where it lay.
fn unpack(
    archive: &Path,
    staging: &Staging,
    root: &Path,
    level: usize,
    budget: &mut Budget,
) -> Result<(), Error> {
    let kind = Kind::of(archive)?;
    let kind = kind.ok_or_else(|| Error::not_an_archive(archive))?;
    if level == MOST_LEVELS {
        return Err(Error::too_big(archive, "it holds archives in archives without end"));
    }
    let fresh = staging.folder.join(format!("level-{level}"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(anyhow::Error::from)?;
    }
    fs::create_dir_all(&fresh).map_err(anyhow::Error::from)?;
    let mut sink = Sink::new(archive, &fresh, budget);
    read::entries(archive, kind, &mut sink)?;
    let Sink { nested, .. } = sink;
    let target = if is_loose(&fresh)? { root.join(stem(archive)) } else { root.to_owned() };
    move_into(&fresh, &target)?;
    for inner in nested {
        let inner = target.join(inner);
        // The name alone says little: a table called `.zip` stays what it is.
        if Kind::of(&inner)?.is_none() {
            continue;
        }
        let beside = inner.parent().unwrap_or(&target);
        unpack(&inner, staging, beside, level + 1, budget)?;
        // It is gone already when the archive held a folder or file of its own name.
        if inner.is_file() && Kind::of(&inner)?.is_some() {
            fs::remove_file(&inner).map_err(anyhow::Error::from)?;
        }
        budget.one_was_an_archive();
    }
    Ok(())
}

/// Whether a folder holds bare images and nothing else.
fn is_loose(folder: &Path) -> Result<bool, Error> {
    const NOT_IMAGES: [&str; 9] = ["csv", "tsv", "json", "txt", "md", "pdf", "zip", "tar", "7z"];
    let mut any = false;
    for entry in fs::read_dir(folder).map_err(anyhow::Error::from)? {
        let path = entry.map_err(anyhow::Error::from)?.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() || NOT_IMAGES.contains(&extension.as_str()) || extension.is_empty() {
            return Ok(false);
        }
        any = true;
    }
    Ok(any)
}

/// Moves everything in `from` into `into`, folder by folder; files that are there are replaced.
pub fn move_into(from: &Path, into: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let source = entry?.path();
        let Some(name) = source.file_name() else { continue };
        let target = into.join(name);
        if source.is_dir() && target.is_dir() {
            move_into(&source, &target)?;
        } else if source.is_dir() && target.is_file() && Kind::of(&target)?.is_some() {
            // `labels.csv/` out of an archive that is itself called `labels.csv`.
            fs::remove_file(&target)?;
            fs::rename(&source, &target)?;
        } else {
            fs::rename(&source, &target)
                .with_context(|| format!("failed to give `{}` its name", target.display()))?;
        }
    }
    Ok(())
}

/// The folder in which an archive is unpacked, gone when dropped.
struct Staging {
    folder: PathBuf,
}

impl Staging {
    const NAME: &str = ".unpacking";

    /// Makes the folder anew; what a killed run left in it goes.
    fn open(into: &Path) -> Result<Self, Error> {
        let folder = into.join(Self::NAME);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(anyhow::Error::from)?;
        }
        fs::create_dir_all(&folder).map_err(anyhow::Error::from)?;
        Ok(Self { folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests;
