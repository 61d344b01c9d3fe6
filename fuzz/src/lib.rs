//! What the fuzz targets call: the program's own files, included by path, so that neither libtorch
//! nor a network is needed, and the properties that must hold for any input.

#![allow(dead_code, unused_imports, reason = "files are included whole")]

#[path = "../../src/archive/mod.rs"]
pub mod archive;
#[path = "../../src/fs.rs"]
pub mod fs;
#[path = "../../src/lines.rs"]
pub mod lines;
#[path = "../../src/metric/mod.rs"]
pub mod metric;
#[path = "../../src/progress.rs"]
pub mod progress;
#[path = "../../src/schedule/mod.rs"]
pub mod schedule;
#[path = "../../src/submission/mod.rs"]
pub mod submission;
#[path = "../../src/target.rs"]
pub mod target;
#[path = "../../src/term.rs"]
pub mod term;
#[path = "../../src/weights/mod.rs"]
pub mod weights;
#[path = "../../src/zoo/mod.rs"]
pub mod zoo;

pub mod competition;
pub mod dataset;
pub mod kaggle;

pub mod archives;
pub mod tables;

// What the included files name of reqwest: reading answers needs its addresses, not its client.
extern crate self as reqwest;
pub use url::Url;

/// Stands for reqwest's; nothing here makes one.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
pub struct Error;

impl Error {
    pub fn is_timeout(&self) -> bool {
        false
    }
}
