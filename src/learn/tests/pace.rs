//! How long a run takes, by what was measured.

use super::*;
use crate::learn::{Cores, Pace};

#[test]
fn a_run_takes_the_time_of_its_pieces_and_later_folds_take_less() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        ["unfreeze.run=false", "head-with-augmentation.run=false", "find-head-rate.run=false"];
    let data = data(folder.path(), 48, 0, &settings);
    let (n_train, n_valid) = (data.train.len() as f64, data.valid.len() as f64);
    let pace = Pace { read: 0.25, look: 1.0, learn: 3.0, head: 0.5, fit: 0.125 };
    // Step 3 makes at least six steps; at the end four views of the held-out images are looked at.
    let epochs = 6_usize.div_ceil(data.steps()).max(data.recipe.head_on_activations.epochs);
    let views = crate::learn::tta::Views::of(&data.recipe).count() as f64;
    let later = (epochs * data.steps()) as f64 * 0.5 + n_train * 0.125 + n_valid * views * 1.25;
    assert_eq!(pace.seconds(&data, Cores::Shared, false), later);
    let first = pace.seconds(&data, Cores::Shared, true);
    assert_eq!(first, later + (n_train + n_valid) * 1.25);
    // A GPU computes while the processor reads.
    assert!(pace.seconds(&data, Cores::Apart, true) < first);
}

/// A bar says "epoch 1 of 3".
#[test]
fn a_stage_of_epochs_has_as_many_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &["whole-network.max-cycles=2"]);
    let pieces = crate::learn::workload(&data);
    let of = |stage| pieces.iter().filter(|piece| piece.stage == stage).collect::<Vec<_>>();
    assert_eq!(of(Stage::HeadWithAugmentation).len(), data.recipe.head_with_augmentation.epochs);
    let epochs = of(Stage::WholeNetwork);
    assert_eq!(epochs.len(), 3);
    // After the last one three networks are compared.
    assert_eq!(epochs[2].looks - epochs[1].looks, 3.0 * data.valid.len() as f64);
}

#[test]
fn what_is_measured_is_a_time_and_only_what_will_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut mock = Mock::default();
    let whole = Pace::measure(&mut mock, &data(folder.path(), 48, 0, &[])).unwrap();
    assert!(
        [whole.read, whole.look, whole.learn, whole.head, whole.fit].iter().all(|&s| s > 0.0),
        "{whole:?}"
    );
    assert_eq!(mock.trainable, Some(Trainable::Everything));
    assert_eq!(mock.weights, [0.0; 4], "nothing is learnt");
    let head = data(folder.path(), 48, 0, &["unfreeze.run=false"]);
    assert_eq!(Pace::measure(&mut Mock::default(), &head).unwrap().learn, 0.0);
}
