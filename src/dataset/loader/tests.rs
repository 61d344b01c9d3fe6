//! Which pictures batches hold, in which order, and when the work on them ends.

use std::time::{Duration, Instant};

use image::Rgb;

use super::*;
use crate::cache::Store;
use crate::dataset::{PictureCachePlan, Policy, Strong, find_twins};
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
    let (share, and_next) = (Share::WHOLE, false);
    BatchPlan { order, batch_size: 4, size: 8, augment: Augment::SideOn, views, share, and_next }
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
fn a_share_of_each_batch_is_read_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 10);
    let values = |rank, and_next| -> Vec<Vec<u8>> {
        let plan = BatchPlan {
            share: Share::new(rank, 2),
            and_next,
            ..plan((0..10).collect(), vec![WHOLE])
        };
        // Of the other share there is no file to be read.
        let has = |i: usize| plan.order.chunks(4).any(|batch| plan.own(batch).contains(&i));
        let gone = |(i, sample): (usize, &Sample)| {
            if has(i) { sample.clone() } else { Sample { path: "gone".into(), ..sample.clone() } }
        };
        let samples: Arc<[Sample]> = samples.iter().enumerate().map(gone).collect();
        let all: Vec<Batch> = batches(samples, plan).collect::<Result<_>>().unwrap();
        assert_eq!(all.concat_indices(), (0..10).collect::<Vec<_>>());
        let first = |images: &Images| images.pixels.chunks(8 * 8 * 3).map(|p| p[0]).collect();
        all.iter().map(|batch| first(&batch.images)).collect()
    };
    assert_eq!(values(0, false), [vec![0, 1], vec![4, 5], vec![8]]);
    assert_eq!(values(1, false), [vec![2, 3], vec![6, 7], vec![9]]);
    assert_eq!(values(0, true), [vec![0, 1, 2], vec![4, 5, 6], vec![8, 9]]);
    assert_eq!(values(1, true), [vec![2, 3, 0], vec![6, 7, 4], vec![9, 8]]);
}

trait Indices {
    fn concat_indices(&self) -> Vec<usize>;
}

impl Indices for Vec<Batch> {
    fn concat_indices(&self) -> Vec<usize> {
        self.iter().flat_map(|batch| batch.indices.clone()).collect()
    }
}

#[test]
fn views_at_once_are_those_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 6);
    RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, 77]))
        .save(&samples[4].path)
        .unwrap();
    let views = [
        WHOLE,
        View::Centre { share: 0.5 },
        View::Random { seed: 1, epoch: 2, area: None, strong: Strong::OFF },
    ];
    let order: Vec<usize> = (0..6).collect();
    let at_once = batches(Arc::clone(&samples), plan(order.clone(), views.to_vec()));
    let at_once: Vec<Batch> = at_once.collect::<Result<_>>().unwrap();
    for (i, view) in views.into_iter().enumerate() {
        for (all, one) in at_once.iter().zip(load(&samples, order.clone(), view)) {
            let views: Vec<&Images> = std::iter::once(&all.images).chain(&all.more_views).collect();
            assert_eq!(*views[i], one.unwrap().images);
        }
    }
    assert_ne!(at_once[1].images, at_once[1].more_views[0], "views differ");
}

