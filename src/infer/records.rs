//! Folders of `TFRecords`, which are images and labels in one.

use std::collections::BTreeSet;

use super::data::{self, Data, Entry, Listing};
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

/// The file whose first record tells what the records hold: one of training, which have labels.
pub fn telling(listing: &Listing) -> Option<&Entry> {
    let all = || listing.entries.iter().filter(|entry| is_record(&entry.path));
    all().find(|entry| !text::is_test(&entry.path)).or_else(|| all().next())
}

pub(super) fn is_record(path: &str) -> bool {
    matches!(data::extension(path).as_str(), "tfrec" | "tfrecord" | "tfrecords")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_training_tell_what_they_hold() {
        let told = |paths: &[&str]| {
            let entries = paths.iter().map(|path| Entry::new(*path, 1)).collect();
            telling(&Listing::new(entries, Vec::new())).map(|entry| entry.path.clone())
        };
        let all = ["tf-192/test/00.tfrec", "tf-192/train/00.tfrec", "tf-192/val/00.tfrec"];
        assert_eq!(told(&all).as_deref(), Some("tf-192/train/00.tfrec"));
        assert_eq!(told(&all[..1]).as_deref(), Some("tf-192/test/00.tfrec"));
        assert_eq!(told(&["a.csv"]), None);
    }
}
