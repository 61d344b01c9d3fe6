//! A submission of a notebook's version, which is never made twice.

use std::path::Path;

use serde::Serialize;

use super::super::client::Call;
use super::super::submit::Wanted;
use super::super::wire::{Created, Submission};
use super::super::{Client, Error, Submitted};
use super::Kernel;
use super::pending::{Pending, Submitting};
use crate::progress::Progress;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeSubmissionOf<'a> {
    competition_name: &'a str,
    kernel_owner: &'a str,
    kernel_slug: &'a str,
    kernel_version: u32,
    file_name: &'a str,
    submission_description: &'a str,
}

impl Client {
    /// Submits what the version that [`Client::push_kernel`] saved writes: Kaggle runs it again with the
    /// hidden test images. How far it is is kept beside `folder`; [`Client::settle_kernel`] ends it.
    pub fn submit_kernel(
        &self,
        slug: &str,
        kernel: &Kernel,
        file: &str,
        message: &str,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Submitted, Error> {
        let unsaved = || anyhow::anyhow!("no version of `{kernel}` is saved");
        let mut pending = Pending::read(folder).ok_or_else(unsaved)?;
        let version = pending.version.ok_or_else(unsaved)?;
        let kept = pending.submitting.take().filter(|kept| kept.message == message);
        let doubt = kept.is_some().then(|| "an earlier call was stopped".to_owned());
        let mut submitting = if let Some(kept) = kept {
            if let Some(reference) = kept.reference {
                return Ok(Submitted::before(reference));
            }
            kept
        } else {
            let before = self.list_submissions(slug)?.iter().map(|s| s.reference).collect();
            Submitting { message: message.to_owned(), before, reference: None }
        };
        let body = CodeSubmissionOf {
            competition_name: slug,
            kernel_owner: &kernel.owner,
            kernel_slug: &kernel.slug,
            kernel_version: version,
            file_name: file,
            submission_description: message,
        };
        let what = format!("version {version} of `{kernel}`, or it wrote no `{file}`");
        let call = Call::of("CreateCodeSubmission", slug, what, body);
        let create = || self.call_once::<_, Created>(&call, self.credentials());
        // By the message alone: what Kaggle calls the file of a notebook is not ours to say.
        let is_ours = |submission: &Submission| submission.description.trim() == message.trim();
        let before = submitting.before.clone();
        pending.submitting = Some(submitting);
        pending.write(folder)?;
        let wanted = Wanted { slug, before: &before, is_ours: &is_ours };
        match self.make(&wanted, doubt, &create, progress) {
            Ok(submitted) => {
                let reference = Some(submitted.reference);
                submitting = Submitting { message: message.to_owned(), before, reference };
                pending.submitting = Some(submitting);
                pending.write(folder)?;
                Ok(submitted)
            }
            Err(error @ Error::SubmissionInDoubt { .. }) => Err(error),
            Err(error) => {
                pending.submitting = None;
                pending.write(folder)?;
                Err(error)
            }
        }
    }

    /// Whether a submission of the notebook was cut off, so that it may have been made and counted.
    pub fn is_kernel_under_way(&self, folder: &Path) -> bool {
        Pending::read(folder).is_some_and(|pending| pending.submitting.is_some())
    }

    /// Forgets a submission that was made: its caller has kept what it needs.
    pub fn settle_kernel(&self, folder: &Path) -> Result<(), Error> {
        match Pending::read(folder) {
            Some(mut pending) => {
                pending.submitting = None;
                pending.write(folder)
            }
            None => Ok(()),
        }
    }
}
