//! Data sets that were uploaded: made, listed, and where to download them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Arguments;
use super::submissions;
use crate::answer::{Answer, Refusal};
use crate::blob::Blob;
use crate::faults::{Endpoint, Fault};
use crate::miniature::DataFile;
use crate::pack;
use crate::state::{Changing, DataSet, DataSetVersion, State};
use crate::storage;

/// Kaggle's titles and slugs are of so many characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 6..=50;
/// Folders in one another.
const MOST_LEVELS: usize = 32;

pub(super) fn start_blob(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    if arguments.text("type") != "DATASET" {
        return Err(Refusal::bad("type must be DATASET"));
    }
    submissions::begin_upload(state, arguments.text("name"), arguments.number("contentLength"))
}

pub(super) fn create(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let (owner, slug) = (arguments.text("ownerSlug"), arguments.text("slug"));
    let title = arguments.text("title");
    if owner != state.account.username {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Permission 'datasets.create' was denied"));
    }
    if !LENGTHS.contains(&slug.len()) || !LENGTHS.contains(&title.len()) {
        return Ok(refusal("The title and the slug must be between 6 and 50 characters"));
    }
    if state.changing().data_sets.iter().any(|one| one.slug == slug) {
        return Ok(refusal(&format!("The requested slug \"{slug}\" is already in use")));
    }
    let fault = trouble(state)?;
    let version = match version(state, &arguments.0, "")? {
        Ok(version) => version,
        Err(said) => return Ok(refusal(&said)),
    };
    state.changing().data_sets.push(DataSet {
        slug: slug.to_owned(),
        title: title.to_owned(),
        licence: arguments.text("licenseName").to_owned(),
        is_private: arguments.0["isPrivate"].as_bool().unwrap_or_default(),
        versions: vec![version],
    });
    Ok(made(state, slug, fault))
}

pub(super) fn create_version(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let fault = trouble(state)?;
    let body = &arguments.0["body"];
    let notes = body["versionNotes"].as_str().unwrap_or_default();
    let version = match version(state, body, notes)? {
        Ok(version) => version,
        Err(said) => return Ok(refusal(&said)),
    };
    find(&mut state.changing(), &slug)?.versions.push(version);
    Ok(made(state, &slug, fault))
}

/// A trouble that keeps a version from being made, or one that comes after that.
fn trouble(state: &State) -> Result<Option<Fault>, Refusal> {
    match state.changing().faults.take(Endpoint::Dataset) {
        Some(Fault::Status { status, retry_after, .. }) => {
            Err(Refusal::trouble(status, retry_after))
        }
        fault => Ok(fault),
    }
}

fn made(state: &State, slug: &str, fault: Option<Fault>) -> Answer {
    if fault == Some(Fault::LostDataset) {
        return Answer::Nothing;
    }
    let reference = format!("{}/{slug}", state.account.username);
    let url = format!("https://www.kaggle.com/datasets/{reference}");
    Answer::Json(json!({ "ref": reference, "url": url, "status": "Ok", "error": "" }))
}

/// As Kaggle says no to what a data set should be.
fn refusal(said: &str) -> Answer {
    Answer::Json(json!({ "status": "error", "error": said }))
}

pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let mut changing = state.changing();
    let found = find(&mut changing, &slug)?;
    Ok(Answer::Json(json!({
        "id": 1,
        "ref": format!("{}/{slug}", state.account.username),
        "title": found.title,
        "isPrivate": found.is_private,
        "licenseName": found.licence,
        "ownerRef": state.account.username,
        "currentVersionNumber": found.versions.len(),
    })))
}

pub(super) fn metadata(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let mut changing = state.changing();
    let found = find(&mut changing, &slug)?;
    Ok(Answer::Json(json!({ "info": {
        "datasetSlug": slug,
        "ownerUser": state.account.username,
        "title": found.title,
        "licenses": [{ "name": found.licence }],
    } })))
}

/// Being worked at for the first question, as Kaggle is for some seconds.
pub(super) fn status(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let mut changing = state.changing();
    let fails = changing.faults.take(Endpoint::DatasetStatus) == Some(Fault::DatasetFails);
    let newest = find(&mut changing, &slug)?.versions.last_mut();
    let newest = newest.ok_or_else(Refusal::not_found)?;
    newest.n_asked += 1;
    let status = match newest.n_asked {
        _ if fails => "FAILED",
        1 => "BLOBS_RECEIVED",
        _ => "READY",
    };
    Ok(Answer::Json(json!({ "status": status })))
}

pub(super) fn files(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let mut changing = state.changing();
    let found = find(&mut changing, &slug)?;
    let version = chosen(found, arguments).ok_or_else(Refusal::not_found)?;
    let files = version.files.iter().map(|(name, blob)| {
        json!({ "name": name, "totalBytes": blob.length, "creationDate": super::competitions::CREATED })
    });
    let (page, next) = arguments.page(files.collect());
    Ok(Answer::Json(json!({ "datasetFiles": page, "nextPageToken": next })))
}

