//! Memory for decoding, shared by all threads: how much a picture takes is known from its sides before
//! any of it is decoded, and who comes while too much is taken waits.
//!
//! Ordinary photographs never wait: there is room for one of forty million pixels a thread.

use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};

use crate::fs;
use crate::term;

/// A thread's share, in bytes.
const SHARE: u64 = 128 << 20;
/// All of it at least.
const LEAST: u64 = 512 << 20;
/// A picture that takes more is compared with what is free on the machine.
const CHECKED: u64 = 64 << 20;

/// All of this process.
static ROOM: LazyLock<Room> =
    LazyLock::new(|| Room::new((SHARE * rayon::current_num_threads() as u64).max(LEAST)));

/// Waits until there are so many bytes, and takes them. A picture that takes more than there is for all
/// threads is decoded alone; one that takes more than the machine has free is an error.
pub fn take(bytes: u64) -> Result<Taken<'static>> {
    let taken = ROOM.take(bytes);
    if bytes > CHECKED
        && let Some(free) = fs::free_memory()
        && bytes > free
    {
        bail!(
            "it takes {} of memory to decode, and {} are free\nhint: shrink the picture, or end \
             other programs",
            term::bytes(bytes),
            term::bytes(free)
        );
    }
    Ok(taken)
}

#[derive(Debug)]
struct Room {
    all: u64,
    taken: Mutex<u64>,
    given_back: Condvar,
}

impl Room {
    fn new(all: u64) -> Self {
        Self { all, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    fn take(&self, bytes: u64) -> Taken<'_> {
        let full = |taken: &mut u64| *taken > 0 && taken.saturating_add(bytes) > self.all;
        let waited = self.given_back.wait_while(self.lock(), full);
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
        Taken { room: self, bytes }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are given back when this is dropped.
#[derive(Debug)]
pub struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Taken<'_> {
    /// Gives back all but so many.
    pub fn keep(&mut self, bytes: u64) {
        let back = self.bytes.saturating_sub(bytes);
        self.bytes -= back;
        *self.room.lock() -= back;
        self.room.given_back.notify_all();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.keep(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn what_is_taken_together_stays_within_the_room() {
        let room = Room::new(100);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for i in 0..8 {
                let (room, now, most) = (&room, &now, &most);
                scope.spawn(move || {
                    for j in 0..200 {
                        let bytes = 10 + (i * 7 + j) % 50;
                        let taken = room.take(bytes);
                        let together = now.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(together, Ordering::SeqCst);
                        now.fetch_sub(bytes, Ordering::SeqCst);
                        drop(taken);
                    }
                });
            }
        });
        let most = most.into_inner();
        assert!((59..=100).contains(&most), "{most}");
        assert_eq!(*room.lock(), 0);
    }

    #[test]
    fn more_than_the_room_is_taken_alone() {
        let room = Room::new(100);
        let mut large = room.take(1000);
        large.keep(60);
        let small = room.take(40);
        assert_eq!(*room.lock(), 100);
        drop((large, small));
        assert_eq!(*room.lock(), 0);
    }

    #[test]
    fn more_than_the_machine_has_is_an_error() {
        if fs::free_memory().is_none() {
            return;
        }
        let error = take(1 << 60).unwrap_err().to_string();
        assert!(error.starts_with("it takes 1"), "{error}");
        assert!(take(1000).is_ok());
    }
}
