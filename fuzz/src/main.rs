//! One program for all targets: `FUZZ_TARGET` picks one. Without it their names are told.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use kaggle_kit_fuzz::{Target, targets, write_seeds};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    if let Some(target) = targets().into_iter().find(|target| target.name == wanted) {
        return target;
    }
    for target in targets() {
        println!("{}", target.name);
    }
    std::process::exit(0)
});

/// Picks the target, and writes what it starts from where `FUZZ_SEEDS` says.
fn begin() {
    let target = LazyLock::force(&TARGET);
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        write_seeds(&target.name, &PathBuf::from(folder));
    }
}

fuzz_target!(init: begin(), |bytes: &[u8]| {
    (TARGET.check)(bytes);
});
