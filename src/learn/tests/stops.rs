//! Runs that are killed, interrupted, out of time, or broken: what is kept, and what they end with.

use std::path::PathBuf;

use super::*;

/// Everything of a run that does not depend on the clock.
pub(super) fn outcome(
    mock: &Mock,
    journal: &Journal,
    score: Score,
) -> ([f32; 4], Vec<Entry>, u64, Score) {
    let mut done = journal.done.clone();
    for entry in &mut done {
        if let Entry::Stage { seconds, .. } = entry {
            *seconds = 0.0;
        }
    }
    (mock.weights, done, journal.steps, score)
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "precompute.views=2",
        "loss.mixup=0.4",
        "augment-policy=rand",
        "random-erasing=0.3",
        "whole-network.max-cycles=2",
        "whole-network.average=epochs",
    ];
    let data = data(folder.path(), 48, 2, &settings);
    let whole = {
        let (mut mock, mut listener) = (Mock::default(), ());
        let mut learner = Learner::new(&mut mock, &data, &mut listener);
        let score = golden_rule(&mut learner).unwrap();
        let journal = learner.journal().clone();
        outcome(&mock, &journal, score)
    };
    // Checkpoints after every step, and now and then.
    for (every, life) in [(0, 3), (0, 7), (0, 23), (3, 41), (10, 64)] {
        let folder = tempfile::tempdir().unwrap();
        let mut kills = 0;
        let killed = loop {
            // A life that sees no checkpoint would be lived over and over.
            let dies_after = (kills < 60).then_some(life + kills % 5);
            let ahead = kills % 2 == 1;
            let (mut mock, mut listener) = (Mock { dies_after, ahead, ..Mock::default() }, ());
            mock.begin(Trainable::Head);
            let mut learner = Learner::new(&mut mock, &data, &mut listener);
            let every = Duration::from_millis(every);
            learner.keep_checkpoints(Checkpoints::new(folder.path(), every)).unwrap();
            match golden_rule(&mut learner) {
                Ok(score) => {
                    let journal = learner.journal().clone();
                    break outcome(&mock, &journal, score);
                }
                Err(error) => assert_eq!(error.to_string(), "killed"),
            }
            kills += 1;
        };
        assert!(kills > 1, "killed {kills} times");
        assert_eq!(killed, whole, "killed {kills} times");
    }
}

/// The file of the newest checkpoint with this extension; those that are called otherwise are of several.
fn newest(checkpoints: &Path, extension: &str) -> PathBuf {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
    fs::read_dir(checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .filter_map(|path| Some((number(&path)?, path)))
        .max()
        .unwrap()
        .1
}

fn checkpoints(folder: &Path) -> Checkpoints {
    Checkpoints::new(folder.join("c"), Duration::ZERO)
}

/// The data and the journal of what was stopped in the middle of the second epoch of step 4, with a checkpoint
/// after every step; nobody keeps its activations.
fn stopped(folder: &Path) -> (Data, Journal) {
    let settings = ["find-head-rate.run=false", "find-full-rate.run=false"];
    let data = data(folder, 48, 0, &settings);
    let (mut mock, mut listener) = (Mock { dies_after: Some(13), ..Mock::default() }, ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(checkpoints(folder)).unwrap();
    golden_rule(&mut learner).unwrap_err();
    let journal = learner.journal().clone();
    (data, journal)
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (data, Journal { steps, .. }) = stopped(folder.path());
    fs::write_atomic(newest(&folder.path().join("c"), "state"), [0; 16]).unwrap();
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(checkpoints(folder.path())).unwrap();
    assert_eq!(learner.journal().steps, steps - 1);
    golden_rule(&mut learner).unwrap();
}

#[test]
fn a_stage_that_was_begun_before_has_taken_what_it_took_then() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = stopped(folder.path());
    let newest = newest(&folder.path().join("c"), "toml");
    let text = fs::read_to_string(&newest).unwrap();
    let own = text.lines().find(|line| line.starts_with("under-way = ")).unwrap();
    fs::write_atomic(&newest, text.replace(own, "under-way = 1000.0")).unwrap();
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(checkpoints(folder.path())).unwrap();
    golden_rule(&mut learner).unwrap();
    let took = |entry: &Entry| match entry {
        Entry::Stage { stage, seconds, .. } => Some((*stage, *seconds >= 1000.0)),
        _ => None,
    };
    let long: Vec<Stage> = (learner.journal().done.iter().filter_map(took))
        .filter_map(|(stage, is_long)| is_long.then_some(stage))
        .collect();
    assert_eq!(long, [Stage::HeadWithAugmentation], "and none after it");
}

#[test]
fn ctrl_c_keeps_the_step_that_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let interrupted = Arc::new(AtomicBool::new(false));
    let (mut mock, mut listener) = (Mock::default(), Impatient(Arc::clone(&interrupted), 9));
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    let seldom = Duration::from_secs(3600);
    learner.keep_checkpoints(Checkpoints::new(folder.path().join("c"), seldom)).unwrap();
    learner.limits = Limits { deadline: None, interrupted };
    let error = golden_rule(&mut learner).unwrap_err();
    assert_eq!(error.downcast::<Stop>().unwrap(), Stop::Interrupted { steps: 9 });
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(Checkpoints::new(folder.path().join("c"), seldom)).unwrap();
    assert_eq!(learner.journal().steps, 9);
}

