//! Several ranks, which are threads here: they train what one trains, stop together, and go on as any
//! number of them.

mod threads;

use std::rc::Rc;
use std::sync::Mutex;

use self::threads::{Together, together};
use super::*;
use crate::learn::group::Alone;
use crate::learn::tta;
use crate::place::Share;
use crate::progress::Progress;
use crate::run::ViewMeans;

type Outcome = ([f32; 4], Vec<Entry>, u64, Score);

/// Trains as a rank does; the first one has checkpoints in a folder, if there is one.
fn trained(mut model: Together, data: &Data, folder: Option<&Path>) -> Result<Outcome> {
    let (rank, mut listener) = (model.rank.clone(), ());
    let mut learner =
        Learner::new(&mut model, data, &mut listener).with_group(Rc::new(rank.clone()));
    let folder = folder.filter(|_| rank.share.is_first());
    learner.keep_checkpoints(folder.map(|folder| Checkpoints::new(folder, Duration::ZERO)))?;
    let score = golden_rule(&mut learner)?;
    let journal = learner.journal().clone();
    Ok(outcome(&model.mock, &journal, score))
}

fn alone(data: &Data) -> Outcome {
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, data, &mut listener);
    let score = golden_rule(&mut learner).unwrap();
    let journal = learner.journal().clone();
    outcome(&mock, &journal, score)
}

const SETTINGS: [&str; 4] =
    ["precompute.views=2", "loss.mixup=0.4", "loss.cutmix=1.0", "whole-network.max-cycles=2"];

#[test]
fn any_number_of_ranks_trains_what_one_trains() {
    let folder = tempfile::tempdir().unwrap();
    // The last batch has 4 of 8 images, of which the first of five ranks has none.
    let data = data(folder.path(), 48, 2, &SETTINGS);
    assert_eq!(data.train.len() % 8, 4);
    let one = alone(&data);
    for world in [2, 3, 5] {
        for several in together(world, |model| trained(model, &data, None).unwrap()) {
            assert_eq!(several, one, "{world} ranks");
        }
    }
}

#[test]
fn without_activations_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 32, 0, &["precompute.run=false", "sampling=\"balanced\""]);
    let one = alone(&data);
    for several in together(3, |model| trained(model, &data, None).unwrap()) {
        assert_eq!(several, one);
    }
}

#[test]
fn a_run_goes_on_with_another_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 2, &SETTINGS);
    let one = alone(&data);
    let checkpoints = folder.path().join("c");
    for (world, life) in [(2, 9), (1, 31), (3, 17), (5, 60)] {
        for ended in together(world, |mut model| {
            // All at once: one alone would leave the others waiting, as there is nobody to tell them here.
            model.mock.dies_after = Some(life);
            trained(model, &data, Some(&checkpoints))
        }) {
            assert_eq!(ended.unwrap_err().to_string(), "killed");
        }
    }
    for several in together(2, |model| trained(model, &data, Some(&checkpoints)).unwrap()) {
        assert_eq!(several, one);
    }
}

#[test]
fn ctrl_c_on_one_rank_stops_all_at_the_same_step() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    for presses in 0..3 {
        let ends = together(3, |mut model| {
            let (rank, interrupted) = (model.rank.clone(), Arc::new(AtomicBool::new(false)));
            let pressed = Impatient(Arc::clone(&interrupted), 9);
            let mut listener: Box<dyn Listener> =
                if rank.share.rank == presses { Box::new(pressed) } else { Box::new(()) };
            let mut learner = Learner::new(&mut model, &data, &mut *listener)
                .with_limits(Limits { deadline: None, interrupted })
                .with_group(Rc::new(rank));
            golden_rule(&mut learner).unwrap_err().downcast::<Stop>().unwrap()
        });
        assert_eq!(ends, vec![Stop::Interrupted { steps: 9 }; 3], "on rank {presses}");
    }
}

#[test]
fn time_that_is_over_on_one_rank_is_over_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let ends = together(2, |mut model| {
        let rank = model.rank.clone();
        let deadline = (rank.share.rank == 1).then(Instant::now);
        let mut listener = ();
        let mut learner = Learner::new(&mut model, &data, &mut listener)
            .with_limits(Limits { deadline, ..Limits::default() })
            .with_group(Rc::new(rank));
        golden_rule(&mut learner).unwrap_err().downcast::<Stop>().unwrap()
    });
    assert_eq!(ends, vec![Stop::TooLittleTime; 2]);
}

#[test]
fn a_finder_whose_loss_explodes_ends_on_all_ranks_at_the_same_step() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let settings = recipe(&[]).find_full_rate;
    let curves = together(3, |mut model| {
        model.mock.breaks_after = Some(7);
        let (rank, mut listener) = (model.rank.clone(), ());
        let mut learner = Learner::new(&mut model, &data, &mut listener).with_group(Rc::new(rank));
        learner.find_rate(&settings, 1.0, FeedKind::Images).unwrap()
    });
    assert!(curves.iter().all(|curve| curve.losses.len() == 7 && *curve == curves[0]));
}

