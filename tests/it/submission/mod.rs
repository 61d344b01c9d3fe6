//! A submission is written in the sample's shape, reads back the same, and says all that is wrong.

mod checked;
mod shapes;
mod written;

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::SampleSubmission;

pub(super) fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn probability_of() -> Competition {
    competition::find("dogs-vs-cats").unwrap()
}

pub(super) fn per_class() -> Competition {
    competition::find("dog-breed").unwrap()
}

pub(super) fn tag_list() -> Competition {
    competition::find("planet").unwrap()
}

pub(super) fn sample(header: &str, ids: &str) -> SampleSubmission {
    SampleSubmission { header: strings(header), id_at: 0, ids: strings(ids) }
}
