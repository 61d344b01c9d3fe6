//! What the stand-in knows: its competitions, and what has happened since it started.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::Timestamp;

use crate::account::{Account, Rules};
use crate::answer::Refusal;
use crate::blob::Blob;
use crate::faults::{Fault, Faults};
use crate::miniature::Miniature;
use crate::pack::Packed;
use crate::spool::{Spool, Stored};

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
    /// The uploaded file.
    pub csv: Stored,
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

/// A data set that was uploaded.
#[derive(Clone)]
pub struct DataSet {
    pub slug: String,
    pub title: String,
    pub licence: String,
    pub is_private: bool,
    /// The oldest first.
    pub versions: Vec<DataSetVersion>,
}

/// One version of it.
#[derive(Clone)]
pub struct DataSetVersion {
    pub notes: String,
    /// By their paths.
    pub(crate) files: BTreeMap<String, Arc<Blob>>,
    /// All of them in a zip.
    pub(crate) archive: Arc<Blob>,
    /// How often it was asked how far it is.
    pub(crate) n_asked: usize,
}

impl DataSetVersion {
    /// What is in it: paths and lengths.
    pub fn files(&self) -> Vec<(String, u64)> {
        self.files.iter().map(|(path, blob)| (path.clone(), blob.length)).collect()
    }
}

/// A notebook that was pushed.
#[derive(Clone)]
pub struct Kernel {
    pub slug: String,
    /// The oldest first.
    pub versions: Vec<KernelVersion>,
}

/// One version of it.
#[derive(Clone)]
pub struct KernelVersion {
    pub text: String,
    pub data_sets: Vec<String>,
    pub competitions: Vec<String>,
    pub machine: String,
    pub has_internet: bool,
    /// How often it was asked how far its run is.
    pub(crate) n_asked: usize,
}

/// Everything.
pub(crate) struct State {
    pub(crate) competitions: Vec<Served>,
    pub(crate) account: Account,
    pub(crate) rules: Rules,
    pub(crate) daily_submissions: u32,
    /// Whether competitions say that they take notebooks and no files.
    pub(crate) notebooks_only: bool,
    /// The storage's address, without a slash at the end.
    pub(crate) storage: String,
    /// How many bytes a second pass in one request; none is as many as can.
    pub(crate) rate: Option<u64>,
    /// Where a line a request goes.
    pub(crate) log: Option<File>,
    pub(crate) spool: Spool,
    pub(crate) changing: Mutex<Changing>,
}

/// What requests change.
#[derive(Default)]
pub(crate) struct Changing {
    pub(crate) faults: Faults,
    requests: VecDeque<Request>,
    pub(crate) uploads: HashMap<String, Upload>,
    /// How many uploads were begun so far.
    n_uploads: usize,
    /// How many addresses were signed so far.
    pub(crate) n_signed: usize,
    /// Signatures that open nothing any more, and how that is said.
    pub(crate) spent: HashMap<String, Fault>,
    pub(crate) submissions: Vec<Submission>,
    pub(crate) data_sets: Vec<DataSet>,
    pub(crate) kernels: Vec<Kernel>,
}

impl Changing {
    /// So many of the newest requests are kept, for tests to look at.
    const MOST_REQUESTS: usize = 4096;
    /// So many of the newest uploads can go on.
    const MOST_UPLOADS: usize = 256;

    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    pub(crate) fn keep_request(&mut self, request: Request) {
        if self.requests.len() == Self::MOST_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    /// Begins an upload; gives its token.
    pub(crate) fn begin_upload(&mut self, file_name: &str, place: Stored) -> String {
        let token = |n: usize| format!("upload-{n}");
        self.n_uploads += 1;
        if let Some(oldest) = self.n_uploads.checked_sub(Self::MOST_UPLOADS) {
            self.uploads.remove(&token(oldest));
        }
        let name = token(self.n_uploads);
        self.uploads.insert(name.clone(), Upload::new(file_name, place));
        name
    }
}

/// An upload under way.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) file_name: String,
    /// As long as was announced.
    pub(crate) place: Stored,
    /// How many bytes are there.
    pub(crate) received: u64,
    /// It has become a submission, and stays what it was.
    pub(crate) is_submitted: bool,
    /// How many requests there were; a session has one at a time, and the newest counts.
    pub(crate) n_requests: u64,
}

impl Upload {
    fn new(file_name: &str, place: Stored) -> Self {
        let file_name = file_name.to_owned();
        Self { file_name, place, received: 0, is_submitted: false, n_requests: 0 }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.received == self.place.length()
    }

    /// Takes bytes at their place. What is there already, leaves a gap or is more than announced is
    /// passed over; the answer says how far it is.
    pub(crate) fn take(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let n = self.received;
        let end = at.saturating_add(bytes.len() as u64);
        if self.is_submitted || at > n || end <= n || end > self.place.length() {
            return Ok(());
        }
        self.place.write(n, &bytes[(n - at) as usize..])?;
        self.received = end;
        Ok(())
    }
}

/// A competition on offer.
pub(crate) struct Served {
    pub(crate) miniature: Miniature,
    pub(crate) packed: Packed,
}

impl State {
    /// The changing part. A request that panicked has left it whole: every change is one step.
    pub(crate) fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn competition(&self, slug: &str) -> Result<&Served, Refusal> {
        let found = self.competitions.iter().find(|c| c.miniature.competition.slug == slug);
        found.ok_or_else(Refusal::denied)
    }

    /// The same for a call that needs the rules accepted.
    pub(crate) fn entered(&self, slug: &str, refusal: &str) -> Result<&Served, Refusal> {
        let competition = self.competition(slug)?;
        match self.rules {
            Rules::Accepted => Ok(competition),
            Rules::NotAccepted => Err(Refusal::new(StatusCode::FORBIDDEN, refusal)),
        }
    }
}

impl Served {
    /// The object of a storage path: `bundle/archive.zip` or a file's.
    pub(crate) fn object(&self, path: &str) -> Option<&Blob> {
        if path == BUNDLE { Some(&self.packed.bundle) } else { self.packed.files.get(path) }
    }

    /// Where a listed file is kept: large tables are zips.
    pub(crate) fn stored_name(&self, name: &str) -> Option<String> {
        self.packed.listing.iter().find(|(listed, _)| listed == name)?;
        let zipped = format!("{name}.zip");
        Some(if self.packed.files.contains_key(&zipped) { zipped } else { name.to_owned() })
    }
}

/// The path of all of a competition's data as one file.
pub(crate) const BUNDLE: &str = "bundle/archive.zip";