#[test]
fn a_step_takes_one_small_sum_and_one_gather() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["precompute.run=false", "find-head-rate.run=false", "unfreeze.run=false"];
    let data = data(folder.path(), 48, 0, &settings);
    let calls = together(2, |model| {
        let calls = Rc::clone(&model.rank.calls);
        let (_, _, steps, _) = trained(model, &data, None).unwrap();
        let calls = calls.borrow().clone();
        (steps as usize, calls)
    });
    for (steps, calls) in calls {
        // Beside the steps: stages, epochs and their looks at the validation images.
        assert!((steps..2 * steps).contains(&calls["sum"]), "{calls:?} in {steps} steps");
        assert!((steps..2 * steps).contains(&calls["gather"]), "{calls:?} in {steps} steps");
    }
}

#[test]
fn predictions_come_back_in_order_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let samples = &data.train.samples;
    let recipe = &data.recipe;
    let of = |model: &mut dyn FnMut(ViewMeans) -> ViewMeans| model(ViewMeans::default());
    let one = of(&mut |before| {
        let mut mock = Mock { weights: [1.0, -2.0, 3.0, 0.5], ..Mock::default() };
        tta::predict(&mut mock, &Alone, samples, recipe, before, &mut |_| Ok(()), &()).unwrap()
    });
    for world in [2, 3] {
        let counted = together(world, |mut model| {
            model.mock.weights = [1.0, -2.0, 3.0, 0.5];
            let rank = model.rank.clone();
            // The first one goes on after some; the others have not kept any.
            let mut before = ViewMeans::default();
            if rank.share.is_first() {
                before = one.clone();
                before.n_images = 13;
                before.probabilities.iter_mut().for_each(|part| part.truncate(2 * 13));
            }
            let (mut keep, count) = (|_: &ViewMeans| Ok(()), Count::default());
            let all = tta::predict(&mut model, &rank, samples, recipe, before, &mut keep, &count)
                .unwrap();
            (all, *count.0.lock().unwrap())
        });
        assert_eq!(counted[0].0, one, "{world} ranks");
        assert!(counted.iter().all(|(_, n)| *n == samples.len() as u64 - 13));
    }
}

/// Counts images.
#[derive(Default)]
struct Count(Mutex<u64>);

impl Progress for Count {
    fn note(&self, _: &str) {}

    fn advance(&self, n: u64) {
        *self.0.lock().unwrap() += n;
    }
}

/// As if each rank had another disk, which holds its shares and nothing else: a training set that no disk
/// holds is read in parts, and every file by one rank an epoch.
#[test]
fn each_rank_opens_only_its_share_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let (n, size) = (data.train.len(), data.recipe.size);
    for epoch in 0..3 {
        let mut opened = vec![0; n];
        for rank in 0..3 {
            let share = Share::new(rank, 3);
            let batches = |data: &Data| -> Vec<(Input, Vec<f32>)> {
                let feed = super::super::data::Feed::Images { size };
                data.train_batches(feed, epoch, 0, share).unwrap().collect::<Result<_>>().unwrap()
            };
            let n_images = |(input, _): &(Input, Vec<f32>)| match input {
                Input::Images(images) => images.n,
                Input::Activations(_) => 0,
            };
            let own: usize = batches(&data).iter().map(n_images).sum();
            // Its files are those without which its batches cannot be made.
            let mut own_files = 0;
            for (image, opened) in opened.iter_mut().enumerate() {
                let mut samples = data.train.samples.to_vec();
                samples[image].path = "gone".into();
                let without = Data { train: side(&samples), ..again(&data) };
                let feed = super::super::data::Feed::Images { size };
                let mut batches = without.train_batches(feed, epoch, 0, share).unwrap();
                if batches.any(|batch| batch.is_err()) {
                    *opened += 1;
                    own_files += 1;
                }
            }
            assert_eq!(own_files, own);
            assert!(own.abs_diff(n / 3) <= data.steps(), "rank {rank} reads {own} of {n}");
        }
        assert_eq!(opened, vec![1; n], "each file is opened once, by one rank");
    }
}

fn side(samples: &[Sample]) -> SplitSide {
    let all: Vec<usize> = (0..samples.len()).collect();
    SplitSide::new(samples, &all, TargetKind::SingleLabel, 2)
}

fn again(data: &Data) -> Data {
    Data {
        n_pseudo: data.n_pseudo,
        plan: None,
        at_once: None,
        train: side(&[]),
        valid: side(&[]),
        classes: data.classes.clone(),
        kind: data.kind,
        outputs: data.outputs.clone(),
        metric: data.metric.clone(),
        recipe: data.recipe.clone(),
    }
}
