//! kaggle-kit takes a Kaggle image competition from an empty folder to an accepted submission.
//!
//! The modules in reading order; `ARCHITECTURE.md` draws the layers they form.

// Pure values and mathematics.
pub mod competition;
pub mod device;
pub mod infer;
pub mod metric;
pub mod outputs;
pub mod place;
pub mod recipe;
pub mod schedule;
pub mod table;
pub mod target;
pub mod zoo;
// The outside world, without tensors.
pub mod archive;
pub mod cache;
pub mod convert;
pub mod dataset;
pub mod kaggle;
pub mod run;
pub mod weights;
// Training.
pub mod learn;
// From predictions to a file that Kaggle takes.
pub mod decide;
pub mod report;
pub mod submission;
// Where it all meets.
pub mod commands;
pub mod exit;
pub mod mishap;
pub mod program;
pub mod session;
// What everything stands on.
pub mod ended;
pub mod explain;
pub mod foreign;
pub mod fs;
pub mod hash;
pub mod json;
pub mod lines;
pub mod progress;
pub mod relative;
pub mod rng;
pub mod room;
pub mod sibling;
pub mod term;
pub mod typed;
pub mod words;

// The fuzz targets, which name this library as anybody else does: its own tests try what they start from.
#[cfg(test)]
extern crate self as kaggle_kit;
#[cfg(test)]
#[path = "../fuzz/src/lib.rs"]
pub mod fuzzed;
