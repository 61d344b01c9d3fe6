//! A folder becomes a data set, or another version of it: every file is uploaded, then one call makes the
//! version of them, and is never made blindly.

use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::super::client::Call;
use super::super::endpoint::Service;
use super::super::outgoing::{Outgoing, Session};
use super::super::wire::UploadPlace;
use super::super::{Client, Error, KnownBy};
use super::parcel::{Creating, Parcel};
use super::{DataSet, call};
use crate::fs;
use crate::hash::Hash;
use crate::progress::Progress;

/// What the official command reads and does not upload.
const METADATA: &str = "dataset-metadata.json";

/// What is said of a data set when it is made, or of a version.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// From 6 to 50 characters.
    pub title: &'a str,
    pub licence: &'a str,
    /// What is new.
    pub notes: &'a str,
}

/// A version that Kaggle has.
#[derive(Clone, Debug)]
pub struct SentDataSet {
    /// The newest version before it; none if it is the first.
    pub before: Option<u32>,
    /// Of all its files.
    pub content: String,
    /// How we know.
    pub known_by: KnownBy,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobOf<'a> {
    r#type: &'static str,
    name: &'a str,
    content_length: u64,
    last_modified_epoch_seconds: u64,
}

/// A folder of what was uploaded.
#[derive(Default, Serialize)]
struct Tree {
    name: String,
    directories: Vec<Tree>,
    files: Vec<NewFile>,
}

#[derive(Serialize)]
struct NewFile {
    token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDataSet<'a> {
    owner_slug: &'a str,
    slug: &'a str,
    title: &'a str,
    license_name: &'a str,
    is_private: bool,
    files: &'a [NewFile],
    directories: &'a [Tree],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVersion<'a> {
    owner_slug: &'a str,
    dataset_slug: &'a str,
    body: NewVersionBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVersionBody<'a> {
    version_notes: &'a str,
    delete_old_versions: bool,
    files: &'a [NewFile],
    directories: &'a [Tree],
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: Option<String>,
}

impl Client {
    /// Makes a private data set of a folder, or a new version of it where the data set is there. How far it
    /// is is kept beside the folder, in `.<name>.upload.toml`: a second call goes on from there, and one
    /// for the same files sends nothing. Hidden files and `dataset-metadata.json` stay behind.
    pub fn send_data_set(
        &self,
        data_set: &DataSet,
        folder: &Path,
        about: &About,
        progress: &dyn Progress,
    ) -> Result<SentDataSet, Error> {
        let files = files_of(folder)?;
        let content = content_of(&files);
        let mut parcel = Parcel::open(folder, self.endpoint().to_string(), data_set.to_string());
        let now = self.data_set_version(data_set)?;
        let same = parcel.creating.clone().filter(|creating| creating.content == content);
        if let Some(Creating { before, made, .. }) = same {
            // Of a version that was made long ago there may be newer ones, which hold something else.
            let is_newest = now == Some(before.unwrap_or(0) + 1);
            if is_newest {
                let known_by = if made { KnownBy::Before } else { KnownBy::InList };
                return keep_made(parcel, (before, content), known_by);
            }
        }
        progress.total(files.iter().map(|(_, file)| file.length).sum());
        let mut tree = Tree::default();
        for (path, file) in &files {
            let session = self.send_file(&mut parcel, file, progress)?;
            tree.add(path, session.token);
        }
        parcel.creating = Some(Creating { content: content.clone(), before: now, made: false });
        parcel.write()?;
        let known_by = match self.create(data_set, &tree, about, now) {
            Ok(()) => KnownBy::Answered,
            Err(error) if error.leaves_doubt() => {
                progress.note(&format!(
                    "the version may have been made ({}): looking for it",
                    error.first_line()
                ));
                let ask = || self.data_set_version(data_set);
                self.retry_policy.look_for_newer(now, ask)?.ok_or(error)?;
                KnownBy::InList
            }
            Err(error) => {
                // What was uploaded may be what is wrong, unless there was too much of it.
                if !matches!(error, Error::RateLimited { .. }) {
                    parcel.forget_files();
                }
                parcel.creating = None;
                parcel.write()?;
                return Err(error);
            }
        };
        keep_made(parcel, (now, content), known_by)
    }

    fn send_file(
        &self,
        parcel: &mut Parcel,
        file: &Outgoing,
        progress: &dyn Progress,
    ) -> Result<Session, Error> {
        let kept = match parcel.find(file) {
            Some((session, true)) => {
                progress.advance(file.length);
                return Ok(session);
            }
            kept => kept.map(|(session, _)| session),
        };
        let begin = || {
            let session = self.begin_blob(file)?;
            parcel.keep(file, &session, false)?;
            Ok(session)
        };
        let session = self.upload(file, kept, begin, progress)?;
        parcel.keep(file, &session, true)?;
        Ok(session)
    }

