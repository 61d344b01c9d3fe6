//! A competition's files as folders, and counts of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Arguments;
use super::competitions::CREATED;
use crate::answer::{Answer, Refusal};
use crate::state::State;

/// What is directly in a folder.
pub(super) fn list(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    let folder = arguments.text("path").trim_matches('/');
    let inside = served.packed.listing.iter().filter_map(|(name, bytes)| {
        let rest = if folder.is_empty() {
            name.as_str()
        } else {
            name.strip_prefix(folder)?.strip_prefix('/')?
        };
        Some((rest, *bytes))
    });
    // How many files are below each folder.
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files: Vec<(&str, u64)> = Vec::new();
    for (rest, bytes) in inside {
        match rest.split_once('/') {
            Some((folder, _)) => *folders.entry(folder).or_default() += 1,
            None => files.push((rest, bytes)),
        }
    }
    if folders.is_empty() && files.is_empty() {
        return Err(Refusal::not_found());
    }
    let (n_folders, n_files) = (folders.len(), files.len());
    let folders: Vec<Value> = folders
        .into_iter()
        .map(|(name, n)| {
            json!({ "name": name, "totalDirectories": 0, "totalFiles": n, "totalChildren": n })
        })
        .collect();
    let (page, next) = arguments.page(files);
    let files: Vec<Value> = page
        .into_iter()
        .map(|(name, bytes)| json!({ "name": name, "totalBytes": bytes, "creationDate": CREATED }))
        .collect();
    Ok(Answer::Json(json!({
        "directories": folders,
        "files": files,
        "totalDirectories": n_folders,
        "totalFiles": n_files,
        "totalChildren": n_folders + n_files,
        "nextPageToken": next,
    })))
}

/// How many files there are of each kind.
pub(super) fn summary(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let served = state.competition(arguments.text("competitionName"))?;
    let mut kinds: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for (name, bytes) in &served.packed.listing {
        let extension = Path::new(name).extension().unwrap_or_default();
        let (n, total) = kinds.entry(format!(".{}", extension.display())).or_default();
        *n += 1;
        *total += bytes;
    }
    let kinds: Vec<Value> = kinds
        .into_iter()
        .map(|(extension, (n, total))| {
            json!({ "extension": extension, "fileCount": n, "totalSize": total })
        })
        .collect();
    let n = served.packed.listing.len();
    Ok(Answer::Json(json!({ "fileSummaryInfo": { "totalFileCount": n, "fileTypes": kinds } })))
}
