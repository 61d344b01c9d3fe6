//! What lies in a data folder: labels, sample submission and images, joined into samples.

mod doubts;
mod found;
mod images;
mod index;
mod labels;
mod missing;
mod open;
mod sample_submission;
mod table;
mod words;

pub use self::found::{FilesFound, Found, TableFound};
pub use self::index::{find_file, natural_order};
pub use self::labels::tags;
pub use self::open::{Dataset, open, open_test};
pub use self::sample_submission::SampleSubmission;
