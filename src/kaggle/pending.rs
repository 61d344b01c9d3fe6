//! A submission under way, as a file beside its CSV, so that a call that was stopped goes on.
//!
//! The file holds the address of an upload session, which is a secret: it is for its owner alone,
//! and goes when the submission is made and told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::outgoing::{Outgoing, Session};
use super::{Error, small_file};
use crate::fs;

/// What is known of a submission under way is never larger: it holds the numbers of those before.
const MOST_BYTES: u64 = 16 << 20;

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

fn sidecar(csv: &Outgoing) -> PathBuf {
    csv.path.with_file_name(format!(".{}.upload.toml", csv.name))
}

impl Pending {
    pub(super) fn new(
        endpoint: String,
        slug: &str,
        message: &str,
        csv: &Outgoing,
        session: Session,
    ) -> Self {
        Self {
            stage: UploadStage::Uploading,
            endpoint,
            slug: slug.to_owned(),
            message: message.to_owned(),
            file_name: csv.name.clone(),
            length: csv.length,
            sha256: csv.sha256.clone(),
            token: session.token,
            address: session.address,
            before: Vec::new(),
            reference: None,
        }
    }

    pub(super) fn session(&self) -> Session {
        Session { token: self.token.clone(), address: self.address.clone() }
    }

    /// What an earlier call for the same file and competition left, if anything: what it sent is
    /// good for another message as well, but for a submission that may have been made.
    pub(super) fn read(csv: &Outgoing, endpoint: &str, slug: &str, message: &str) -> Option<Self> {
        let mut kept: Self =
            toml::from_str(&small_file::read_text(&sidecar(csv), MOST_BYTES).ok()?).ok()?;
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

    pub(super) fn write(&self, csv: &Outgoing) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(anyhow::Error::from)?;
        Ok(fs::write_private(sidecar(csv), text)?)
    }

    pub(super) fn remove(csv: &Outgoing) -> Result<(), Error> {
        let path = sidecar(csv);
        if path.exists() {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}
