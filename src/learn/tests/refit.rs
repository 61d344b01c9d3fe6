//! Once more on all images, by the plan of a run that held some out.

use std::sync::Arc;

use super::*;
use crate::learn::Plan;
use crate::recipe::{WeightAverage, WholeNetwork};

/// The same, with the held-out images behind those that are trained on, by a plan.
fn on_all(first: &Data, plan: Plan) -> Data {
    let both = |a: &SplitSide, b: &SplitSide| SplitSide {
        samples: a.samples.iter().chain(b.samples.iter()).cloned().collect::<Arc<[_]>>(),
        targets: [a.targets.clone(), b.targets.clone()].concat(),
        sets: [a.sets.clone(), b.sets.clone()].concat(),
        kept: None,
    };
    let none = SplitSide { samples: Arc::new([]), targets: vec![], sets: vec![], kept: None };
    Data {
        train: both(&first.train, &first.valid),
        valid: both(&first.valid, &none),
        plan: Some(plan),
        classes: first.classes.clone(),
        outputs: first.outputs.clone(),
        metric: first.metric.clone(),
        recipe: first.recipe.clone(),
        ..*first
    }
}

/// Trains; gives the network, what was told of it, and the journal.
fn trained(data: &Data, mock: Mock) -> (Mock, Diary, Journal) {
    let (mut mock, mut diary) = (mock, Diary::default());
    let mut learner = Learner::new(&mut mock, data, &mut diary);
    golden_rule(&mut learner).unwrap();
    let journal = learner.journal().clone();
    (mock, diary, journal)
}

/// What was decided, without times and words.
fn decided(journal: &Journal) -> Vec<Entry> {
    let is_decided = |entry: &&Entry| !matches!(entry, Entry::Stage { .. } | Entry::Rate { .. });
    journal.done.iter().filter(is_decided).cloned().collect()
}

#[test]
fn all_images_are_trained_on_by_the_plan_and_none_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    // Wrong labels make it over-fit, so that there is something to choose.
    let settings = ["whole-network.max-cycles=4", "whole-network.average=epochs"];
    let first = data(folder.path(), 64, 5, &settings);
    let (of_first, told_first, journal) = trained(&first, Mock::default());
    let all = on_all(&first, Plan::new(journal.clone()).unwrap());
    assert_eq!(all.train.len(), 64);
    // Whoever asked it would get no number, and training would end.
    let mute = Mock { mute_after: Some(0), ..Mock::default() };
    let (second, told, again) = trained(&all, mute);
    assert_eq!(told.epochs, told_first.epochs);
    assert_eq!(decided(&again), decided(&journal));
    assert!(decided(&journal).iter().any(|entry| matches!(entry, Entry::Averaged { .. })));
    assert_eq!(
        (again.best, again.frozen, again.was_stopped),
        (journal.best, journal.frozen, false)
    );
    assert!(
        !told.stages.contains(&Stage::FindHeadRate) && !told.stages.contains(&Stage::FindFullRate)
    );
    assert_ne!(second.weights, of_first.weights);
    // More steps of as many epochs, without those of the finders.
    let steps = |data: &Data| data.steps() * told.epochs.len();
    assert_eq!((again.steps, journal.steps), (steps(&all) as u64, steps(&first) as u64));
}

#[test]
fn cycles_after_the_best_weights_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let first = data(folder.path(), 64, 5, &["whole-network.max-cycles=2"]);
    let (.., mut journal) = trained(&first, Mock::default());
    // As if the first cycle had been the better one.
    for entry in &mut journal.done {
        if let Entry::Cycle { stage: Stage::WholeNetwork, number: 1, scores } = entry {
            scores[0].loss = 1e-3;
        }
    }
    let all = on_all(&first, Plan::new(journal.clone()).unwrap());
    let (_, told, again) = trained(&all, Mock::default());
    let n = |journal: &Journal| {
        Plan::new(journal.clone())
            .unwrap()
            .cycles(Stage::WholeNetwork)
            .iter()
            .map(|of| of.len())
            .sum()
    };
    let (planned, done): (usize, usize) = (n(&journal), n(&again));
    assert_eq!((planned, done), (3, 1));
    let share = |settings: &WholeNetwork| Plan::new(journal.clone()).unwrap().whole_share(settings);
    let settings = first.recipe.whole_network.clone();
    assert_eq!(share(&settings), 1.0 / 3.0);
    assert_eq!(share(&WholeNetwork { average: WeightAverage::Epochs, ..settings }), 1.0);
    assert_eq!(told.epochs.len() + 2, journal.epochs as usize);
}

#[test]
fn a_second_training_that_is_killed_ends_as_one_that_is_not() {
    let images = tempfile::tempdir().unwrap();
    let first = data(images.path(), 48, 3, &["whole-network.max-cycles=2"]);
    let (.., journal) = trained(&first, Mock::default());
    let all = on_all(&first, Plan::new(journal).unwrap());
    let (whole, _, journal) = trained(&all, Mock::default());
    let folder = tempfile::tempdir().unwrap();
    for life in 1..100 {
        let mut mock = Mock { dies_after: Some(9 * life), ..Mock::default() };
        let mut listener = ();
        let mut learner = Learner::new(&mut mock, &all, &mut listener);
        learner.keep_checkpoints(Checkpoints::new(folder.path(), Duration::ZERO)).unwrap();
        if golden_rule(&mut learner).is_ok() {
            assert!(life > 1);
            assert_eq!(decided(learner.journal()), decided(&journal));
            assert_eq!(mock.weights, whole.weights);
            return;
        }
    }
    panic!("it never ended");
}

#[test]
fn what_was_ended_early_is_no_plan() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &["find-head-rate.run=false"]);
    let (.., mut journal) = trained(&data, Mock { breaks_after: Some(12), ..Mock::default() });
    let no_plan = |journal: &Journal| Plan::new(journal.clone()).unwrap_err().to_string();
    // The same again would break there again.
    let error = no_plan(&journal);
    assert!(error.contains("at a number that is none") && !error.contains("--anew"), "{error}");
    journal.diverged = false;
    let error = no_plan(&journal);
    assert!(error.contains("ended before its end") && error.contains("--anew"), "{error}");
}

#[test]
fn a_loss_that_is_no_number_makes_nothing_of_a_plan() {
    let folder = tempfile::tempdir().unwrap();
    let first = data(folder.path(), 48, 0, &["find-head-rate.run=false"]);
    let (.., journal) = trained(&first, Mock::default());
    let all = on_all(&first, Plan::new(journal).unwrap());
    let (mut mock, mut listener) = (Mock { breaks_after: Some(20), ..Mock::default() }, ());
    let mut learner = Learner::new(&mut mock, &all, &mut listener);
    let error = golden_rule(&mut learner).unwrap_err();
    assert!(learner.journal().done.len() > 1, "some of it was done");
    assert!(matches!(error.downcast::<Stop>().unwrap(), Stop::NotFinite { .. }));
}
