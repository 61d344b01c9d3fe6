//! What lies in a data folder: labels, sample submission and images, joined into samples.

mod by_name;
mod doubts;
mod finder;
mod found;
mod groups;
mod images;
mod index;
mod json;
mod labels;
mod missing;
mod names;
mod open;
mod sample_submission;
mod table;
mod test_images;
mod words;

pub use self::found::{FilesFound, Found, GroupsFound, TableFound};
pub use self::index::{find_file, is_image, natural_order};
pub use self::labels::tags;
pub use self::names::names;
pub use self::open::{Dataset, open, open_test, pools};
pub use self::sample_submission::SampleSubmission;
pub use self::test_images::Pooled;
