//! What the stand-in knows: its competitions, and what has happened since it started.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::Timestamp;

use super::account::{Account, Rules};
use super::answer::Refusal;
use super::blob::Blob;
use super::faults::{Fault, Faults};
use super::miniature::Miniature;
use super::pack::Packed;
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
    /// The status of the answer; none where the connection broke off before it.
    pub status: Option<u16>,
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
    /// Not yet known.
    Pending,
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
    /// How many bytes a second pass in one request; none is as many as can.
    pub(super) rate: Option<u64>,
    /// Where a line a request goes.
    pub(super) log: Option<File>,
    pub(super) changing: Mutex<Changing>,
}

/// What requests change.
#[derive(Default)]
pub(super) struct Changing {
    pub(super) faults: Faults,
    pub(super) requests: Vec<Request>,
    pub(super) uploads: HashMap<String, Upload>,
    /// How many uploads were begun so far.
    pub(super) n_uploads: usize,
    /// How many addresses were signed so far.
    pub(super) n_signed: usize,
    /// Signatures that open nothing any more, and how that is said.
    pub(super) spent: HashMap<String, Fault>,
    pub(super) submissions: Vec<Submission>,
}

/// A competition on offer.
pub(super) struct Served {
    pub(super) miniature: Miniature,
    pub(super) packed: Packed,
}

impl State {
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
    /// The object of a storage path: `bundle/archive.zip` or a file's.
    pub(super) fn object(&self, path: &str) -> Option<&Blob> {
        if path == BUNDLE { Some(&self.packed.bundle) } else { self.packed.files.get(path) }
    }

    /// Where a listed file is kept: large tables are zips.
    pub(super) fn stored_name(&self, name: &str) -> Option<String> {
        self.packed.listing.iter().find(|(listed, _)| listed == name)?;
        let zipped = format!("{name}.zip");
        Some(if self.packed.files.contains_key(&zipped) { zipped } else { name.to_owned() })
    }
}

/// The path of all of a competition's data as one file.
pub(super) const BUNDLE: &str = "bundle/archive.zip";
