//! What of a folder has arrived at Kaggle: a file beside the folder, so that a call that was stopped goes
//! on. It holds addresses of upload sessions, which are secrets: it is for its owner alone.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::outgoing::{Outgoing, Session};
use super::super::{Error, small_file};
use crate::fs;

/// No folder that is a pack has so many files that this would be too little.
const MOST_BYTES: u64 = 16 << 20;
/// After so many seconds what was uploaded and not used is gone at Kaggle's storage; a day less.
const LIFE: u64 = 6 * 24 * 3600;

/// It has no `Debug`: addresses are secrets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Parcel {
    #[serde(skip)]
    path: PathBuf,
    endpoint: String,
    data_set: String,
    /// Seconds since 1970.
    begun: u64,
    /// The call that makes a version has been, or was about to be, made.
    pub(super) creating: Option<Creating>,
    #[serde(default, rename = "file")]
    files: Vec<Sent>,
}

/// A version that may be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Creating {
    /// Of all files.
    pub(super) content: String,
    /// The newest version before; none before the first.
    pub(super) before: Option<u32>,
    /// It is made.
    pub(super) made: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sent {
    name: String,
    sha256: String,
    length: u64,
    token: String,
    address: String,
    arrived: bool,
}

impl Parcel {
    /// What an earlier call for the same folder and data set left, or a new one.
    pub(super) fn open(folder: &Path, endpoint: String, data_set: String) -> Self {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = folder.with_file_name(format!(".{name}.upload.toml"));
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let kept = small_file::read_text(&path, MOST_BYTES).ok();
        let kept = kept.and_then(|text| toml::from_str::<Self>(&text).ok());
        match kept.filter(|kept| kept.endpoint == endpoint && kept.data_set == data_set) {
            Some(mut kept) => {
                kept.path = path;
                if kept.begun.saturating_add(LIFE) < now {
                    (kept.files, kept.begun) = (Vec::new(), now);
                }
                kept
            }
            None => {
                Self { path, endpoint, data_set, begun: now, creating: None, files: Vec::new() }
            }
        }
    }

    /// The session of a file, and whether all of it has arrived.
    pub(super) fn find(&self, file: &Outgoing) -> Option<(Session, bool)> {
        let sent = self.files.iter().find(|sent| sent.is(file))?;
        let session = Session { token: sent.token.clone(), address: sent.address.clone() };
        Some((session, sent.arrived))
    }

    pub(super) fn keep(
        &mut self,
        file: &Outgoing,
        session: &Session,
        arrived: bool,
    ) -> Result<(), Error> {
        self.files.retain(|sent| !sent.is(file));
        self.files.push(Sent {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
            length: file.length,
            token: session.token.clone(),
            address: session.address.clone(),
            arrived,
        });
        self.write()
    }

    /// Kaggle takes what was uploaded once.
    pub(super) fn forget_files(&mut self) {
        self.files.clear();
    }

    pub(super) fn write(&self) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(anyhow::Error::from)?;
        Ok(fs::write_private(&self.path, text)?)
    }
}

impl Sent {
    fn is(&self, file: &Outgoing) -> bool {
        self.name == file.name && self.sha256 == file.sha256 && self.length == file.length
    }
}
