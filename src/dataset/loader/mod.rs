//! Batches in order, decoded ahead of the network by all cores.
//!
//! A thread makes a batch, image by image on all cores, and waits for the last of them. Where the images of
//! one are few for the cores, several threads make one each, and the cores take images of the next while
//! the last of this one are drawn. Which batches there are and what is in them does not depend on either
//! number.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail};
use image::RgbImage;
use kaggle_kit_pixels::Pixels;

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

/// How many finished batches wait at most where one thread makes them; of several each has one.
const AHEAD: usize = 2;
/// Batches are made side by side until so many of their images come to a core: the cores wait for the last
/// image of one for half the time of an image.
const IMAGES_A_CORE: usize = 16;
/// And no more than these, which may take so many bytes in all.
const SIDE_BY_SIDE: usize = 4;
const BYTES_AHEAD: usize = 512 << 20;

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
    /// How many batches are made at once by so many cores.
    fn side_by_side(&self, cores: usize) -> usize {
        let own = self.share.of(self.batch_size).len() + usize::from(self.and_next);
        let bytes = own * self.views.len() * self.size * self.size * 3;
        // Of each one is made, and one waits.
        let fit = BYTES_AHEAD / (2 * bytes).max(1);
        let n_batches = self.order.len().div_ceil(self.batch_size.max(1));
        let busy = (IMAGES_A_CORE * cores).div_ceil(own.max(1));
        busy.min(SIDE_BY_SIDE).min(fit).min(n_batches).max(1)
    }

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

/// Batches of a source. Threads work ahead and stop when the iterator is dropped. After an error,
/// which names the image, there are no more batches.
pub fn batches(source: impl Into<SampleSource>, plan: BatchPlan) -> Batches {
    batches_with(source, plan, |_, _| ())
}

/// The same, with something done to each batch where it is made; it is told the batch's number, from 0.
pub fn batches_with(
    source: impl Into<SampleSource>,
    plan: BatchPlan,
    last: impl Fn(usize, &mut Batch) + Send + Sync + 'static,
) -> Batches {
    let threads = plan.side_by_side(rayon::current_num_threads());
    start(source.into(), plan, threads, Box::new(last))
}

/// What is done to a batch last.
type Last = Box<dyn Fn(usize, &mut Batch) + Send + Sync>;

fn start(source: SampleSource, plan: BatchPlan, threads: usize, last: Last) -> Batches {
    let stop = Arc::new(AtomicBool::new(false));
    let loader = Arc::new(Loader { source, plan, last, threads, stop: Arc::clone(&stop) });
    let mut batches =
        Batches { receivers: Vec::new(), next: 0, workers: Vec::new(), stop, failed: None };
    for number in 0..threads {
        let (sender, receiver) = sync_channel(if threads == 1 { AHEAD } else { 1 });
        let loader = Arc::clone(&loader);
        let worker = Builder::new().name("loader".to_owned());
        match worker.spawn(move || loader.run(number, &sender)) {
            Ok(worker) => batches.workers.push(worker),
            Err(error) => {
                batches.failed = Some(error);
                break;
            }
        }
        batches.receivers.push(receiver);
    }
    batches
}

/// The iterator that [`batches`] returns.
#[must_use = "threads are at work on them"]
pub struct Batches {
    /// One for each thread; batches come from them in turn.
    receivers: Vec<Receiver<Result<Batch>>>,
    next: usize,
    workers: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// Why there is a thread too few.
    failed: Option<std::io::Error>,
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.end();
            return Some(Err(error).context("failed to start the loader's threads"));
        }
        if let Ok(batch) = self.receivers.get(self.next)?.recv() {
            self.next = (self.next + 1) % self.receivers.len();
            if batch.is_err() {
                self.end();
            }
            return Some(batch);
        }
        if let Some(panic) = self.end() {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

impl Batches {
    /// Lets all threads end; gives the panic of one, if there was any.
    fn end(&mut self) -> Option<Box<dyn std::any::Any + Send>> {
        self.stop.store(true, Ordering::Relaxed);
        // Without a receiver a thread's next send fails.
        self.receivers.clear();
        let ended = self.workers.drain(..).map(JoinHandle::join);
        // All are waited for.
        ended.fold(None, |first, ended| first.or(ended.err()))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // A panic there concerns nobody any more.
        let _ = self.end();
    }
}

thread_local! {
    static BUFFERS: RefCell<DecodeBuffers> = RefCell::default();
}

/// What the threads need.
struct Loader {
    source: SampleSource,
    plan: BatchPlan,
    last: Last,
    /// How many make batches.
    threads: usize,
    stop: Arc<AtomicBool>,
}

impl Loader {
    /// Makes each batch that is this thread's, in turn.
    fn run(&self, thread: usize, sender: &SyncSender<Result<Batch>>) {
        let pool = BufferPool::new();
        let all = self.plan.order.chunks(self.plan.batch_size.max(1)).enumerate();
        for (number, indices) in all.skip(thread).step_by(self.threads) {
            let batch = self.load(&self.plan.own(indices), &pool).map(|batch| {
                let mut batch = Batch { indices: indices.to_vec(), ..batch };
                (self.last)(number, &mut batch);
                batch
            });
            let failed = batch.is_err();
            if self.stop.load(Ordering::Relaxed) || sender.send(batch).is_err() || failed {
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
        // An image at a time and in order, whichever batch it is of: a core that waits for the others
        // of its batch would take a whole other one meanwhile.
        let mut drawn: Vec<Result<()>> = indices.iter().map(|_| Ok(())).collect();
        let failed = AtomicBool::new(false);
        rayon::in_place_scope(|scope| {
            for ((places, &index), drawn) in places.into_iter().zip(indices).zip(&mut drawn) {
                let failed = &failed;
                scope.spawn(move |_| {
                    *drawn = if self.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed)
                    {
                        Ok(())
                    } else {
                        self.load_image(index, places)
                    };
                    failed.fetch_or(drawn.is_err(), Ordering::Relaxed);
                });
            }
        });
        drawn.into_iter().collect::<Result<()>>()?;
        if self.stop.load(Ordering::Relaxed) {
            bail!("stopped");
        }
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
