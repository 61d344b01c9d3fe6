//! What runs keep for one another: what a frozen backbone makes of images, and the images themselves,
//! decoded and resized.
//!
//! Both lie under a key that follows from all they are computed from, so a cache that is not what a
//! run needs cannot be found by it. A cache is a folder named after its key:
//!
//! ```text
//! ~/.cache/kaggle-kit/kept/<key>/
//!   in-use        empty; locked while somebody reads (shared) or writes (alone), and its time is
//!                 that of the last use
//!   ...           the files of `activations`, or those of `pictures`
//! ```
//!
//! [`Store`] is the door; `shelf` looks after the folders, whatever is in them. No trouble with the
//! disk stops a run: rows that cannot be kept are held in memory, and say why.

mod activations;
mod header;
mod lock;
mod pictures;
mod policy;
mod shelf;
mod store;

pub use activations::{
    AboutActivations, ActivationRows, ActivationsKey, ActivationsSource, Dtype, Shape, Slot, Writer,
};
pub use pictures::{AboutPictures, PictureFile, PictureSource, PicturesKey};
pub use policy::{CacheDecision, CachePolicy, SkipReason};
pub use shelf::Removal;
pub use store::{CacheEntry, CacheState, Holds, Store};
