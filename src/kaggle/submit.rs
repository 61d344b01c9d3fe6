//! A submission: the upload, and the call that makes it count, which is never made blindly.
//!
//! Each submission is one of few a day. When the answer to the call is lost, the list of
//! submissions is looked at before the call is made again, by this process or the next.

use std::path::Path;
use std::thread;

use super::client::Call;
use super::pending::{Csv, Pending, UploadStage};
use super::wire::{Created, SubmissionOf};
use super::{Client, Error};
use crate::progress::Progress;

/// How often the list is looked at for a submission whose answer was lost.
const LOOKS: u32 = 4;
/// How often one call of [`Client::submit`] makes the call that counts.
const MOST_CREATIONS: u32 = 2;

/// A submission that Kaggle took.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Kaggle's number for it, with which [`Client::submission`] asks for its score.
    pub reference: u64,
    pub message: String,
    /// How we know that it took it.
    pub known_by: KnownBy,
}

/// How we know of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// Kaggle answered the call that made it.
    Answered,
    /// The answer was lost, but it is in the list of submissions.
    InList,
    /// An earlier call made it and was stopped before it could say so.
    Before,
}

impl Client {
    /// Uploads a CSV and submits it with a message. How far it is is kept beside the CSV, in
    /// `.<name>.upload.toml`: a second call goes on from there, and one for a submission that is
    /// made already gives just that. [`Client::settle`] ends it.
    pub fn submit(
        &self,
        slug: &str,
        csv: &Path,
        message: &str,
        progress: &dyn Progress,
    ) -> Result<Submitted, Error> {
        let csv = Csv::open(csv)?;
        let pending = Pending::read(&csv, &self.endpoint().to_string(), slug, message);
        let mut pending = self.upload(pending, &csv, (slug, message), progress)?;
        if let (UploadStage::Submitted, Some(reference)) = (pending.stage, pending.reference) {
            let message = "an earlier call has made this submission".to_owned();
            return Ok(Submitted { reference, message, known_by: KnownBy::Before });
        }
        let mut doubt = None;
        if pending.stage == UploadStage::Submitting {
            doubt = Some("an earlier call was stopped".to_owned());
        } else {
            pending.before = self.list_submissions(slug)?.iter().map(|s| s.reference).collect();
            pending.stage = UploadStage::Submitting;
            pending.write(&csv)?;
        }
        let submitted = self.create(&mut pending, &csv, doubt, progress)?;
        (pending.stage, pending.reference) = (UploadStage::Submitted, Some(submitted.reference));
        pending.write(&csv)?;
        Ok(submitted)
    }

    /// Forgets a submission that was made from `csv`: its caller has kept what it needs. Until then
    /// a second [`Client::submit`] of the same file and message makes no second one.
    pub fn settle(&self, csv: &Path) -> Result<(), Error> {
        Pending::remove(&Csv::open(csv)?)
    }

    /// Makes the call that counts, after a look at the list where there is a doubt whether it has
    /// been made.
    fn create(
        &self,
        pending: &mut Pending,
        csv: &Csv,
        mut doubt: Option<String>,
        progress: &dyn Progress,
    ) -> Result<Submitted, Error> {
        let mut creations = 0;
        loop {
            if let Some(reason) = doubt.take() {
                progress.note(&format!(
                    "the submission may have been made ({reason}): looking for it in the list"
                ));
                let in_doubt =
                    |reason| Error::SubmissionInDoubt { slug: pending.slug.clone(), reason };
                match self.look(pending) {
                    Ok(Some(submitted)) => return Ok(submitted),
                    Ok(None) if creations == MOST_CREATIONS => return Err(in_doubt(reason)),
                    Ok(None) => progress.note("it is not there: submitting it"),
                    Err(error) => {
                        let what = first_line(&error);
                        return Err(in_doubt(format!("{reason}; no list either: {what}")));
                    }
                }
            }
            creations += 1;
            match self.create_once(pending) {
                Ok(Created { reference, message }) => {
                    return Ok(Submitted { reference, message, known_by: KnownBy::Answered });
                }
                Err(
                    error
                    @ (Error::Network { .. } | Error::Server { .. } | Error::BadAnswer { .. }),
                ) => doubt = Some(first_line(&error)),
                // Not taken, and what was uploaded is good for the next time.
                Err(error @ Error::RateLimited { .. }) => {
                    pending.stage = UploadStage::Uploaded;
                    pending.write(csv)?;
                    return Err(error);
                }
                // Not taken; what was uploaded may be what is wrong.
                Err(error) => {
                    Pending::remove(csv)?;
                    return Err(error);
                }
            }
        }
    }

    /// The upload belongs to whom it was made by: no other credentials are tried for this call.
    fn create_once(&self, pending: &Pending) -> Result<Created, Error> {
        let body = SubmissionOf {
            competition_name: &pending.slug,
            blob_file_tokens: &pending.token,
            submission_description: &pending.message,
        };
        let what = format!("competition `{}`", pending.slug);
        let call = Call { method: "CreateSubmission", slug: &pending.slug, what, body };
        self.call_once(&call, self.credentials())
    }

    /// Looks for a submission that was not there before and is ours by file and message; Kaggle
    /// may take a moment to list it.
    fn look(&self, pending: &Pending) -> Result<Option<Submitted>, Error> {
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(self.retry_policy.backoff(look));
            }
            let list = self.list_submissions(&pending.slug)?;
            let ours = list.into_iter().find(|submission| {
                !pending.before.contains(&submission.reference)
                    && submission.file_name == pending.file_name
                    && submission.description.trim() == pending.message.trim()
            });
            if let Some(submission) = ours {
                let message = "found in the list of submissions".to_owned();
                let reference = submission.reference;
                return Ok(Some(Submitted { reference, message, known_by: KnownBy::InList }));
            }
        }
        Ok(None)
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
