//! Memory for batches, which goes back to where the next one is made. Fresh memory of that size is
//! cleared, and costs a page fault for every 4 kB.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Bytes that may have a home to go to when they are dropped.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Option<Sender<Vec<u8>>>,
}

impl Buffer {
    /// Leaves the first of them.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// The bytes, for good.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.home = None;
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // Nobody is at home once the last batch is made.
            let _ = home.send(std::mem::take(&mut self.bytes));
        }
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, home: None }
    }
}

/// A copy has no home.
impl Clone for Buffer {
    fn clone(&self) -> Self {
        self.bytes.clone().into()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.bytes.fmt(f)
    }
}

/// The home of buffers.
pub(super) struct BufferPool {
    home: Sender<Vec<u8>>,
    back: Receiver<Vec<u8>>,
}

impl BufferPool {
    pub(super) fn new() -> Self {
        let (home, back) = channel();
        Self { home, back }
    }

    /// A buffer of so many bytes, whatever is in them.
    pub(super) fn take(&self, length: usize) -> Buffer {
        let mut bytes = self.back.try_recv().unwrap_or_default();
        kaggle_kit_pixels::set_length(&mut bytes, length);
        Buffer { bytes, home: Some(self.home.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_unless_it_was_taken_for_good() {
        let pool = BufferPool::new();
        let mut first = pool.take(1000);
        first[999] = 7;
        let (place, copy) = (first.as_ptr(), first.clone());
        drop(first);
        let second = pool.take(500);
        assert_eq!((second.as_ptr(), second.len()), (place, 500));
        assert_eq!(pool.take(3), vec![0; 3].into(), "there is no more");
        assert_eq!(second.into_vec().len(), 500);
        assert_eq!((copy[999], copy.len()), (7, 1000));
        let last = pool.take(8);
        drop((pool, copy));
        assert_eq!(last.len(), 8, "it outlives its home");
    }
}
