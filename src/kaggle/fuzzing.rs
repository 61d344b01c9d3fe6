//! For the fuzz targets: any bytes as an answer of Kaggle or of its storage.

#![allow(clippy::unwrap_used, reason = "for tests")]

use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;

use super::{answer, wire};

/// Of an address that is signed.
const SECRET: &str = "fQ7kXw2Zp9";

/// Reads the bytes as every answer there is; panics if an error tells a secret.
pub fn read(bytes: &[u8]) {
    fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes).ok()
    }
    parse::<wire::FilesPage>(bytes);
    parse::<wire::CompetitionInfo>(bytes);
    parse::<wire::SubmissionLimits>(bytes);
    parse::<wire::UploadPlace>(bytes);
    parse::<wire::Created>(bytes);
    parse::<wire::Submission>(bytes);
    parse::<wire::SubmissionsPage>(bytes);
    let body = String::from_utf8_lossy(bytes);
    answer::is_error_body(&body);
    let url = Url::parse(&format!("http://localhost/a/b.zip?Signature={SECRET}")).unwrap();
    let api = answer::CallContext {
        url: &url,
        slug: "dog-breed-identification",
        what: "`labels.csv`",
        credentials: "`KAGGLE_API_TOKEN`",
        signed: false,
    };
    for context in [api, answer::CallContext::storage(&url, true)] {
        for status in [200, 400, 401, 403, 404, 429, 500] {
            let wait = (status == 429).then_some(Duration::from_secs(7));
            let error = answer::from_answer(&context, status, wait, &body);
            let text = format!("{error} {error:?}");
            assert!(!text.contains(SECRET), "{text}");
        }
    }
}
