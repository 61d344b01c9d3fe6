//! What to say of data that is not there, and where it comes from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::index;
use crate::competition::{Competition, Labels};
use crate::fs;

/// Fails when there is no data at all.
pub(super) fn check_folder(competition: &Competition, folder: &Path) -> Result<()> {
    let there = folder.is_dir() && fs::read_dir(folder)?.next().is_some();
    ensure!(
        there,
        "no data for `{name}` in `{}`\nhint: run `kaggle-kit fetch {name}`",
        folder.display(),
        name = competition.name
    );
    Ok(())
}

/// A table that must be there.
pub(super) fn find_table(competition: &Competition, folder: &Path, name: &str) -> Result<PathBuf> {
    index::find_file(folder, name).with_context(|| {
        format!(
            "no `{name}` in `{}`\nhint: run `kaggle-kit fetch {}`",
            folder.display(),
            competition.name
        )
    })
}

/// What to say when a folder of images is not there.
pub(super) fn no_images(competition: &Competition, folder: &Path, name: &str) -> String {
    let hint = hint(competition, folder);
    format!("no folder `{name}` with images in `{}`\nhint: {hint}", folder.display())
}

/// What to say when a folder is there, but no image in it.
pub(super) fn empty_folder(
    competition: &Competition,
    folder: &Path,
    empty: &Path,
) -> Result<String> {
    let extension = &competition.files.extension;
    let others = index::other_files(empty)?;
    let (others, hint) = match others {
        Some(others) => (
            format!(" (it holds {others})"),
            "`files.extension` in the spec says which files are images".to_owned(),
        ),
        None => (String::new(), hint(competition, folder)),
    };
    Ok(format!("no `.{extension}` images in `{}`{others}\nhint: {hint}", empty.display()))
}

/// Where missing images come from: the spec's own word where tables are there without them.
fn hint(competition: &Competition, folder: &Path) -> String {
    let has_table = match &competition.target.labels {
        Labels::Csv { file, .. } => index::find_file(folder, file).is_some(),
        Labels::FileName { .. } | Labels::Folder {} => {
            index::find_file(folder, &competition.files.sample).is_some()
        }
    };
    match &competition.files.if_missing {
        Some(text) if has_table => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => format!("run `kaggle-kit fetch {}`", competition.name),
    }
}

/// The first three of a list of ids, and how many follow.
pub(super) fn first_three(ids: &[&str]) -> String {
    let shown: Vec<String> = ids.iter().take(3).map(|id| format!("`{id}`")).collect();
    let more = ids.len().saturating_sub(3);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