    fn begin_blob(&self, file: &Outgoing) -> Result<Session, Error> {
        let body = BlobOf {
            r#type: "DATASET",
            name: &file.name,
            content_length: file.length,
            last_modified_epoch_seconds: file.modified,
        };
        let (service, what) = (Service::Blobs, format!("place for `{}`", file.name));
        let call = Call { service, method: "StartBlobUpload", slug: "", what, body };
        Ok(self.call::<_, UploadPlace>(&call)?.session())
    }

    /// Makes the version, once.
    fn create(
        &self,
        data_set: &DataSet,
        tree: &Tree,
        about: &About,
        now: Option<u32>,
    ) -> Result<(), Error> {
        let DataSet { owner, slug } = data_set;
        let (files, directories) = (&tree.files, &tree.directories);
        let answer: Answer = if now.is_none() {
            let body = NewDataSet {
                owner_slug: owner,
                slug,
                title: about.title,
                license_name: about.licence,
                is_private: true,
                files,
                directories,
            };
            self.call_once(&call("CreateDataset", data_set, body), self.credentials())?
        } else {
            let (version_notes, delete_old_versions) = (about.notes, false);
            let body = NewVersionBody { version_notes, delete_old_versions, files, directories };
            let body = NewVersion { owner_slug: owner, dataset_slug: slug, body };
            self.call_once(&call("CreateDatasetVersion", data_set, body), self.credentials())?
        };
        let said = answer.error.filter(|said| !said.is_empty());
        if said.is_none() && !answer.status.eq_ignore_ascii_case("error") {
            return Ok(());
        }
        let message = said.unwrap_or_else(|| "it does not say why".to_owned());
        let message = crate::term::one_line(&message, 300);
        Err(Error::Refused { url: self.endpoint().to_string(), status: 200, message })
    }
}

/// Keeps that a version is made of these files.
fn keep_made(
    mut parcel: Parcel,
    (before, content): (Option<u32>, String),
    known_by: KnownBy,
) -> Result<SentDataSet, Error> {
    parcel.forget_files();
    parcel.creating = Some(Creating { content: content.clone(), before, made: true });
    parcel.write()?;
    Ok(SentDataSet { before, content, known_by })
}

/// The files of a folder with their paths in it, `/` between names.
fn files_of(folder: &Path) -> Result<Vec<(String, Outgoing)>, Error> {
    let mut files = Vec::new();
    for (path, _) in fs::below(folder, None)?.files {
        let inside = path.strip_prefix(folder).context("a file outside of its folder")?;
        let names: Option<Vec<&str>> =
            inside.components().map(|name| name.as_os_str().to_str()).collect();
        let names = names.with_context(|| format!("`{}` is no name for Kaggle", path.display()))?;
        if names != [METADATA] {
            files.push((names.join("/"), Outgoing::open(&path)?));
        }
    }
    if files.is_empty() {
        let error = || -> anyhow::Result<()> { bail!("`{}` is empty", folder.display()) };
        error()?;
    }
    Ok(files)
}

/// A hash of all files and their places.
fn content_of(files: &[(String, Outgoing)]) -> String {
    let lines: String =
        files.iter().map(|(path, file)| format!("{}  {path}\n", file.sha256)).collect();
    Hash::of(lines.as_bytes()).to_string()
}

impl Tree {
    /// Puts a file where its path says.
    fn add(&mut self, path: &str, token: String) {
        let Some((folder, rest)) = path.split_once('/') else {
            self.files.push(NewFile { token });
            return;
        };
        let at = self.directories.iter().position(|tree| tree.name == folder);
        let at = at.unwrap_or_else(|| {
            self.directories.push(Self { name: folder.to_owned(), ..Self::default() });
            self.directories.len() - 1
        });
        self.directories[at].add(rest, token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_keep_their_folders() {
        let mut tree = Tree::default();
        for (token, path) in ["a", "runs/x/1/b", "runs/x/1/c", "runs/x/2/d"].iter().enumerate() {
            tree.add(path, token.to_string());
        }
        let told = serde_json::to_value(&tree).unwrap();
        assert_eq!(told["files"], serde_json::json!([{ "token": "0" }]));
        let x = &told["directories"][0]["directories"][0];
        assert_eq!(x["name"], "x");
        assert_eq!(x["directories"][0]["files"].as_array().unwrap().len(), 2);
        assert_eq!(x["directories"][1]["files"], serde_json::json!([{ "token": "3" }]));
    }
}
