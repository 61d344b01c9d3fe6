//! What an epoch of training is fed with: sizes, views, and which images how often.

use super::super::data::Feed;
use super::super::mix::Mix;
use super::*;
use crate::dataset::Images;
use crate::place::Share;

#[test]
fn balanced_sampling_shows_rare_classes_as_often_as_common_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut data = data(folder.path(), 64, 0, &["sampling=\"balanced\""]);
    let n = data.train.len();
    // All but the first six of the second class become of the first.
    let mut samples = data.train.samples.to_vec();
    let of_second = samples.iter_mut().filter(|sample| sample.target == [1]);
    of_second.skip(6).for_each(|sample| sample.target = vec![0]);
    data.train = SplitSide::new(&samples, &(0..n).collect::<Vec<_>>(), TargetKind::SingleLabel, 2);
    let (mut shown, mut all) = (0.0, 0);
    for epoch in 0..40 {
        let feed = Feed::Images { size: 32 };
        for batch in data.train_batches(feed, epoch, 0, Share::WHOLE).unwrap() {
            let (_, targets) = batch.unwrap();
            shown += targets.chunks(2).map(|row| row[1]).sum::<f32>();
            all += targets.len() / 2;
        }
    }
    assert!((shown / all as f32 - 0.5).abs() < 0.04, "{shown} of {all}");
}

#[test]
fn cycles_train_on_the_sizes_of_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "find-head-rate.run=false",
        "find-full-rate.run=false",
        "head-with-augmentation.run=false",
        "whole-network.sizes=[40, 48]",
        "whole-network.max-cycles=3",
        "whole-network.min-gain=-9.0",
    ];
    let data = data(folder.path(), 48, 0, &settings);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    golden_rule(&mut learner).unwrap();
    let steps = data.steps();
    let sizes = [vec![40; steps], vec![48; 2 * steps], vec![48; 4 * steps]].concat();
    assert_eq!(mock.sizes, sizes);
}

#[test]
fn every_image_is_shown_in_every_precomputed_view_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 16, 0, &["precompute.views=2"]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.precompute().unwrap();
    let activations = learner.activations.take().unwrap();
    let rows_of = |epoch: u64| -> Vec<Vec<u32>> {
        let batches =
            data.train_batches(Feed::Activations(&activations), epoch, 0, Share::WHOLE).unwrap();
        let rows = batches.flat_map(|batch| {
            let (Input::Activations(values), _) = batch.unwrap() else { panic!("activations") };
            values
                .chunks(3)
                .map(|row| row.iter().map(|v| v.to_bits()).collect())
                .collect::<Vec<_>>()
        });
        let mut rows: Vec<Vec<u32>> = rows.collect();
        rows.sort();
        rows
    };
    // Three views: after three epochs the same rows come again, and not before.
    assert_eq!(rows_of(0), rows_of(3));
    assert_ne!(rows_of(0), rows_of(1));
    assert_ne!(rows_of(0), rows_of(2));
}

#[test]
fn features_are_told_with_their_mean_and_a_variance_that_divides() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 32, 0, &[]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.precompute().unwrap();
    let activations = learner.activations.take().unwrap();
    let all = activations.of_epoch(0, &(0..data.train.len()).collect::<Vec<_>>()).unwrap();
    let red: Vec<f32> = all.iter().step_by(3).copied().collect();
    let mean = red.iter().sum::<f32>() / red.len() as f32;
    let told = activations.moments().unwrap();
    assert!((told.mean[0] - mean).abs() < 1e-6, "{told:?}");
    let off: f32 = red.iter().map(|value| (value - mean).powi(2)).sum();
    assert!((told.variance[0] - off / (red.len() - 1) as f32).abs() < 1e-6, "{told:?}");
    assert!(told.variance.iter().all(|&variance| variance > 0.0));
}

#[test]
fn pictures_and_targets_are_mixed_alike_wherever_an_epoch_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let plain = data(folder.path(), 48, 0, &[]);
    let mixed = data(folder.path(), 48, 0, &["loss.mixup=0.4", "loss.cutmix=1.0"]);
    let of = |data: &Data, from| -> Vec<(Images, Vec<f32>)> {
        let batches = data.train_batches(Feed::Images { size: 32 }, 5, from, Share::WHOLE).unwrap();
        let images = batches.map(|batch| {
            let (Input::Images(images), targets) = batch.unwrap() else { panic!("images") };
            (images, targets)
        });
        images.collect()
    };
    let found = of(&mixed, 0);
    assert!(of(&mixed, 2) == found[2..]);
    let mut changed = 0;
    for (i, (mut images, mut targets)) in of(&plain, 0).into_iter().enumerate() {
        changed += usize::from(images != found[i].0);
        let mix = Mix::draw(&mixed.recipe.loss, 32, (7, 5, i as u64)).unwrap();
        let own = 0..images.n;
        mix.images(&mut images, &own);
        mix.targets(&mut targets, 2);
        assert!((images, targets) == found[i], "{i}");
    }
    // A share may be next to all.
    assert!(changed > 2, "{changed}");
}
