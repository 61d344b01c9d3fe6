//! Batches in order, decoded ahead of the network by all cores.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail};
use image::RgbImage;
use kaggle_kit_pixels::Pixels;
use rayon::prelude::*;

use super::buffer::{Buffer, BufferPool};
use super::digest;
use super::picture_cache::PictureCache;
use super::sample::Sample;
use super::view::{
    DecodeBuffers, Prepared, Shot, View, decode_planes, finish, render, render_and_keep,
};
use crate::hash::PIECE;
use crate::place::Share;
use crate::recipe::Augment;

/// How many finished batches wait at most.
const AHEAD: usize = 2;

/// Pixels of some images, `[n, size, size, 3]`, RGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pub pixels: Buffer,
    pub n: usize,
    /// Side of the square, in pixels.
    pub size: usize,
}

/// Some images, and which they are; of a batch of several processes, this one's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The pixels, in the first view.
    pub images: Images,
    /// The same images in each of the other views.
    pub more_views: Vec<Images>,
    /// The index among the samples of each image of the whole batch, of which another process may have
    /// a part.
    pub indices: Vec<usize>,
}

/// Where pictures come from.
#[derive(Clone, Debug)]
pub struct SampleSource {
    pub samples: Arc<[Sample]>,
    /// Where they are once they are prepared, if they are kept.
    pub kept: Option<PictureCache>,
}

impl From<Arc<[Sample]>> for SampleSource {
    fn from(samples: Arc<[Sample]>) -> Self {
        Self { samples, kept: None }
    }
}

/// Which pictures batches hold, and how these look.
#[derive(Clone, Debug)]
pub struct BatchPlan {
    /// Indices of samples, in their order.
    pub order: Vec<usize>,
    /// Images a batch; the last may be smaller.
    pub batch_size: usize,
    /// Side of the square, in pixels.
    pub size: usize,
    pub augment: Augment,
    /// For all of which an image is decoded once. Without a view there are no batches.
    pub views: Vec<View>,
    /// Which images of each batch are read: those of this process.
    pub share: Share,
    /// Whether the image after the share is read as well, where there are others: the one that the last
    /// is mixed with.
    pub and_next: bool,
}

impl BatchPlan {
    /// Those of a batch that are read here.
    fn own<'a>(&self, batch: &'a [usize]) -> Cow<'a, [usize]> {
        let own = self.share.of(batch.len());
        let shown = Cow::Borrowed(&batch[own.clone()]);
        if !self.and_next || own.is_empty() || own.len() == batch.len() {
            return shown;
        }
        let mut with_next = shown.into_owned();
        with_next.push(batch[own.end % batch.len()]);
        Cow::Owned(with_next)
    }
}

/// Batches of a source. A thread works ahead and stops when the iterator is dropped. After an error,
/// which names the image, there are no more batches.
pub fn batches(source: impl Into<SampleSource>, plan: BatchPlan) -> Batches {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = sync_channel(AHEAD);
    let loader = Loader { source: source.into(), plan, stop: Arc::clone(&stop) };
    let worker = Builder::new().name("loader".to_owned()).spawn(move || loader.run(&sender));
    match worker {
        Ok(worker) => {
            Batches { receiver: Some(receiver), worker: Some(worker), stop, failed: None }
        }
        Err(error) => Batches { receiver: None, worker: None, stop, failed: Some(error) },
    }
}

/// The iterator that [`batches`] returns.
#[must_use = "a thread is at work on them"]
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

thread_local! {
    static BUFFERS: RefCell<DecodeBuffers> = RefCell::default();
}

/// What the thread needs.
struct Loader {
    source: SampleSource,
    plan: BatchPlan,
    stop: Arc<AtomicBool>,
}

impl Loader {
    fn run(&self, sender: &SyncSender<Result<Batch>>) {
        let pool = BufferPool::new();
        for indices in self.plan.order.chunks(self.plan.batch_size.max(1)) {
            let batch = self.load(&self.plan.own(indices), &pool);
            let batch = batch.map(|batch| Batch { indices: indices.to_vec(), ..batch });
            let last = batch.is_err();
            if self.stop.load(Ordering::Relaxed) || sender.send(batch).is_err() || last {
                return;
            }
        }
    }

    fn load(&self, indices: &[usize], pool: &BufferPool) -> Result<Batch> {
        let size = self.plan.size;
        let bytes = size * size * 3;
        let mut views: Vec<Buffer> =
            self.plan.views.iter().map(|_| pool.take(indices.len() * bytes)).collect();
        // Of each image, the places of its views.
        let mut places: Vec<Vec<&mut [u8]>> = indices.iter().map(|_| Vec::new()).collect();
        for pixels in &mut views {
            let of_images = pixels.chunks_exact_mut(bytes);
            places.iter_mut().zip(of_images).for_each(|(places, place)| places.push(place));
        }
        places.into_par_iter().zip(indices).try_for_each(|(places, &index)| {
            if self.stop.load(Ordering::Relaxed) {
                bail!("stopped");
            }
            self.load_image(index, places)
        })?;
        let mut views = views.into_iter().map(|pixels| Images { pixels, n: indices.len(), size });
        let images = views.next().context("a batch without a view")?;
        Ok(Batch { images, more_views: views.collect(), indices: Vec::new() })
    }

    /// Draws all views of an image.
    fn load_image(&self, index: usize, mut places: Vec<&mut [u8]>) -> Result<()> {
        let Self { source, plan: BatchPlan { size, augment, views, .. }, .. } = self;
        let sample = &source.samples[index];
        let path = &sample.path;
        let failed = || format!("failed to resize `{}`", path.display());
        // A single view is that of training, which comes again.
        if let (Some(kept), [view], [out]) = (&source.kept, views.as_slice(), places.as_mut_slice())
            && kept.prepared() == Prepared::of(*view, *size, *augment)
        {
            let shot = Shot { size: *size, augment: *augment, view: *view, index };
            return BUFFERS.with_borrow_mut(|buffers| {
                if let Some(pixels) = kept.get(index, buffers.kept()) {
                    return finish(pixels, shot, out).with_context(failed);
                }
                if !sample.planes.is_empty() {
                    let image = decode_planes(sample)?;
                    let digest = digest::of_sample(sample, &mut vec![0; PIECE])?;
                    let keep = |pixels: Pixels| kept.put(index, digest, pixels);
                    return render_and_keep(&image, shot, out, keep).with_context(failed);
                }
                buffers.decoded(path, |file, image| {
                    let keep = |pixels: Pixels| {
                        // A file that was replaced since it was looked at has no place.
                        let digest = digest::of_bytes(path, &file.metadata, file.bytes);
                        kept.put(index, digest, pixels);
                    };
                    render_and_keep(image, shot, out, keep).with_context(failed)
                })
            });
        }
        let draw = |image: &RgbImage| {
            views.iter().zip(places).try_for_each(|(&view, out)| {
                render(image, *size, *augment, view, index, out).with_context(failed)
            })
        };
        if !sample.planes.is_empty() {
            return draw(&decode_planes(sample)?);
        }
        BUFFERS.with_borrow_mut(|buffers| buffers.decoded(path, |_, image| draw(image)))
    }
}

#[cfg(test)]
mod tests;
