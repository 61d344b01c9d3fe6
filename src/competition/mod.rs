//! A competition as a value, read from a TOML of about forty lines in `competitions/`.
//!
//! Nothing in the program is named after a competition: what differs between two of them is in
//! their files. `competitions/README.md` is the field reference.

mod registry;
mod spec;

pub use registry::{all, find, typed_for};
pub use spec::{Competition, Counts, Files, Labels, SubmissionFormat, TagGroups, TargetSpec};
