//! From answers to the CSV that Kaggle takes, and from a CSV back to a score.
//!
//! A submission costs a daily slot, so whatever can be wrong with a file is found before it is
//! sent, and all of it at once. The same reader serves `score` and the stand-in server.

mod check;
mod digits;
mod findings;
mod header;
mod long;
mod pool;
mod row;
mod score;
mod solution;
mod write;

pub use check::{Rows, SubmissionFile, check, read};
pub use findings::{Against, Example, Finding, Findings, Misfit, Problem, Severity};
pub use pool::pool;
pub use score::{Score, score, score_bytes};
pub use write::{to_csv, write};
