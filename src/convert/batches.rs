//! Work in batches: as much in memory as a batch is, whatever the file's size, and a batch on all threads.

use anyhow::Result;
use rayon::prelude::*;

/// Items on their way.
pub(super) struct Batches<T, F> {
    waiting: Vec<T>,
    size: usize,
    work: F,
}

impl<T: Send, F: Fn(T) -> Result<()> + Sync> Batches<T, F> {
    pub(super) fn new(size: usize, work: F) -> Self {
        Self { waiting: Vec::with_capacity(size), size, work }
    }

    /// Takes one more; what is waiting is done when there is a batch of it.
    pub(super) fn push(&mut self, item: T) -> Result<()> {
        self.waiting.push(item);
        if self.waiting.len() == self.size { self.finish() } else { Ok(()) }
    }

    /// Does what is waiting. Of several errors it gives the first in the order of the items.
    pub(super) fn finish(&mut self) -> Result<()> {
        let work = &self.work;
        let done: Vec<Result<()>> = self.waiting.par_drain(..).map(work).collect();
        done.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use anyhow::bail;

    use super::*;

    #[test]
    fn every_item_is_done_and_the_first_error_counts() {
        let done = Mutex::new(Vec::new());
        let mut batches = Batches::new(3, |item: usize| {
            if item >= 5 {
                bail!("{item}")
            }
            done.lock().unwrap().push(item);
            Ok(())
        });
        for item in 0..4 {
            batches.push(item).unwrap();
        }
        batches.finish().unwrap();
        batches.push(5).unwrap();
        batches.push(6).unwrap();
        assert_eq!(batches.push(4).unwrap_err().to_string(), "5");
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, [0, 1, 2, 3, 4]);
    }
}
