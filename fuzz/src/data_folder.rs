//! Data folders of which one of the fetch's own files holds any bytes: it is read or refused in words,
//! and nothing beside the folder is touched.

use std::path::Path;

use kaggle_kit::commands::fetch::fuzzing::{clean, read};

use super::place;

/// The files, by the names of their targets.
pub(super) const FILES: [(&str, &str); 3] =
    [("fetched", "fetched.toml"), ("manifest", "manifest.csv"), ("plan", "archives/plan.toml")];

const SLUG: &str = "dog-breed-identification";

/// What a target starts from.
pub(super) fn seed(file: &str) -> &'static str {
    match file {
        "fetched.toml" => FETCHED,
        "manifest.csv" => MANIFEST,
        _ => PLAN,
    }
}

/// Puts the bytes in the place of a file, and does with it what commands do.
pub(super) fn check(file: &str, bytes: &[u8]) {
    let place = place();
    let data = place.path().join("data");
    let others = ["beside.txt", "data/labels.csv", "data/train/1.jpg"];
    std::fs::create_dir_all(data.join("archives")).unwrap();
    std::fs::create_dir_all(data.join("train")).unwrap();
    for other in others {
        std::fs::write(place.path().join(other), "a person's").unwrap();
    }
    for (_, name) in FILES {
        std::fs::write(data.join(name), seed(name)).unwrap();
    }
    std::fs::write(data.join(file), bytes).unwrap();
    let name = Path::new(file).file_name().unwrap().to_str().unwrap();
    if let Err(error) = read(&data) {
        let text = format!("{error:#}");
        assert!(text.contains(name), "an error names its file: {text}");
    }
    if let Err(error) = clean(&data, SLUG) {
        assert!(!error.to_string().is_empty());
    }
    for other in others {
        assert!(place.path().join(other).is_file(), "`{other}` is gone");
    }
}

const FETCHED: &str = "version = 2\nslug = \"dog-breed-identification\"\n\
    when = \"2026-11-24T06:00:00Z\"\nsources = [\"https://www.kaggle.com/api/v1\"]\n\
    train-images = 1\ntest-images = 1\nclasses = 2\n\
    [[parts]]\nname = \"train\"\nfiles = 1\nbytes = 10\nsha256 = \"00ff\"\n";

const MANIFEST: &str = "path,bytes,sha256\ntrain/1.jpg,10,00ff\nlabels.csv,10,00ff\n";

const PLAN: &str = "slug = \"dog-breed-identification\"\n\
    [[downloads]]\nname = \"train.zip\"\nwhat = \"file\"\nbytes = 10\n\
    [[downloads]]\nname = \"labels.csv/labels.csv\"\nwhat = \"bundle\"\n";
