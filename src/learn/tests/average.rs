//! The mean of the whole network's weights.

use super::*;
use crate::run::cycle_file;

/// Trains the whole network alone for cycles of one and two epochs. Gives its weights in the end, those at the
/// ends of the cycles, and of how many moments a mean was made and whether it was kept.
fn trained(average: &str) -> ([f32; 4], [[f32; 4]; 2], u64, Option<bool>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "precompute.run=false",
        "find-head-rate.run=false",
        "head-on-activations.run=false",
        "head-with-augmentation.run=false",
        "find-full-rate.run=false",
        "find-full-rate.rate=0.02",
        "whole-network.max-cycles=2",
        "whole-network.min-gain=-1000",
        average,
    ];
    let data = data(folder.path(), 48, 4, &settings);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner =
        Learner::new(&mut mock, &data, &mut listener).with_cycles(Some(folder.path().to_owned()));
    let score = golden_rule(&mut learner).unwrap();
    assert_eq!(learner.validate().unwrap(), score);
    let journal = learner.journal().clone();
    let is_kept = journal.done.iter().find_map(|entry| match entry {
        Entry::Averaged { is_kept, .. } => Some(*is_kept),
        _ => None,
    });
    let ends = [1, 2].map(|number| {
        let path = folder.path().join(cycle_file(Stage::WholeNetwork, number));
        mock.snapshot_of(&fs::read(path).unwrap()).unwrap()
    });
    (mock.weights, ends, journal.averaged, is_kept)
}

#[test]
fn the_mean_over_cycles_is_that_of_the_weights_at_their_ends() {
    let (weights, [first, second], n, is_kept) = trained("whole-network.average=cycles");
    assert_eq!((n, is_kept), (2, Some(true)));
    for (i, weight) in weights.into_iter().enumerate() {
        let mean = f32::midpoint(first[i], second[i]);
        assert!((weight - mean).abs() < 1e-6 * mean.abs().max(1.0), "{weight} {mean}");
    }
    assert_ne!(first, second);
}

#[test]
fn the_mean_over_epochs_is_left_where_the_best_of_them_is_clearly_better() {
    // A network that still learns: its first epoch is worse on every image.
    let (weights, ends, n, is_kept) = trained("whole-network.average=epochs");
    assert_eq!((weights, n, is_kept), (ends[1], 3, Some(false)));
    // Training itself is the same without.
    let expected = (weights, ends, 0, None);
    assert_eq!(trained("whole-network.average=none"), expected);
}
