//! A submission: the upload, and the call that makes it count, which is never made blindly.
//!
//! Each submission is one of few a day. When the answer to the call is lost, the list of
//! submissions is looked at before the call is made again, by this process or the next.

use std::path::Path;
use std::thread;

use super::client::Call;
use super::outgoing::Outgoing;
use super::pending::{Pending, UploadStage};
use super::retry::LOOKS;
use super::wire::{Created, Submission, SubmissionOf, UploadOf, UploadPlace};
use super::{Client, Error};
use crate::progress::Progress;

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
        let csv = Outgoing::open(csv)?;
        let pending = Pending::read(&csv, &self.endpoint().to_string(), slug, message);
        let mut pending = self.upload_csv(pending, &csv, (slug, message), progress)?;
        if let (UploadStage::Submitted, Some(reference)) = (pending.stage, pending.reference) {
            return Ok(Submitted::before(reference));
        }
        let mut doubt = None;
        if pending.stage == UploadStage::Submitting {
            doubt = Some("an earlier call was stopped".to_owned());
        } else {
            pending.before = self.list_submissions(slug)?.iter().map(|s| s.reference).collect();
            pending.stage = UploadStage::Submitting;
            pending.write(&csv)?;
        }
        let is_ours = |submission: &Submission| {
            submission.file_name == pending.file_name
                && submission.description.trim() == pending.message.trim()
        };
        let wanted = Wanted { slug, before: &pending.before, is_ours: &is_ours };
        let made = self.make(&wanted, doubt, &|| self.create_once(&pending), progress);
        let submitted = match made {
            Ok(submitted) => submitted,
            Err(error @ Error::SubmissionInDoubt { .. }) => return Err(error),
            // Not taken, and what was uploaded is good for the next time.
            Err(error @ Error::RateLimited { .. }) => {
                pending.stage = UploadStage::Uploaded;
                pending.write(&csv)?;
                return Err(error);
            }
            // Not taken; what was uploaded may be what is wrong.
            Err(error) => {
                Pending::remove(&csv)?;
                return Err(error);
            }
        };
        (pending.stage, pending.reference) = (UploadStage::Submitted, Some(submitted.reference));
        pending.write(&csv)?;
        Ok(submitted)
    }

    /// Forgets a submission that was made from `csv`: its caller has kept what it needs. Until then
    /// a second [`Client::submit`] of the same file and message makes no second one.
    pub fn settle(&self, csv: &Path) -> Result<(), Error> {
        Pending::remove(&Outgoing::open(csv)?)
    }

    /// Brings the file to Kaggle, going on from `pending` if there is one.
    fn upload_csv(
        &self,
        pending: Option<Pending>,
        csv: &Outgoing,
        (slug, message): (&str, &str),
        progress: &dyn Progress,
    ) -> Result<Pending, Error> {
        progress.total(csv.length);
        let mut kept = match pending {
            Some(pending) if pending.stage != UploadStage::Uploading => return Ok(pending),
            pending => pending,
        };
        let session = kept.as_ref().map(Pending::session);
        let begin = || {
            let begun = self.start_upload(csv, slug, message)?;
            let session = begun.session();
            kept = Some(begun);
            Ok(session)
        };
        let session = self.upload(csv, session, begin, progress)?;
        let endpoint = self.endpoint().to_string();
        let begun = || Pending::new(endpoint, slug, message, csv, session);
        let mut pending = kept.unwrap_or_else(begun);
        pending.stage = UploadStage::Uploaded;
        pending.write(csv)?;
        Ok(pending)
    }

    fn start_upload(&self, csv: &Outgoing, slug: &str, message: &str) -> Result<Pending, Error> {
        let body = UploadOf {
            competition_name: slug,
            file_name: &csv.name,
            content_length: csv.length,
            last_modified_epoch_seconds: csv.modified,
        };
        let what = format!("competition `{slug}`");
        let place: UploadPlace = self.call(&Call::of("StartSubmissionUpload", slug, what, body))?;
        let session = place.session();
        let pending = Pending::new(self.endpoint().to_string(), slug, message, csv, session);
        pending.write(csv)?;
        Ok(pending)
    }

    /// Makes the call that counts, after a look at the list where there is a doubt whether it has
    /// been made. Whatever is no doubt was not taken.
    pub(super) fn make(
        &self,
        wanted: &Wanted,
        mut doubt: Option<String>,
        create: &dyn Fn() -> Result<Created, Error>,
        progress: &dyn Progress,
    ) -> Result<Submitted, Error> {
        let mut creations = 0;
        loop {
            if let Some(reason) = doubt.take() {
                progress.note(&format!(
                    "the submission may have been made ({reason}): looking for it in the list"
                ));
                let in_doubt =
                    |reason| Error::SubmissionInDoubt { slug: wanted.slug.to_owned(), reason };
                match self.look(wanted) {
                    Ok(Some(submitted)) => return Ok(submitted),
                    Ok(None) if creations == MOST_CREATIONS => return Err(in_doubt(reason)),
                    Ok(None) => progress.note("it is not there: submitting it"),
                    Err(error) => {
                        let what = error.first_line();
                        return Err(in_doubt(format!("{reason}; no list either: {what}")));
                    }
                }
            }
            creations += 1;
            match create() {
                Ok(Created { reference, message }) => {
                    return Ok(Submitted { reference, message, known_by: KnownBy::Answered });
                }
                Err(error) if error.leaves_doubt() => doubt = Some(error.first_line()),
                Err(error) => return Err(error),
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
        let call = Call::of("CreateSubmission", &pending.slug, what, body);
        self.call_once(&call, self.credentials())
    }

    /// Looks for a submission that was not there before and is ours; Kaggle may take a moment to list it.
    fn look(&self, wanted: &Wanted) -> Result<Option<Submitted>, Error> {
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(self.retry_policy.backoff(look));
            }
            let list = self.list_submissions(wanted.slug)?;
            let ours = list.into_iter().find(|submission| {
                !wanted.before.contains(&submission.reference) && (wanted.is_ours)(submission)
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

/// A submission that is to be made once.
pub(super) struct Wanted<'a> {
    pub(super) slug: &'a str,
    /// The submissions that were there before.
    pub(super) before: &'a [u64],
    /// Whether another one is it.
    pub(super) is_ours: &'a dyn Fn(&Submission) -> bool,
}

impl Submitted {
    pub(super) fn before(reference: u64) -> Self {
        let message = "an earlier call has made this submission".to_owned();
        Self { reference, message, known_by: KnownBy::Before }
    }
}