#[test]
fn a_loss_that_is_no_number_ends_with_the_best_weights_or_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["find-head-rate.run=false", "find-full-rate.run=false"];
    let data = data(folder.path(), 48, 0, &settings);
    let run = |breaks_after, ahead| {
        let (mut mock, mut diary) = (Mock { ahead, ..Mock::default() }, Diary::default());
        mock.breaks_after = Some(breaks_after);
        let mut learner = Learner::new(&mut mock, &data, &mut diary);
        let score = golden_rule(&mut learner)?;
        assert_eq!(learner.validate().unwrap(), score);
        assert!(mock.weights.iter().all(|w| w.is_finite()));
        Ok::<_, anyhow::Error>(diary.stopped)
    };
    for ahead in [false, true] {
        let early = run(2, ahead).unwrap_err().to_string();
        assert!(early.contains("NaN at step 3 of epoch 1") && early.contains("hint:"), "{early}");
        let late = run(14, ahead).unwrap();
        assert!(late[0].contains("NaN") && late[0].contains("kept: loss"), "{late:?}");
    }
}

#[test]
fn answers_that_are_no_numbers_end_with_the_best_weights_or_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["find-head-rate.run=false", "find-full-rate.run=false"];
    let data = data(folder.path(), 48, 0, &settings);
    let run = |mute_after| {
        let (mut mock, mut diary) = (Mock { mute_after, ..Mock::default() }, Diary::default());
        let mut learner = Learner::new(&mut mock, &data, &mut diary);
        let score = golden_rule(&mut learner)?;
        Ok::<_, anyhow::Error>((score, diary.stopped))
    };
    for early in [0, 2] {
        let error = run(Some(early)).unwrap_err();
        assert_eq!(error.downcast::<Stop>().unwrap(), Stop::NoAnswer);
    }
    let (score, stopped) = run(Some(14)).unwrap();
    assert!(score.loss.is_finite());
    assert!(stopped[0].contains("is no number; kept: loss"), "{stopped:?}");
    assert_eq!(run(None).unwrap().1, [""; 0]);
}

/// The losses of steps and epochs.
#[derive(Default, Debug, PartialEq)]
struct Losses(Vec<(u64, f64)>, Vec<f64>);
impl Listener for Losses {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Step(step) => self.0.push((step.step, step.loss)),
            Event::Epoch(epoch) => self.1.push(epoch.train_loss),
            _ => {}
        }
    }
}

