//! Of the data sets what reads tables.

#[path = "../../src/dataset/index.rs"]
mod index;
#[path = "../../src/dataset/sample_submission.rs"]
mod sample_submission;
#[path = "../../src/dataset/table.rs"]
mod table;

pub use index::find_file;
pub use sample_submission::SampleSubmission;
