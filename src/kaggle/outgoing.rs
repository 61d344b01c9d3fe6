//! A file on its way to Kaggle, and the session that it is sent to.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Error;
use crate::fs;
use crate::hash::{PIECE, hash_reader};

/// A place to upload to. It has no `Debug`: both are secrets.
#[derive(Clone)]
pub(super) struct Session {
    /// Stands for the uploaded file.
    pub(super) token: String,
    /// Where its bytes go.
    pub(super) address: String,
}

/// A file to send, locked so that no second process sends it at the same time.
pub(super) struct Outgoing {
    pub(super) path: PathBuf,
    file: fs::Locked,
    pub(super) name: String,
    pub(super) length: u64,
    /// Seconds since 1970.
    pub(super) modified: u64,
    /// In base 64.
    pub(super) sha256: String,
}

impl Outgoing {
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
        let mut outgoing = Self {
            path: path.to_owned(),
            name: name.to_owned(),
            length: metadata.len(),
            modified: modified.map_or(0, |since| since.as_secs()),
            sha256: String::new(),
            file,
        };
        outgoing.sha256 = outgoing.hash()?;
        Ok(outgoing)
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
}
