//! What a frozen backbone makes of images.
//!
//! ```text
//! <key>/
//!   activations.safetensors   `activations` [views, images, width] and a checksum a block; appears
//!                             whole or not at all, and never changes
//!   activations.part          as far as a writer came, who was killed or is at work: the next one
//!   activations.part.crc32c   goes on there
//! ```

mod format;
mod key;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;

use anyhow::Result;

use self::rows::WholeFile;
use super::lock::Lock;
use super::shelf::{self, Claim, Shelf};
use crate::fs;
use crate::progress::Progress;

pub(super) use self::format::FORMAT;
pub use self::format::{AboutActivations, Dtype, Shape};
pub use self::key::{ActivationsKey, ActivationsSource};
pub use self::rows::ActivationRows;
pub use self::writer::Writer;
pub(super) use self::writer::{DATA, PART, SUMS};

/// What [`Store::claim`](super::Store::claim) found.
#[expect(clippy::large_enum_variant, reason = "there is one, taken apart at once")]
pub enum Slot {
    /// The rows are there.
    Ready(ActivationRows),
    /// They are to be computed.
    Empty(Writer),
}

/// The rows of `key`, if they are there; an error says what is wrong with them.
pub(super) fn open(shelf: &Shelf, key: &ActivationsKey) -> Result<Option<ActivationRows>> {
    shelf.read(key.name(), DATA, |path, lock| read(path, lock, key))
}

/// The rows of `key`, or the only writer of them.
pub(super) fn claim(shelf: &Shelf, key: &ActivationsKey, progress: &dyn Progress) -> Slot {
    shelf
        .read_or_make(
            key.name(),
            DATA,
            |path, lock| read(path, lock, key).map(Slot::Ready),
            |claim| fill(shelf, key, claim, progress),
            || progress.note("another run computes these activations: waiting for it"),
        )
        .unwrap_or_else(|error| Slot::Empty(Writer::in_memory(key.shape(), format!("{error:#}"))))
}

fn read(path: &Path, lock: Option<Lock>, key: &ActivationsKey) -> Result<ActivationRows> {
    Ok(ActivationRows::of_file(WholeFile::open(path, key)?, lock))
}

/// The slot of `key`, alone.
fn fill(
    shelf: &Shelf,
    key: &ActivationsKey,
    claim: Claim,
    progress: &dyn Progress,
) -> Result<Slot> {
    let data = claim.file(DATA);
    if data.is_file() {
        match WholeFile::open(&data, key) {
            Ok(whole) => {
                claim.stamp();
                return Ok(Slot::Ready(ActivationRows::of_file(whole, Some(claim.share()?))));
            }
            Err(error) => {
                progress.note(&format!(
                    "`{}` is damaged ({error:#}): the activations are computed again",
                    data.display()
                ));
                fs::remove_file(&data)?;
            }
        }
    }
    let there = shelf::size(&claim.file(PART));
    if let Err(error) = shelf.make_room(key.name(), key.shape().bytes() as u64, there) {
        if there == 0 {
            // An empty folder is not worth a line in the list.
            let _ = claim.clear();
        }
        return Err(error);
    }
    claim.stamp();
    Ok(Slot::Empty(Writer::open(claim, key)?))
}

/// What the file at `path` says that it holds.
pub(super) fn describe(path: &Path) -> Result<(AboutActivations, Shape)> {
    let format::Head { about, shape, .. } = format::read_head(&mut fs::open(path)?)?;
    Ok((about, shape))
}
