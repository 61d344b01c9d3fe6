//! Files as memory.

use memmap2::Mmap;

use crate::fs;

/// Maps all of a file of a cache.
#[expect(
    unsafe_code,
    reason = "a file that another program shortens while it is mapped kills this one, and one that \
              is changed changes under a shared reference. Nothing in this program does either: \
              activations get their name once they are whole and are never opened for writing again, \
              a picture is looked at once it is written and is then only ever written as it is, and \
              files are removed (which leaves the map as it is) under a lock that readers hold"
)]
pub(super) fn map(file: &fs::File) -> std::io::Result<Mmap> {
    // SAFETY: as above, as far as it can be had for any mapped file.
    unsafe { Mmap::map(file) }
}
