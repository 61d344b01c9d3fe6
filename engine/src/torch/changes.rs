//! When weights last changed, for what is computed from them once and kept: of all networks of the process
//! together, since a change too many costs little, and one that is missed would be wrong answers.

use std::sync::atomic::{AtomicU64, Ordering};

static CHANGES: AtomicU64 = AtomicU64::new(0);

/// To be called after each change: a step, a file read, other memory.
pub(super) fn changed() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// How many there were.
pub(super) fn so_far() -> u64 {
    CHANGES.load(Ordering::Relaxed)
}
