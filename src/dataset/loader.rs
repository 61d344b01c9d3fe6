//! Batches in order, decoded ahead of the network by all cores.

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

/// Some images, and which they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The pixels, in the first view.
    pub images: Images,
    /// The same images in each of the other views.
    pub more_views: Vec<Images>,
    /// Each image's index among the samples.
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
            let batch = self.load(indices, &pool);
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
        Ok(Batch { images, more_views: views.collect(), indices: indices.to_vec() })
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
mod tests {
    use std::time::{Duration, Instant};

    use image::Rgb;

    use super::*;
    use crate::cache::Store;
    use crate::dataset::{PictureCachePlan, find_twins};
    use crate::fs;

    const WHOLE: View = View::Centre { share: 1.0 };

    /// `n` gray pictures whose value is their number.
    fn pictures(folder: &std::path::Path, n: usize) -> Arc<[Sample]> {
        (0..n)
            .map(|i| {
                let path = folder.join(format!("{i}.png"));
                RgbImage::from_pixel(9, 8, Rgb([i as u8; 3])).save(&path).unwrap();
                Sample::new(i.to_string(), path, Vec::new())
            })
            .collect()
    }

    fn load(samples: &Arc<[Sample]>, order: Vec<usize>, view: View) -> Batches {
        batches(Arc::clone(samples), plan(order, vec![view]))
    }

    fn plan(order: Vec<usize>, views: Vec<View>) -> BatchPlan {
        BatchPlan { order, batch_size: 4, size: 8, augment: Augment::SideOn, views }
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
    fn views_at_once_are_those_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 6);
        RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, 77]))
            .save(&samples[4].path)
            .unwrap();
        let views =
            [WHOLE, View::Centre { share: 0.5 }, View::Random { seed: 1, epoch: 2, area: None }];
        let order: Vec<usize> = (0..6).collect();
        let at_once = batches(Arc::clone(&samples), plan(order.clone(), views.to_vec()));
        let at_once: Vec<Batch> = at_once.collect::<Result<_>>().unwrap();
        for (i, view) in views.into_iter().enumerate() {
            for (all, one) in at_once.iter().zip(load(&samples, order.clone(), view)) {
                let views: Vec<&Images> =
                    std::iter::once(&all.images).chain(&all.more_views).collect();
                assert_eq!(*views[i], one.unwrap().images);
            }
        }
        assert_ne!(at_once[1].images, at_once[1].more_views[0], "views differ");
    }

    #[test]
    fn a_random_view_does_not_depend_on_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 6);
        let view = View::Random { seed: 1, epoch: 2, area: None };
        let one = load(&samples, vec![5], view).next().unwrap().unwrap();
        let last = load(&samples, (0..6).collect(), view).last().unwrap().unwrap();
        assert_eq!(one.images.pixels[..], last.images.pixels[8 * 8 * 3..]);
    }

    #[test]
    fn kept_pictures_show_the_same_without_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let samples = pictures(folder.path(), 6);
        for (i, sample) in samples.iter().enumerate() {
            let noisy = |x: u32, y: u32| Rgb([(x * 31 + y * 17) as u8, (x * y) as u8, i as u8]);
            RgbImage::from_fn(30 + i as u32, 24, noisy).save(&sample.path).unwrap();
        }
        let looks = find_twins(&samples, &[], folder.path(), &[], &()).unwrap().pictures;
        let store = Store::new(folder.path().join("kept"), None);
        let order: Vec<usize> = (0..6).rev().collect();
        let parts = |epoch| View::Random { seed: 1, epoch, area: Some([0.5, 1.0]) };
        let random = |epoch| View::Random { seed: 1, epoch, area: None };
        for (first, second) in [(random(0), random(1)), (parts(0), parts(1)), (WHOLE, WHOLE)] {
            let all = |source: SampleSource, view| -> Vec<Batch> {
                let batches = batches(source, plan(order.clone(), vec![view]));
                batches.collect::<Result<_>>().unwrap()
            };
            let plain = || SampleSource::from(Arc::clone(&samples));
            let prepared = Prepared::of(first, 8, Augment::SideOn);
            let kept = PictureCachePlan::new("", &looks, prepared).open(&store).unwrap();
            let keeping = || SampleSource { kept: Some(kept.clone()), ..plain() };
            assert_eq!(all(keeping(), first), all(plain(), first));
            assert_eq!(kept.count(), 6);
            let expected = all(plain(), second);
            let gone = |sample: &Sample| Sample { path: "gone".into(), ..sample.clone() };
            let without = SampleSource { samples: samples.iter().map(gone).collect(), ..keeping() };
            assert_eq!(all(without.clone(), second), expected);
            // What is prepared for one view does not serve for another.
            let other = View::Centre { share: 0.5 };
            let only = plan(vec![0], vec![other]);
            assert!(batches(without, only).next().unwrap().is_err());
            assert_eq!(all(keeping(), other), all(plain(), other));
        }
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
