//! What `new` reads of a folder: names, tables with any text, and the first bytes of other files.

use kaggle_kit::infer::{self, Data, Entry, Listing, Table, Wishes};

/// The tables of a folder, by what the first byte picks.
const TABLES: [[&str; 2]; 4] = [
    ["sample_submission.csv", "train.csv"],
    ["sample_submission.csv", "train.json"],
    ["sample_submission.csv", "labels.tsv"],
    ["sample_submission.csv", "train_metadata.json"],
];

/// Reads the bytes, split at `0xff`, as a sample and a table of labels; a spec is made of them.
pub(super) fn check(which: u8, bytes: &[u8]) {
    let _ = infer::patient(bytes);
    let _ = infer::features(bytes);
    let mut parts = bytes.splitn(2, |&byte| byte == 0xff);
    let parts = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()];
    let names = TABLES[usize::from(which & 3)];
    let tables = names.iter().zip(parts).filter_map(|(name, part)| Table::read(name, part));
    let tables: Vec<Table> = tables.collect();
    let images = ["train/a/1.jpg", "train/b/2.jpg", "test/3.jpg", "test/4.jpg", "test/x_5.png"];
    let deep = ["train/1.dcm", "test/3.dcm", "test/4.dcm"];
    let images = if which & 4 == 0 { &images[..] } else { &deep };
    let entries = images.iter().chain(&names).map(|name| Entry::new(*name, 100)).collect();
    let unseen = if which & 8 == 0 { Vec::new() } else { vec!["test_images".to_owned()] };
    let listing = Listing::new(entries, unseen).lifted();
    let data = Data { listing, tables, ..Data::default() };
    match infer::infer(&data, "fuzzed data", &Wishes::default(), None) {
        Ok(guess) => {
            let text = infer::toml(&guess);
            let read = toml::from_str::<toml::Table>(&text);
            assert!(read.is_ok(), "{read:?}\n{text}");
        }
        Err(beyond) => assert!(!beyond.to_string().is_empty()),
    }
}
