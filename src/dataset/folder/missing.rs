//! What to say of data that is not there, and where it comes from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::index::{self, Endings};
use crate::competition::Competition;
use crate::convert;
use crate::fs;
use crate::term;

/// Characters of an id that an error shows.
pub(super) const SHOWN: usize = 60;

/// Fails when there is no data at all.
pub(super) fn check_folder(competition: &Competition, folder: &Path) -> Result<()> {
    let there = folder.is_dir() && fs::read_dir(folder)?.next().is_some();
    ensure!(
        there,
        "no data for `{}` in `{}`\nhint: run `{}`",
        competition.name,
        folder.display(),
        competition.command("fetch")
    );
    Ok(())
}

/// A table that must be there.
pub(super) fn find_table(competition: &Competition, folder: &Path, name: &str) -> Result<PathBuf> {
    let found = convert::table(competition, folder, name);
    found.or_else(|| index::find_file(folder, name)).with_context(|| {
        if let Some(found) = fs::not_plain(&folder.join(name)) {
            return format!(
                "`{}` is {}\nhint: move it away or remove it, then run `{}`",
                found.path.display(),
                found.is,
                competition.command("fetch")
            );
        }
        format!(
            "no `{name}` in `{}`\nhint: run `{}`",
            folder.display(),
            competition.command("fetch")
        )
    })
}

/// What to say when a folder of images is not there.
pub(super) fn no_images(competition: &Competition, folder: &Path, name: &str) -> String {
    let hint = hint(competition, folder);
    format!("no folder `{name}` with images in `{}`\nhint: {hint}", folder.display())
}

/// What to say when a folder is there, but no image in it; what it holds instead.
pub(super) fn empty_folder(
    competition: &Competition,
    folder: &Path,
    empty: &Path,
    holds: Option<String>,
) -> String {
    let images = Endings::of(competition).images();
    let (others, hint) = match holds {
        Some(holds) => (
            format!(" (it holds {holds})"),
            "`files.extension` in the spec says which files are images".to_owned(),
        ),
        None => (String::new(), hint(competition, folder)),
    };
    format!("no {images} in `{}`{others}\nhint: {hint}", empty.display())
}

/// Where missing images come from: the spec's own word where tables are there without them.
fn hint(competition: &Competition, folder: &Path) -> String {
    let tables = competition.target.labels.tables();
    let table = tables.first().copied().unwrap_or(&competition.files.sample);
    let has_table = index::find_file(folder, table).is_some();
    match &competition.files.if_missing {
        Some(text) if has_table => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => format!("run `{}`", competition.command("fetch")),
    }
}

/// The first three of a list of ids, and how many follow.
pub(super) fn first_three(ids: &[&str]) -> String {
    let shown: Vec<String> =
        ids.iter().take(3).map(|id| format!("`{}`", term::short(id, SHOWN))).collect();
    let more = ids.len().saturating_sub(3);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