#[test]
fn a_random_view_does_not_depend_on_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 6);
    let view = View::Random { seed: 1, epoch: 2, area: None, strong: Strong::OFF };
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
    let parts =
        |epoch| View::Random { seed: 1, epoch, area: Some([0.5, 1.0]), strong: Strong::OFF };
    let random = |epoch| View::Random { seed: 1, epoch, area: None, strong: Strong::OFF };
    let strong = |epoch| {
        let strong = Strong { policy: Policy::Rand { magnitude: 20 }, erasing: 0.5 };
        View::Random { seed: 1, epoch, area: None, strong }
    };
    for (first, second) in
        [(random(0), random(1)), (parts(0), parts(1)), (strong(0), strong(1)), (WHOLE, WHOLE)]
    {
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

/// Each thread has batches of its own, and waits a while with some of them.
fn on_threads(samples: &Arc<[Sample]>, plan: BatchPlan, threads: usize) -> Batches {
    let last = |number: usize, batch: &mut Batch| {
        std::thread::sleep(Duration::from_millis([7, 0, 3][number % 3]));
        batch.images.pixels[0] = number as u8;
    };
    start(Arc::clone(samples).into(), plan, threads, Box::new(last))
}

#[test]
fn any_number_of_threads_makes_the_same_batches_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 30);
    for sample in samples.iter().step_by(2) {
        let noisy = |x: u32, y: u32| Rgb([(x * 31 + y * 17) as u8, (x * y) as u8, 7]);
        RgbImage::from_fn(31, 24, noisy).save(&sample.path).unwrap();
    }
    let random = View::Random { seed: 1, epoch: 2, area: None, strong: Strong::OFF };
    let share = Share::new(1, 2);
    let plan = BatchPlan { share, and_next: true, ..plan((0..30).collect(), vec![random, WHOLE]) };
    let all = |threads| -> Vec<Batch> {
        on_threads(&samples, plan.clone(), threads).collect::<Result<_>>().unwrap()
    };
    let alone = all(1);
    assert_eq!((alone.len(), alone[7].indices.len()), (8, 2));
    assert!((0..8).all(|i| alone[i].images.pixels[0] == i as u8), "each is told its number");
    for threads in [2, 3, 5, 11] {
        assert!(all(threads) == alone, "{threads}");
    }
}

#[test]
fn an_error_comes_in_its_turn_whoever_makes_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 30);
    fs::write_atomic(&samples[13].path, "<html>").unwrap();
    for threads in [1, 2, 5] {
        let mut batches = on_threads(&samples, plan((0..30).collect(), vec![WHOLE]), threads);
        for _ in 0..3 {
            assert!(batches.next().unwrap().is_ok());
        }
        let error = format!("{:#}", batches.next().unwrap().unwrap_err());
        assert!(error.contains("13.png` is not an image"), "{error}");
        assert!(batches.next().is_none());
        assert_eq!(Arc::strong_count(&samples), 1, "all threads are gone");
    }
}

#[test]
fn a_panic_where_a_batch_is_made_is_the_panic_of_who_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 30);
    let last = |number: usize, _: &mut Batch| assert!(number != 2, "batch number {number}");
    let plan = plan((0..30).collect(), vec![WHOLE]);
    let mut batches = start(Arc::clone(&samples).into(), plan, 3, Box::new(last));
    assert!(batches.next().is_some() && batches.next().is_some());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.next()));
    let panic = panic.unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "batch number 2");
}

#[test]
fn many_cores_make_several_batches_as_far_as_memory_goes() {
    let wide = BatchPlan { batch_size: 32, size: 224, ..plan((0..1000).collect(), vec![WHOLE]) };
    assert_eq!([1, 2, 4, 16, 64].map(|cores| wide.side_by_side(cores)), [1, 1, 2, 4, 4]);
    let few = BatchPlan { order: (0..40).collect(), ..wide.clone() };
    assert_eq!(few.side_by_side(64), 2, "there are no more");
    let large = BatchPlan { batch_size: 64, size: 768, ..wide.clone() };
    assert_eq!(large.side_by_side(64), 2, "each takes 113 MB");
    let larger = BatchPlan { views: vec![WHOLE; 4], ..large };
    assert_eq!(larger.side_by_side(64), 1);
    let shared = BatchPlan { share: Share::new(0, 4), ..wide };
    assert_eq!(shared.side_by_side(2), 4, "eight images of each are read here");
}

#[test]
fn dropping_the_batches_stops_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(folder.path(), 4);
    // An hour of work, of which nobody wants more than the first batch.
    let order = [0, 1, 2, 3].repeat(5_000_000);
    let begun = Instant::now();
    for threads in [1, 3] {
        let mut batches = on_threads(&samples, plan(order.clone(), vec![WHOLE]), threads);
        batches.next().unwrap().unwrap();
        drop(batches);
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(Arc::strong_count(&samples), 1, "the threads are gone");
    }
}
