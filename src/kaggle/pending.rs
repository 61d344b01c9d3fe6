//! A submission under way, as a file beside its CSV, so that a call that was stopped goes on.
//!
//! The file holds the address of an upload session, which is a secret: it is for its owner alone,
//! and goes when the submission is made and told.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Error, small_file};
use crate::fs;
use crate::hash::{PIECE, hash_reader};

/// What is known of a submission under way is never larger: it holds the numbers of those before.
const MOST_BYTES: u64 = 16 << 20;

/// The file to submit, locked so that no second process submits it at the same time.
pub(super) struct Csv {
    path: PathBuf,
    file: fs::Locked,
    pub(super) name: String,
    pub(super) length: u64,
    /// Seconds since 1970.
    pub(super) modified: u64,
    sha256: String,
}

/// How far a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum UploadStage {
    /// The file is on its way.
    Uploading,
    /// It has arrived.
    Uploaded,
    /// The call that makes it a submission has been, or was about to be, made.
    Submitting,
    /// It is made; whoever asked for it has not been told of it to the end.
    Submitted,
}

/// What is known of a submission under way. It has no `Debug`: the address is a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pending {
    pub(super) stage: UploadStage,
    endpoint: String,
    pub(super) slug: String,
    pub(super) message: String,
    pub(super) file_name: String,
    length: u64,
    sha256: String,
    /// Stands for the uploaded file.
    pub(super) token: String,
    /// The upload session.
    pub(super) address: String,
    /// The submissions that were there before this one.
    pub(super) before: Vec<u64>,
    /// Kaggle's number for it, once it is made.
    pub(super) reference: Option<u64>,
}

impl Csv {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let Some(file) = fs::Locked::alone(fs::open(path)?) else {
            return Err(Error::Busy { path: path.to_owned() });
        };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| anyhow!("`{}` has no file name that Kaggle can take", path.display()))?;
        let metadata = file.metadata()?;
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let mut csv = Self {
            path: path.to_owned(),
            name: name.to_owned(),
            length: metadata.len(),
            modified: modified.map_or(0, |since| since.as_secs()),
            sha256: String::new(),
            file,
        };
        csv.sha256 = csv.hash()?;
        Ok(csv)
    }

    fn hash(&self) -> anyhow::Result<String> {
        let mut reader = self.from(0)?;
        let hash = hash_reader(&mut reader, &mut vec![0; PIECE], |_| ())?;
        Ok(BASE64_STANDARD.encode(hash.0))
    }

    /// A reader of what follows the first `offset` bytes.
    pub(super) fn from(&self, offset: u64) -> anyhow::Result<impl Read + Send + 'static> {
        let failed = || format!("failed to read `{}`", self.path.display());
        let mut file = self.file.file().try_clone().with_context(failed)?;
        file.seek(std::io::SeekFrom::Start(offset)).with_context(failed)?;
        Ok(file)
    }

    fn sidecar(&self) -> PathBuf {
        self.path.with_file_name(format!(".{}.upload.toml", self.name))
    }
}

impl Pending {
    pub(super) fn new(
        endpoint: String,
        slug: &str,
        message: &str,
        csv: &Csv,
        (token, address): (String, String),
    ) -> Self {
        Self {
            stage: UploadStage::Uploading,
            endpoint,
            slug: slug.to_owned(),
            message: message.to_owned(),
            file_name: csv.name.clone(),
            length: csv.length,
            sha256: csv.sha256.clone(),
            token,
            address,
            before: Vec::new(),
            reference: None,
        }
    }

    /// What an earlier call for the same file and competition left, if anything: what it sent is
    /// good for another message as well, but for a submission that may have been made.
    pub(super) fn read(csv: &Csv, endpoint: &str, slug: &str, message: &str) -> Option<Self> {
        let mut kept: Self =
            toml::from_str(&small_file::read_text(&csv.sidecar(), MOST_BYTES).ok()?).ok()?;
        let same_file = kept.file_name == csv.name && kept.sha256 == csv.sha256;
        let same_place = kept.endpoint == endpoint && kept.slug == slug;
        if !same_file || !same_place || kept.length != csv.length {
            return None;
        }
        if kept.message != message {
            if matches!(kept.stage, UploadStage::Submitting | UploadStage::Submitted) {
                return None;
            }
            message.clone_into(&mut kept.message);
        }
        Some(kept)
    }

    pub(super) fn write(&self, csv: &Csv) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(anyhow::Error::from)?;
        Ok(fs::write_private(csv.sidecar(), text)?)
    }

    pub(super) fn remove(csv: &Csv) -> Result<(), Error> {
        let path = csv.sidecar();
        if path.exists() {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}
