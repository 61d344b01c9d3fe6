//! Data that lies beside the repository on some machines.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use kaggle_kit::fs;

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("competitions").is_dir()).unwrap()
}

/// `../shared/<relative>`, if this machine has it; if not, a note that the calling test skips it.
///
/// `cargo test` hides what passing tests print, so the note also goes to the file that
/// `KAGGLE_KIT_SKIPPED` names; `scripts/test.py` counts its lines.
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let path = repository().join("../shared").join(relative);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("../shared/{relative} not here"));
    None
}

/// A note that the calling test is skipped, and why.
pub(crate) fn skipped(why: &str) {
    let note = format!("skipped: {why}");
    eprintln!("{note}");
    if let Some(log) = std::env::var_os("KAGGLE_KIT_SKIPPED") {
        let thread = std::thread::current();
        let line = format!("{}\t{note}\n", thread.name().unwrap_or("?"));
        let mut file = fs::File::options().append(true).create(true).open(log).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
