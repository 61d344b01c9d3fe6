//! A submission: a place to upload to, the file, and the call that makes it count.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use reqwest::Url;
use reqwest::blocking::Body;

use super::answer::Asked;
use super::client::Call;
use super::error;
use super::wire::{Created, SubmissionOf, UploadOf, UploadPlace};
use super::{Client, Error, http};
use crate::fs;

/// The slowest line that an upload is waited for.
const SLOWEST_BYTES_PER_SECOND: u64 = 10_000;

/// A submission that Kaggle took.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Kaggle's number for it, with which [`Client::submission`] asks for its score.
    pub reference: u64,
    /// Kaggle's words.
    pub message: String,
}

impl Client {
    /// Uploads a CSV and submits it with a message. The last call is made once only: a second one
    /// could spend a second of the day's submissions.
    pub fn submit(&self, slug: &str, csv: &Path, message: &str) -> Result<Submitted, Error> {
        let token = self.upload(slug, csv)?;
        let body = SubmissionOf {
            competition_name: slug,
            blob_file_tokens: &token,
            submission_description: message,
        };
        let what = format!("competition `{slug}`");
        let call = Call { method: "CreateSubmission", slug, what, body };
        match self.call_once(&call) {
            Ok(Created { reference, message }) => Ok(Submitted { reference, message }),
            Err(
                error @ (Error::Network { .. } | Error::Server { .. } | Error::BadAnswer { .. }),
            ) => {
                let text = error.to_string();
                let reason = text.lines().next().unwrap_or_default().to_owned();
                Err(Error::SubmissionInDoubt { slug: slug.to_owned(), reason })
            }
            Err(error) => Err(error),
        }
    }

    /// Puts the file where Kaggle says; the answer is the token that stands for it.
    fn upload(&self, slug: &str, csv: &Path) -> Result<String, Error> {
        let metadata = fs::metadata(csv).map_err(anyhow::Error::from)?;
        let file_name = csv
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| anyhow!("`{}` has no file name that Kaggle can take", csv.display()))?;
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let body = UploadOf {
            competition_name: slug,
            file_name,
            content_length: metadata.len(),
            last_modified_epoch_seconds: modified.map_or(0, |since| since.as_secs()),
        };
        let what = format!("competition `{slug}`");
        let call = Call { method: "StartSubmissionUpload", slug, what, body };
        let place: UploadPlace = self.call(&call)?;
        let url = Url::parse(&place.create_url).map_err(|_| Error::BadAnswer {
            url: self.endpoint().to_string(),
            reason: "an upload address that is none".to_owned(),
        })?;
        self.patience.retry(|| self.put(&url, csv, metadata.len()))?;
        Ok(place.token)
    }

    /// One `PUT` of the whole file, without credentials: the address is the permission.
    fn put(&self, url: &Url, csv: &Path, length: u64) -> Result<(), Error> {
        let file = fs::File::open(csv).context("failed to open the submission")?;
        let limit = Duration::from_secs(60 + length / SLOWEST_BYTES_PER_SECOND);
        let request = self.http.agent(url)?.put(url.clone());
        let request = request.timeout(limit).body(Body::sized(file, length));
        let response = request.send().map_err(|error| error::network(url, &error))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(http::failed(&Asked { url, slug: "", what: "", credentials: "" }, response))
    }
}
