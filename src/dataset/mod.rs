//! From a data folder to batches of pixels: which images there are, what they show, and how they
//! look to a network.
//!
//! Nothing here knows tensors: a batch is bytes, `[n, size, size, 3]`, and is normalised where the
//! network runs.

mod audit;
mod augment;
mod buffer;
mod decode;
mod duplicates;
mod format;
mod index;
mod kept;
mod labels;
mod loader;
mod open;
mod prepared;
mod resize;
mod sample_submission;
mod sets;
mod split;
mod symmetry;
mod table;
mod view;
mod warp;

pub use audit::audit;
pub use buffer::Buffer;
pub use decode::decode;
pub use duplicates::{Duplicates, Likeness, Picture, duplicates};
pub use index::{find_file, natural_order};
pub use kept::{Keep, Keepable, Kept};
pub use labels::tags;
pub use loader::{Batch, Batches, Images, Source, batches, batches_in_views};
pub use open::{Dataset, Sample, open, open_test};
pub use prepared::Prepared;
pub use sample_submission::SampleSubmission;
pub use split::{Split, folds, hold_out, split};
pub use symmetry::Symmetry;
pub use view::{View, render};