pub(super) fn download(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = known(state, arguments)?;
    let path = {
        let mut changing = state.changing();
        let found = find(&mut changing, &slug)?;
        let n = found.versions.len() as u64;
        let n = Some(arguments.number("datasetVersionNumber")).filter(|n| *n > 0).unwrap_or(n);
        let version = chosen(found, arguments).ok_or_else(Refusal::not_found)?;
        match arguments.text("fileName") {
            "" => format!("{slug}/{n}/archive.zip"),
            name if version.files.contains_key(name) => format!("{slug}/{n}/files/{name}"),
            _ => return Err(Refusal::not_found()),
        }
    };
    Ok(Answer::Found(storage::signed_address(state, storage::DATA_SETS, &path)))
}

/// A stored object of a data set: `slug/version/archive.zip` or `slug/version/files/path`.
pub(crate) fn object(state: &State, path: &str) -> Option<Arc<Blob>> {
    let (slug, rest) = path.split_once('/')?;
    let (n, rest) = rest.split_once('/')?;
    let changing = state.changing();
    let found = changing.data_sets.iter().find(|one| one.slug == slug)?;
    let version = found.versions.get(n.parse::<usize>().ok()?.checked_sub(1)?)?;
    match rest.strip_prefix("files/") {
        Some(name) => version.files.get(name).cloned(),
        None => Some(version.archive.clone()),
    }
}

/// The slug of a data set that is there.
fn known(state: &State, arguments: &Arguments) -> Result<String, Refusal> {
    let (owner, slug) = (arguments.text("ownerSlug"), arguments.text("datasetSlug"));
    let denied = || Refusal::new(StatusCode::FORBIDDEN, "Permission 'datasets.get' was denied");
    let there = state.changing().data_sets.iter().any(|one| one.slug == slug);
    if owner != state.account.username || !there {
        return Err(denied());
    }
    Ok(slug.to_owned())
}

fn find<'a>(changing: &'a mut Changing, slug: &str) -> Result<&'a mut DataSet, Refusal> {
    let found = changing.data_sets.iter_mut().find(|one| one.slug == slug);
    found.ok_or_else(Refusal::not_found)
}

fn chosen<'a>(found: &'a DataSet, arguments: &Arguments) -> Option<&'a DataSetVersion> {
    match arguments.number("datasetVersionNumber") {
        0 => found.versions.last(),
        n => found.versions.get(n as usize - 1),
    }
}

/// A version of what was uploaded; or why it is none.
fn version(
    state: &State,
    body: &Value,
    notes: &str,
) -> Result<Result<DataSetVersion, String>, Refusal> {
    let mut files = Vec::new();
    if let Err(said) = gather(state, body, "", MOST_LEVELS, &mut files) {
        return Ok(Err(said));
    }
    if files.is_empty() {
        return Ok(Err("A dataset needs at least one file".to_owned()));
    }
    let packed = pack(files, notes);
    packed.map(Ok).map_err(|error| Refusal::bad(format!("{error:#}")))
}

fn gather(
    state: &State,
    body: &Value,
    within: &str,
    levels: usize,
    files: &mut Vec<DataFile>,
) -> Result<(), String> {
    if levels == 0 {
        return Err("Folders go too deep".to_owned());
    }
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    for file in list("files") {
        let token = file["token"].as_str().unwrap_or_default();
        let (name, place) = {
            let mut changing = state.changing();
            let upload = changing.uploads.get_mut(token).filter(|one| one.is_complete());
            let upload = upload.ok_or_else(|| format!("There is no upload `{token}`"))?;
            upload.is_submitted = true;
            (upload.file_name.clone(), upload.place.clone())
        };
        let bytes = place.read().map_err(|error| error.to_string())?;
        match name.strip_suffix(".zip") {
            // Kaggle unpacks them into folders of their names.
            Some(stem) => unzip(&bytes, &format!("{within}{stem}/"), files)
                .map_err(|error| format!("{error:#}"))?,
            None => files.push(DataFile { path: format!("{within}{name}"), bytes }),
        }
    }
    for folder in list("directories") {
        let name = folder["name"].as_str().unwrap_or_default();
        gather(state, &folder, &format!("{within}{name}/"), levels - 1, files)?;
    }
    Ok(())
}

fn unzip(bytes: &[u8], within: &str, files: &mut Vec<DataFile>) -> Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).context("a damaged zip")?;
    for n in 0..archive.len() {
        let mut entry = archive.by_index(n)?;
        if entry.is_dir() {
            continue;
        }
        let path = format!("{within}{}", entry.name()?);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.push(DataFile { path, bytes });
    }
    Ok(())
}

fn pack(files: Vec<DataFile>, notes: &str) -> Result<DataSetVersion> {
    let archive = Arc::new(Blob::new(pack::zip(files.iter())?));
    let files: BTreeMap<String, Arc<Blob>> =
        files.into_iter().map(|file| (file.path, Arc::new(Blob::new(file.bytes)))).collect();
    Ok(DataSetVersion { notes: notes.to_owned(), files, archive, n_asked: 0 })
}
