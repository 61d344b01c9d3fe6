//! Data folders whose images are no picture files, of which one holds any bytes: DICOM, records, tables.

use std::path::{Path, PathBuf};

use kaggle_kit::competition::Competition;
use kaggle_kit::convert::{self, Source};
use kaggle_kit::relative::RelativePath;

use super::{place, quiet_decoders};

/// What stands for the images, and what a spec says of it.
const KINDS: [(&str, &str); 5] = [
    ("train", "windows = [[40, 80]]\n"),
    ("train", "extension = \"dcm\"\n"),
    ("train.csv", "[files.pixels]\ncolumns = \"pixel*\"\n"),
    ("train.json", "[files.pixels]\nplanes = [\"band_1\", \"band_2\"]\nrange = [-45, 35]\n"),
    ("train", ""),
];

thread_local! {
    static COMPETITIONS: Vec<Competition> = KINDS.iter().map(|kind| competition(*kind)).collect();
}

/// Makes pictures of the bytes, in the way that `which` picks, and looks at what is there afterwards.
pub(super) fn check(which: u8, bytes: &[u8]) {
    quiet_decoders();
    let which = usize::from(which) % KINDS.len();
    COMPETITIONS.with(|all| check_for(&all[which], KINDS[which].0, which, bytes));
}

fn check_for(competition: &Competition, train: &str, which: usize, bytes: &[u8]) {
    let place = place();
    let data = place.path().join("data");
    let mut bytes = bytes.to_vec();
    let file = match which {
        0 | 1 => data.join(train).join("1.2.dcm"),
        4 => {
            mend_records(&mut bytes);
            data.join(train).join("a.tfrec")
        }
        _ => data.join(train),
    };
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let train = RelativePath::new(train).unwrap();
    let sources = [Source { path: train.under(&data), place: train, is_train: true }];
    let raw = competition.raw().unwrap();
    let converted = convert::run(competition, &raw, &sources, &data, &());
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "a source was changed");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "beside the data folder");
    match converted {
        Ok(converted) => {
            let images = convert::images_in(competition, &data).unwrap();
            let mut found = Vec::new();
            below(&images, &mut found);
            assert_eq!(found.len(), converted.images, "{found:?}");
            if which != 4 {
                for path in &found {
                    look(path);
                }
            }
            // The same again is the same.
            let again = convert::run(competition, &raw, &sources, &data, &()).unwrap();
            assert_eq!(again, converted);
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}

/// A picture is whole, or says that it is none.
fn look(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(b"kaggle-kit: no picture") {
        image::load_from_memory(&bytes).unwrap();
    }
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

fn competition((train, kind): (&str, &str)) -> Competition {
    let labels = if kind.is_empty() {
        "[target.labels.record]\nid = \"id\"\nlabel = \"class\"\n"
    } else {
        "[target.labels.csv]\nfile = \"labels.csv\"\nid = \"id\"\nlabel = \"label\"\n"
    };
    let (train, test) = (train, train.replace("train", "test"));
    let text = format!(
        "title = \"Fuzzed\"\nslug = \"fuzzed\"\nmetric = \"accuracy\"\n[files]\n\
         train = [\"{train}\"]\ntest = [\"{test}\"]\nsample = \"sample.csv\"\n{kind}\
         [target]\nkind = \"single-label\"\n{labels}\
         [submission.label]\nid = \"id\"\ncolumn = \"label\"\n"
    );
    Competition::parse("fuzzed", &text, "fuzzed.toml").unwrap()
}

/// Makes the checksums of `TFRecords` right, and a length that is too large that of what is there.
fn mend_records(bytes: &mut [u8]) {
    let masked = |bytes: &[u8]| {
        crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    let mut at = 0;
    while bytes.len() >= at + 16 {
        let rest = bytes.len() - at - 16;
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let length = usize::try_from(length).unwrap_or(rest).min(rest);
        bytes[at..at + 8].copy_from_slice(&(length as u64).to_le_bytes());
        let sum = masked(&bytes[at..at + 8]);
        bytes[at + 8..at + 12].copy_from_slice(&sum);
        let end = at + 12 + length;
        let sum = masked(&bytes[at + 12..end]);
        bytes[end..end + 4].copy_from_slice(&sum);
        at = end + 4;
    }
}
