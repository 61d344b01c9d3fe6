//! Competitions, without the registry that a build script fills.

#[path = "../../src/competition/spec.rs"]
mod spec;

pub use spec::{Competition, Counts, Files, Labels, SubmissionFormat, TargetSpec};
