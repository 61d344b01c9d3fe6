//! A file that one process has for itself. The system lets go of it when that process ends, however it
//! ends, and this module when the right to it is dropped.

use std::fs::TryLockError;
use std::ops::{Deref, DerefMut};

use super::File;

/// A file and the right to it, until this is dropped.
///
/// To close the file would not do: a lock belongs to the file as it was opened, and a child that another
/// thread is starting has that open too until it becomes its program. So it is let go of by name.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Takes a file; `None` while another has it. A file system without locks has to do without.
    pub fn alone(file: File) -> Option<Self> {
        match file.file().try_lock() {
            Err(TryLockError::WouldBlock) => None,
            Ok(()) | Err(TryLockError::Error(_)) => Some(Self(file)),
        }
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Where that fails it is closed all the same, a moment later.
        let _ = self.0.file().unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_and_not_with_a_child_that_has_the_file_open() {
        let place = tempfile::tempdir().unwrap();
        let lock = || Locked::alone(File::open(place.path()).unwrap());
        let held = lock().unwrap();
        assert!(lock().is_none());
        // What a child has of it between its birth and its program.
        let of_a_child = held.file().try_clone().unwrap();
        drop(held);
        let next = lock();
        assert!(next.is_some());
        drop(of_a_child);
        assert!(lock().is_none());
    }
}
