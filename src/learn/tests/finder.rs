//! The learning-rate finder on the mock network: what it tries, and that it leaves no trace.

use super::super::golden_rule::cycles;
use super::*;
use crate::recipe::FindRate;
use crate::run::SweepEnd;
use crate::schedule::LayerRates;

#[test]
fn a_sweep_that_is_long_beside_the_training_that_it_is_for_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let usual = data(folder.path(), 48, 0, &[]);
    let epochs: usize = cycles(&usual).iter().sum();
    let just = 10.0 / (usual.steps() * epochs) as f64;
    for (share, runs) in [(just * 0.9, false), (just * 1.1, true), (0.0, true)] {
        let share = format!("find-full-rate.share={share}");
        let data = data(folder.path(), 48, 0, &["find-full-rate.steps=10", &share]);
        let planned = plan(&data);
        let (_, told) = planned.iter().find(|(stage, _)| *stage == Stage::FindFullRate).unwrap();
        assert_eq!(told.contains("a sweep would take more than"), !runs, "{told}");
        let (mut mock, mut diary) = (Mock::default(), Diary::default());
        golden_rule(&mut Learner::new(&mut mock, &data, &mut diary)).unwrap();
        assert_eq!(diary.stages.contains(&Stage::FindFullRate), runs);
    }
}

fn settings(steps: usize) -> FindRate {
    FindRate { run: true, start: 1e-5, end: 1e-2, steps, share: 0.0, rate: 1e-3 }
}

const HEAD_ALONE: [&str; 2] = ["unfreeze.run=false", "find-head-rate.run=false"];

/// A run before which somebody meddles with the learner.
fn trained(
    data: &Data,
    meddle: impl FnOnce(&mut Learner<Mock>),
) -> ([f32; 4], Vec<Entry>, u64, Score) {
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, data, &mut listener);
    meddle(&mut learner);
    let score = golden_rule(&mut learner).unwrap();
    let journal = learner.journal().clone();
    outcome(&mock, &journal, score)
}

#[test]
fn the_finder_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &HEAD_ALONE);
    let undisturbed = trained(&data, |_| ());
    let disturbed = trained(&data, |learner| {
        for feed in [FeedKind::Images, FeedKind::Activations] {
            let settings = recipe(&[]).find_head_rate;
            let curve = learner.find_rate(&settings, 1.0, feed).unwrap();
            assert!(curve.suggestions.clear.is_some(), "{curve:?}");
        }
    });
    assert_eq!(disturbed, undisturbed);
}

#[test]
fn a_finder_that_fails_leaves_no_trace_either() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &HEAD_ALONE);
    let undisturbed = trained(&data, |_| ());
    for n_steps in [0, 1, 7] {
        let disturbed = trained(&data, |learner| {
            learner.model.dies_after = Some(n_steps);
            learner.find_rate(&settings(20), 1.0, FeedKind::Images).unwrap_err();
            learner.model.dies_after = None;
        });
        assert_eq!(disturbed, undisturbed, "failed after {n_steps} steps");
        let disturbed = trained(&data, |learner| {
            learner.model.breaks_after = Some(n_steps);
            let curve = learner.find_rate(&settings(20), 1.0, FeedKind::Images).unwrap();
            assert_eq!((curve.end, curve.losses.len()), (SweepEnd::NotFinite, n_steps));
            learner.model.breaks_after = None;
        });
        assert_eq!(disturbed, undisturbed, "no number after {n_steps} steps");
    }
}

#[test]
fn a_finder_gives_the_activations_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &["unfreeze.run=false"]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    golden_rule(&mut learner).unwrap();
    assert!(learner.activations.is_some());
    learner.model.dies_after = Some(learner.model.steps.len() + 3);
    learner.find_rate(&settings(20), 1.0, FeedKind::Activations).unwrap_err();
    assert!(learner.activations.is_some());
}

#[test]
fn no_steps_are_one_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    let curve = learner.find_rate(&settings(0), 1.0, FeedKind::Images).unwrap();
    assert_eq!(curve.rates.len(), data.steps());
    assert_eq!(mock.steps.len(), data.steps());
}

#[test]
fn every_group_s_rate_climbs_in_its_own_ratio() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    let ratios = LayerRates::Ratios(vec![1e-4, 1e-3, 1e-2]);
    // Longer than an epoch, so that it goes on with another one.
    let curve = learner.find_rate(&settings(3 * data.steps()), ratios, FeedKind::Images).unwrap();
    assert_eq!(curve.rates.len(), 3 * data.steps());
    for ((_, rates, _), rate) in mock.steps.iter().zip(&curve.rates) {
        for (group_rate, factor) in rates.iter().zip([1e-2, 1e-1, 1.0]) {
            assert!((group_rate / (rate * factor) - 1.0).abs() < 1e-9, "{rates:?} at {rate}");
        }
    }
    let mut seeds: Vec<u64> = mock.steps.iter().map(|(.., seed)| *seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), mock.steps.len(), "every step has a seed of its own");
}
