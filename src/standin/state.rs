//! What the stand-in knows: its competitions, and what has happened since it started.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::http::StatusCode;
use jiff::Timestamp;

use super::account::{Account, Rules};
use super::answer::Refusal;
use super::blob::Blob;
use super::faults::Faults;
use super::miniature::{DataFile, Miniature};
use super::pack::{self, Images};
use super::upload::Upload;

/// A request that came in, for tests to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` ...
    pub method: String,
    /// The path and query.
    pub path: String,
    /// Whether it carried an `Authorization` header.
    pub authorized: bool,
    /// Its `Range` header.
    pub range: Option<String>,
    /// Its `User-Agent` header.
    pub user_agent: Option<String>,
    /// The status of the answer.
    pub status: u16,
}

/// A submission that was made.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its number.
    pub reference: u64,
    /// The competition's slug.
    pub slug: String,
    /// The name of the file.
    pub file_name: String,
    /// The message.
    pub description: String,
    /// The uploaded bytes.
    pub csv: Vec<u8>,
    /// When it was made.
    pub at: Timestamp,
    /// How it did.
    pub verdict: Verdict,
}

/// How a submission did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Scored, with five decimals as on Kaggle.
    Complete {
        /// The score on a third of the rows.
        public: String,
        /// The score on the others.
        private: String,
    },
    /// Turned down.
    Error {
        /// Why.
        description: String,
    },
}

/// Everything.
pub(super) struct State {
    pub(super) competitions: Vec<Served>,
    pub(super) account: Account,
    pub(super) rules: Rules,
    pub(super) daily_submissions: u32,
    /// The storage's address, without a slash at the end.
    pub(super) storage: String,
    changing: Mutex<Changing>,
}

/// What requests change.
#[derive(Default)]
pub(super) struct Changing {
    pub(super) faults: Faults,
    pub(super) requests: Vec<Request>,
    pub(super) uploads: HashMap<String, Upload>,
    pub(super) submissions: Vec<Submission>,
}

/// A competition on offer.
pub(super) struct Served {
    pub(super) miniature: Miniature,
    /// Names and sizes as listed.
    pub(super) listing: Vec<(String, usize)>,
    files: HashMap<String, Blob>,
    bundle: Blob,
}

impl State {
    pub(super) fn new(
        competitions: Vec<Served>,
        (account, rules, daily_submissions): (Account, Rules, u32),
        faults: Faults,
        storage: String,
    ) -> Self {
        let changing = Mutex::new(Changing { faults, ..Changing::default() });
        Self { competitions, account, rules, daily_submissions, storage, changing }
    }

    /// The changing part. A request that panicked has left it whole: every change is one step.
    pub(super) fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn competition(&self, slug: &str) -> Result<&Served, Refusal> {
        let found = self.competitions.iter().find(|c| c.miniature.competition.slug == slug);
        found.ok_or_else(Refusal::denied)
    }

    /// The same for a call that needs the rules accepted.
    pub(super) fn entered(&self, slug: &str, refusal: &str) -> Result<&Served, Refusal> {
        let competition = self.competition(slug)?;
        match self.rules {
            Rules::Accepted => Ok(competition),
            Rules::NotAccepted => Err(Refusal::new(StatusCode::FORBIDDEN, refusal)),
        }
    }
}

impl Served {
    /// Packs a competition as Kaggle would.
    pub(super) fn new(miniature: Miniature, images: Images) -> Result<Self> {
        let files = pack::data_files(&miniature, images)?;
        let bundle = Blob::new(pack::zip(files.iter())?);
        let listing = files.iter().map(|file| (file.path.clone(), file.bytes.len())).collect();
        let mut blobs = HashMap::new();
        for file in files {
            let (name, bytes) = as_download(file)?;
            blobs.insert(name, Blob::new(bytes));
        }
        Ok(Self { miniature, listing, files: blobs, bundle })
    }

    /// The object of a storage path: `bundle/archive.zip` or a file's.
    pub(super) fn object(&self, path: &str) -> Option<&Blob> {
        if path == BUNDLE { Some(&self.bundle) } else { self.files.get(path) }
    }

    /// Where a listed file is kept: large tables are zips.
    pub(super) fn stored_name(&self, name: &str) -> Option<String> {
        self.listing.iter().find(|(listed, _)| listed == name)?;
        let zipped = format!("{name}.zip");
        Some(if self.files.contains_key(&zipped) { zipped } else { name.to_owned() })
    }
}

/// The path of all of a competition's data as one file.
pub(super) const BUNDLE: &str = "bundle/archive.zip";
/// From this size on a table is served as a zip of itself.
const ZIPPED_FROM: usize = 4096;

/// Kaggle sends larger plain files zipped, whatever was asked for.
fn as_download(file: DataFile) -> Result<(String, Vec<u8>)> {
    if !pack::is_table(&file.path) || file.bytes.len() < ZIPPED_FROM {
        return Ok((file.path, file.bytes));
    }
    let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_owned();
    let inside = DataFile { path: name, bytes: file.bytes };
    Ok((format!("{}.zip", file.path), pack::zip([&inside].into_iter())?))
}
