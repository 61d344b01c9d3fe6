//! From a data folder to batches of pixels: which images there are, what they show, and how they
//! look to a network.
//!
//! Nothing here knows tensors: a batch is bytes, `[n, size, size, 3]`, and is normalised where the
//! network runs.

mod bad_image;
mod buffer;
mod digest;
mod folder;
mod format;
mod image_file;
mod loader;
mod photos;
mod picture_cache;
mod sample;
mod sets;
mod split;
mod twins;
mod view;

pub use bad_image::{BadImage, BadImages};
pub use buffer::Buffer;
pub use digest::{digest_of_set, digests};
pub use folder::{
    Dataset, FilesFound, Found, GroupsFound, Pooled, SampleSubmission, TableFound, find_file,
    is_image, names, natural_order, open, open_test, pools, tags,
};
pub use loader::{Batch, BatchPlan, Batches, Images, SampleSource, batches, batches_with};
pub use photos::{photos, unreadable};
pub use picture_cache::{PictureCache, PictureCachePlan};
pub use sample::Sample;
pub use split::{Split, folds, hold_out, sets_of, split};
pub use twins::{Likeness, PictureId, Twins, find_broken, find_twins};
pub use view::{Policy, Prepared, Strong, Symmetry, View, decode, decode_planes, render};
