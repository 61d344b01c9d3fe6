//! Code of others that reads what is in a file, and may panic over it: that is the file's fault, or the
//! other's, and no bug of ours.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A decoder panicked. Nobody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the decoder gave up: the file is damaged, or of a kind that it does not know")]
pub struct GaveUp;

/// Does what is another's work on this thread. What it wrote to may be half written where it panics.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, GaveUp> {
    let before = IS_GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    done.map_err(|_| GaveUp)
}

/// Whether a panic on this thread will be caught where it is known what to make of it.
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_ends_nothing() {
        assert_eq!(guarded(|| 7), Ok(7));
        let within = || guarded(|| guarded(|| [1, 2][std::hint::black_box(2)]));
        assert_eq!(within(), Ok(Err(GaveUp)));
        assert!(guarded(is_guarded).unwrap() && !is_guarded());
    }
}
