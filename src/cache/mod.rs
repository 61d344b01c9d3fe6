//! What runs keep for one another: what a frozen backbone makes of images, and the images themselves,
//! decoded and resized.
//!
//! Activations lie under a [`Key`] that follows from all they are computed from, so a cache that is
//! not what a run needs cannot be found by it. A cache is a folder named after its key:
//!
//! ```text
//! ~/.cache/kaggle-kit/kept/<key>/
//!   activations.safetensors   `activations` [views, images, width] and a checksum a block; appears
//!                             whole or not at all, and never changes
//!   in-use                    empty; locked while somebody reads (shared) or writes (alone), and
//!                             its time is that of the last use
//!   activations.part          as far as a writer came, who was killed or is at work: the next one
//!   activations.part.crc32c   goes on there
//!   pictures.safetensors      in another such folder: see `pictures.rs`
//! ```
//!
//! [`Store::claim`] is the door: it gives [`Rows`] to read, or a [`Writer`] to fill. No trouble with
//! the disk stops a run: rows that cannot be kept are held in memory, and say why.

mod format;
mod key;
mod lock;
mod pictures;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use format::{About, Dtype, Shape};
pub use key::{Key, Source};
pub use pictures::{AboutPictures, PictureSource, Pictures, PicturesKey};
pub use rows::Rows;
pub use store::{Entry, Holds, Removal, Slot, State, Store};
pub use writer::Writer;
