//! The JSON that goes over the wire. Fields that Kaggle adds are ignored, missing ones have their
//! default, and numbers that come as text (scores do) are taken either way.

use super::outgoing::Session;
use serde::{Deserialize, Deserializer, Serialize};

/// A call that names nothing but the competition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfCompetition<'a> {
    pub(super) competition_name: &'a str,
}

/// A call for one page of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageOf<'a> {
    pub(super) competition_name: &'a str,
    pub(super) page_size: u32,
    pub(super) page_token: &'a str,
}

/// A call for one data file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileOf<'a> {
    pub(super) competition_name: &'a str,
    pub(super) file_name: &'a str,
}

/// A call for a place to upload to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadOf<'a> {
    pub(super) competition_name: &'a str,
    pub(super) file_name: &'a str,
    pub(super) content_length: u64,
    pub(super) last_modified_epoch_seconds: u64,
}

/// The place to upload to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadPlace {
    token: String,
    create_url: String,
}

impl UploadPlace {
    pub(super) fn session(self) -> Session {
        Session { token: self.token, address: self.create_url }
    }
}

/// The call that turns an upload into a submission.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubmissionOf<'a> {
    pub(super) competition_name: &'a str,
    pub(super) blob_file_tokens: &'a str,
    pub(super) submission_description: &'a str,
}

/// Kaggle's answer to a submission.
#[derive(Deserialize)]
pub(super) struct Created {
    #[serde(default)]
    pub(super) message: String,
    #[serde(rename = "ref")]
    pub(super) reference: u64,
}

/// A call for one submission.
#[derive(Serialize)]
pub(super) struct SubmissionRef {
    #[serde(rename = "ref")]
    pub(super) reference: u64,
}

/// A page of data files.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilesPage {
    #[serde(default)]
    pub(super) files: Vec<DataFile>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

/// A call for what is in a folder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FolderOf<'a> {
    pub(super) competition_name: &'a str,
    pub(super) path: &'a str,
    pub(super) page_size: u32,
}

/// What is right in a folder of a competition's data, or the first of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FolderPage {
    pub directories: Vec<Directory>,
    /// Their names are without the folder's.
    pub files: Vec<DataFile>,
    pub next_page_token: String,
}

/// A folder in a folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Directory {
    pub name: String,
}

/// A competition's pages.
#[derive(Deserialize)]
pub(super) struct Pages {
    #[serde(default)]
    pub(super) pages: Vec<Page>,
}

/// A page of a competition, such as its `Evaluation`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    pub name: String,
    /// HTML or Markdown.
    pub content: String,
}

/// A page of submissions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubmissionsPage {
    #[serde(default)]
    pub(super) submissions: Vec<Submission>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

/// A file of a competition's data.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFile {
    /// Its path, such as `train/0a1b.jpg`.
    pub name: String,
    #[serde(default)]
    pub total_bytes: u64,
    /// When it was put there, as Kaggle writes it.
    #[serde(default)]
    pub creation_date: String,
}

/// The first page of a competition's files.
#[derive(Clone, Debug)]
pub struct FirstFiles {
    /// As Kaggle orders them.
    pub files: Vec<DataFile>,
    pub more: bool,
}

/// What Kaggle says of a competition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompetitionInfo {
    /// The full address of its page.
    #[serde(rename = "ref")]
    pub page: String,
    pub title: String,
    /// When it closed, as Kaggle writes it.
    pub deadline: Option<String>,
    /// Whether the person has joined it.
    pub user_has_entered: bool,
    /// Whether it takes no submissions at all.
    pub submissions_disabled: bool,
    /// Whether it takes notebooks and no files.
    pub is_kernels_submissions_only: bool,
    /// How many submissions a day it takes.
    pub max_daily_submissions: u32,
    /// How it is scored, in Kaggle's words.
    pub evaluation_metric: String,
}

/// How many submissions are left.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubmissionLimits {
    /// Sent today.
    pub num_today: u32,
    /// Sent ever.
    pub num_total: u32,
    /// How many more it takes now.
    pub num_allowed_now: u32,
}

/// One submission, as Kaggle keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// Kaggle's number for it.
    #[serde(rename = "ref")]
    pub reference: u64,
    #[serde(default)]
    pub status: SubmissionStatus,
    /// The score on the public part, once there is one.
    #[serde(default, deserialize_with = "score")]
    pub public_score: Option<f64>,
    /// The score on the private part, once there is one.
    #[serde(default, deserialize_with = "score")]
    pub private_score: Option<f64>,
    /// Why it was turned down.
    #[serde(default)]
    pub error_description: Option<String>,
    /// The message it was sent with.
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub file_name: String,
    /// When it was sent, as Kaggle writes it.
    #[serde(default)]
    pub date: String,
}

/// How far a submission is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubmissionStatus {
    #[default]
    Pending,
    Complete,
    Error,
}

impl<'de> Deserialize<'de> for SubmissionStatus {
    /// Any case, with or without `SUBMISSION_STATUS_`; a word we do not know is not a final state.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?.to_ascii_uppercase();
        Ok(match word.strip_prefix("SUBMISSION_STATUS_").unwrap_or(&word) {
            "COMPLETE" => Self::Complete,
            "ERROR" => Self::Error,
            _ => Self::Pending,
        })
    }
}

/// `"0.69314"`, `0.69314`, or nothing (`""`, `null`).
pub(super) fn score<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    use serde_json::Value;
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_read_in_all_its_spellings() {
        for (status, expected) in [
            ("COMPLETE", SubmissionStatus::Complete),
            ("complete", SubmissionStatus::Complete),
            ("SUBMISSION_STATUS_ERROR", SubmissionStatus::Error),
            ("PENDING", SubmissionStatus::Pending),
            ("QUEUED_ON_THE_MOON", SubmissionStatus::Pending),
        ] {
            let text = format!(r#"{{"ref":7,"status":"{status}","new":[1],"publicScore":""}}"#);
            let submission: Submission = serde_json::from_str(&text).unwrap();
            assert_eq!(submission.status, expected, "{status}");
            assert_eq!(submission.public_score, None);
        }
        for score in ["\"0.5\"", "0.5"] {
            let text = format!(r#"{{"ref":7,"publicScore":{score},"errorDescription":null}}"#);
            let submission: Submission = serde_json::from_str(&text).unwrap();
            assert_eq!(submission.public_score, Some(0.5));
        }
    }
}
