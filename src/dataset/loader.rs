//! Batches in order, decoded ahead of the network by all cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::decode::decode;
use super::open::Sample;
use super::view::{View, render};
use crate::recipe::Augment;

/// How many finished batches wait at most.
const AHEAD: usize = 2;

/// Pixels of some images, `[n, size, size, 3]`, RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// The bytes, row-major.
    pub pixels: Vec<u8>,
    /// How many images.
    pub n: usize,
    /// Side of the square, in pixels.
    pub size: usize,
}

/// Some images, and which they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The pixels.
    pub images: Images,
    /// Each image's index among the samples.
    pub indices: Vec<usize>,
}

/// Batches of `samples` in the order `order` (indices of samples; the last batch may be smaller),
/// each image in the view `view` on `[size, size]` pixels.
///
/// A thread works ahead and stops when the iterator is dropped. After an error, which names the
/// image, there are no more batches.
pub fn batches(
    samples: Arc<[Sample]>,
    order: Vec<usize>,
    batch_size: usize,
    size: usize,
    augment: Augment,
    view: View,
) -> Batches {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = sync_channel(AHEAD);
    let loader = Loader { samples, size, augment, view, stop: Arc::clone(&stop) };
    let worker = Builder::new()
        .name("loader".to_owned())
        .spawn(move || loader.run(&order, batch_size.max(1), &sender));
    match worker {
        Ok(worker) => {
            Batches { receiver: Some(receiver), worker: Some(worker), stop, failed: None }
        }
        Err(error) => Batches { receiver: None, worker: None, stop, failed: Some(error) },
    }
}

/// The iterator that [`batches`] returns.
pub struct Batches {
    receiver: Option<Receiver<Result<Batch>>>,
    worker: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// Why there is no thread.
    failed: Option<std::io::Error>,
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error).context("failed to start the loader's thread"));
        }
        if let Ok(batch) = self.receiver.as_ref()?.recv() {
            if batch.is_err() {
                self.receiver = None;
            }
            return Some(batch);
        }
        self.receiver = None;
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Without a receiver the thread's next send fails.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            // A panic there concerns nobody any more.
            let _ = worker.join();
        }
    }
}

/// What the thread needs.
struct Loader {
    samples: Arc<[Sample]>,
    size: usize,
    augment: Augment,
    view: View,
    stop: Arc<AtomicBool>,
}

impl Loader {
    fn run(&self, order: &[usize], batch_size: usize, sender: &SyncSender<Result<Batch>>) {
        for indices in order.chunks(batch_size) {
            let batch = self.load(indices);
            let last = batch.is_err();
            if self.stop.load(Ordering::Relaxed) || sender.send(batch).is_err() || last {
                return;
            }
        }
    }

    fn load(&self, indices: &[usize]) -> Result<Batch> {
        let bytes = self.size * self.size * 3;
        let mut pixels = vec![0; indices.len() * bytes];
        pixels.par_chunks_exact_mut(bytes).zip(indices).try_for_each(|(out, &index)| {
            if self.stop.load(Ordering::Relaxed) {
                bail!("stopped");
            }
            let sample = &self.samples[index];
            let image = decode(&sample.path)?;
            render(&image, self.size, self.augment, self.view, index, out)
                .with_context(|| format!("failed to resize `{}`", sample.path.display()))
        })?;
        let images = Images { pixels, n: indices.len(), size: self.size };
        Ok(Batch { images, indices: indices.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::fs;

    const WHOLE: View = View::Centre { share: 1.0 };

    /// `n` gray pictures whose value is their number.
    fn pictures(folder: &std::path::Path, n: usize) -> Arc<[Sample]> {
        (0..n)
            .map(|i| {
                let path = folder.join(format!("{i}.png"));
                RgbImage::from_pixel(9, 8, Rgb([i as u8; 3])).save(&path).unwrap();
                Sample { id: i.to_string(), path, target: Vec::new() }
            })
            .collect()
    }

    fn load(samples: &Arc<[Sample]>, order: Vec<usize>, view: View) -> Batches {
        batches(Arc::clone(samples), order, 4, 8, Augment::SideOn, view)
    }

    #[test]
    fn batches_come_in_order_and_the_last_is_smaller() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 10);
        let order: Vec<usize> = (0..10).rev().collect();
        let all: Vec<Batch> = load(&samples, order.clone(), WHOLE).collect::<Result<_>>().unwrap();
        let sizes: Vec<usize> = all.iter().map(|batch| batch.images.n).collect();
        assert_eq!(sizes, [4, 4, 2]);
        let indices: Vec<usize> = all.iter().flat_map(|batch| batch.indices.clone()).collect();
        assert_eq!(indices, order);
        for batch in &all {
            let pictures = batch.images.pixels.chunks(8 * 8 * 3);
            for (pixels, &index) in pictures.zip(&batch.indices) {
                assert!(pixels.iter().all(|&value| usize::from(value) == index));
            }
        }
    }

    #[test]
    fn a_random_view_does_not_depend_on_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 6);
        let view = View::Random { seed: 1, epoch: 2, area: None };
        let one = load(&samples, vec![5], view).next().unwrap().unwrap();
        let last = load(&samples, (0..6).collect(), view).last().unwrap().unwrap();
        assert_eq!(one.images.pixels, last.images.pixels[8 * 8 * 3..]);
    }

    #[test]
    fn an_error_names_the_image_and_ends_the_batches() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 10);
        fs::write_atomic(&samples[5].path, "<html>").unwrap();
        let mut batches = load(&samples, (0..10).collect(), WHOLE);
        assert!(batches.next().unwrap().is_ok());
        let error = format!("{:#}", batches.next().unwrap().unwrap_err());
        assert!(error.contains("5.png` is not an image but an HTML page"), "{error}");
        assert!(batches.next().is_none());
    }

    #[test]
    fn dropping_the_batches_stops_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 4);
        // An hour of work, of which nobody wants more than the first batch.
        let order = [0, 1, 2, 3].repeat(5_000_000);
        let start = Instant::now();
        let mut batches = load(&samples, order, WHOLE);
        batches.next().unwrap().unwrap();
        drop(batches);
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(Arc::strong_count(&samples), 1, "the thread is gone");
    }
}
