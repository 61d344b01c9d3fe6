//! A competition as a value, read from a TOML of about forty lines in `competitions/`.
//!
//! Nothing in the program is named after a competition: what differs between two of them is in
//! their files. `competitions/README.md` is the field reference.

mod files;
mod labels;
#[cfg(test)]
pub(crate) mod made;
mod pattern;
mod pixels;
mod registry;
mod spec;
mod split_spec;
mod submission;
mod target_spec;
mod template;

pub use files::{Counts, Files, OneOrMany};
pub use labels::{Labels, Photos};
pub use pattern::{Pattern, RowPattern};
pub use pixels::{DICOM_EXTENSIONS, Pixels, RECORDS, Raw, TableFormat, format_of};
pub use registry::{all, find, slug_of, typed_for};
pub use spec::{Competition, UploadBy};
pub use split_spec::{Grouping, SplitSpec};
pub use submission::{Pool, SubmissionFormat};
pub use target_spec::{TagGroups, TargetSpec};
pub use template::{CHANNEL, ID, Template};
