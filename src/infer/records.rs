//! Folders of `TFRecords`, which are images and labels in one.

use std::collections::BTreeSet;

use super::data::{self, Data};
use super::place::named_folder;
use super::text;

/// Pixels a side that most networks here look at.
const USUAL_SIDE: i64 = 224;

/// The folders with records of the test set, or with all others; of several sizes the one nearest to
/// what networks look at.
pub(super) fn folders(data: &Data, of_test: bool) -> Vec<String> {
    let all: BTreeSet<&str> = data
        .listing
        .entries
        .iter()
        .filter(|entry| is_record(&entry.path))
        .map(|entry| data::folder(&entry.path))
        .collect();
    let top = |folder: &str| folder.split('/').next().unwrap_or_default().to_owned();
    let tops: BTreeSet<String> = all.iter().map(|folder| top(folder)).collect();
    let side =
        |top: &String| text::words(top).iter().filter_map(|word| word.parse::<i64>().ok()).max();
    let sized: Vec<&String> = tops.iter().filter(|top| side(top).is_some()).collect();
    let chosen = (sized.len() > 1 && sized.len() == tops.len())
        .then(|| sized.iter().min_by_key(|top| (side(top).unwrap_or(0) - USUAL_SIDE).abs()))
        .flatten();
    let mut folders: Vec<String> = all
        .into_iter()
        .filter(|folder| chosen.is_none_or(|chosen| top(folder) == **chosen))
        .filter(|folder| text::is_test(folder) == of_test)
        .map(named_folder)
        .collect();
    // Training before validation.
    folders.sort_by_key(|folder| !text::is_train(folder));
    folders
}

pub(super) fn is_record(path: &str) -> bool {
    matches!(data::extension(path).as_str(), "tfrec" | "tfrecord" | "tfrecords")
}
