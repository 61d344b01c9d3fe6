//! A submission is written in the sample's shape, reads back the same, and says all that is wrong.

mod checked;
mod written;

use kaggle_kit::competition::{self, SubmissionFormat};
use kaggle_kit::dataset::SampleSubmission;

pub(super) fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn probability_of() -> SubmissionFormat {
    competition::find("dogs-vs-cats").unwrap().submission
}

pub(super) fn per_class() -> SubmissionFormat {
    competition::find("dog-breed").unwrap().submission
}

pub(super) fn tag_list() -> SubmissionFormat {
    competition::find("planet").unwrap().submission
}

pub(super) fn sample(header: &str, ids: &str) -> SampleSubmission {
    SampleSubmission { header: strings(header), ids: strings(ids) }
}