#[test]
fn losses_that_come_a_step_later_are_reported_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 2, &[]);
    let of = |ahead| {
        let (mut mock, mut losses) = (Mock { ahead, ..Mock::default() }, Losses::default());
        let mut learner = Learner::new(&mut mock, &data, &mut losses);
        golden_rule(&mut learner).unwrap();
        losses
    };
    let at_once = of(false);
    assert!(at_once.0.len() > 30 && at_once.1.len() > 5, "{at_once:?}");
    assert_eq!(of(true), at_once);
}

#[test]
fn a_run_out_of_time_ends_with_what_is_best_so_far_or_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["whole-network.cycle-len=3000", "find-full-rate.run=false"];
    let data = data(folder.path(), 48, 0, &settings);
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    learner.limits = Limits { deadline: Some(Instant::now()), ..Limits::default() };
    // Activations, of which there may be many, are computed by the clock, too.
    let error = golden_rule(&mut learner).unwrap_err();
    assert_eq!(error.downcast::<Stop>().unwrap(), Stop::TooLittleTime);
    assert!(mock.steps.is_empty() && diary.stages == [Stage::Precompute]);

    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    let soon = Instant::now() + Duration::from_secs(2);
    learner.limits = Limits { deadline: Some(soon), ..Limits::default() };
    let score = golden_rule(&mut learner).unwrap();
    assert_eq!(learner.validate().unwrap(), score);
    assert!(learner.journal().was_stopped && !learner.journal().diverged);
    assert!(diary.stopped[0].starts_with("the time is over, at step "), "{:?}", diary.stopped);
}

#[test]
fn a_run_that_goes_on_computes_its_activations_whatever_the_clock_says() {
    let folder = tempfile::tempdir().unwrap();
    let (data, journal) = stopped(folder.path());
    let best = journal.best.unwrap();
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    learner.keep_checkpoints(checkpoints(folder.path())).unwrap();
    learner.limits = Limits { deadline: Some(Instant::now()), ..Limits::default() };
    let score = golden_rule(&mut learner).unwrap();
    assert!(score.loss <= best.loss);
    assert_eq!(learner.validate().unwrap(), score, "what was trained, not a new head");
    assert!(diary.stopped[0].starts_with("the time is over, at step "), "{:?}", diary.stopped);
}

#[test]
fn a_checkpoint_that_cannot_be_written_stops_the_run_and_leaves_the_ones_before() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &["find-head-rate.run=false"]);
    let checkpoints = folder.path().join("c");
    // Where the eighth one would go there is a folder, as good as a full disk.
    fs::create_dir_all(checkpoints.join("8.state")).unwrap();
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(Checkpoints::new(&checkpoints, Duration::ZERO)).unwrap();
    let error = format!("{:#}", golden_rule(&mut learner).unwrap_err());
    assert!(error.contains("failed to write a checkpoint at step"), "{error}");
    assert!(error.contains("the ones before it are whole") && error.contains("8.state"), "{error}");
    fs::remove_dir(checkpoints.join("8.state")).unwrap();
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    learner.keep_checkpoints(Checkpoints::new(&checkpoints, Duration::ZERO)).unwrap();
    assert!(learner.journal().steps > 0);
    golden_rule(&mut learner).unwrap();
}

#[test]
fn old_checkpoints_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let (mut mock, mut listener) = (Mock::default(), ());
    let mut learner = Learner::new(&mut mock, &data, &mut listener);
    let checkpoints = folder.path().join("c");
    learner.keep_checkpoints(Checkpoints::new(&checkpoints, Duration::ZERO)).unwrap();
    golden_rule(&mut learner).unwrap();
    let names: Vec<String> = fs::read_dir(&checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    // Two of each, the best weights that either of them names, and those before the backbone trained.
    let of = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).count();
    assert!(of(".toml") == 2 && (4..=5).contains(&of(".state")), "{names:?}");
}
