//! What is written down is read back, also half of it.

use super::super::curve::{RateChoice, RateCurve, RateReason, Suggestions, SweepEnd};
use super::super::event::Epoch;
use super::super::score::Score;
use super::*;

fn new() -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let run = Run { folder: folder.path().to_owned() };
    (folder, run)
}

fn made(number: u64) -> Step {
    let (stage, epoch) = (Stage::HeadOnActivations, 2);
    Step { stage, cycle: 1, epoch, step: number, loss: 0.1, rate: 1.25e-3, momentum: 0.9 }
}

fn sweep() -> Sweep {
    Sweep {
        stage: Stage::FindHeadRate,
        curve: RateCurve {
            rates: vec![1e-4, 1e-3],
            losses: vec![2.0, 0.5],
            batch_losses: vec![2.0, 0.25],
            end: SweepEnd::Exploded,
            suggestions: Suggestions { clear: Some(0.5), ..Suggestions::default() },
        },
        chosen: RateChoice { rate: 0.5, why: RateReason::Explodes(5.0) },
    }
}

/// One of each event that is written as a line.
fn all() -> Vec<Event> {
    let (stage, score) =
        (Stage::FindHeadRate, Score { loss: 0.5, metric: 2.0, accuracy: None, error: None });
    vec![
        Event::Resumed { steps: 0, best: None },
        Event::StageStarted { stage },
        Event::Note { text: "a \"note\",\nin two lines".to_owned() },
        Event::RateFound(sweep()),
        Event::StageFinished { stage, seconds: 1.5, found: "a rate".to_owned() },
        Event::Epoch(Epoch {
            stage: Stage::WholeNetwork,
            epoch: 3,
            cycle: 2,
            train_loss: 0.75,
            score,
            rates: [0.25, 0.5, 1.0],
            seconds: 8.0,
        }),
        Event::Stopped { stage, why: "the time is over".to_owned() },
    ]
}

#[test]
fn events_are_read_back_by_the_type_that_wrote_them() {
    let (_folder, run) = new();
    let mut log = Log::open(&run).unwrap();
    for event in all() {
        log.write(&event).unwrap();
    }
    log.write(&Event::PassStarted { unit: "steps", total: 3 }).unwrap();
    log.write(&Event::Advanced { units: 1 }).unwrap();
    log.write(&Event::Unknown).unwrap();
    let read = run.events().unwrap();
    assert_eq!((read.lines, read.faults), (all(), Vec::new()));
}

/// The layout that other programs read; a change of it is a change for them.
#[test]
fn a_line_of_the_log_looks_as_it_always_did() {
    let (_folder, run) = new();
    let mut log = Log::open(&run).unwrap();
    for event in all() {
        log.write(&event).unwrap();
    }
    let text = fs::read_to_string(run.file(EVENTS)).unwrap();
    let without_time = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line.as_object_mut().unwrap().remove("time").is_some());
        line.to_string()
    };
    let lines: Vec<String> = text.lines().map(without_time).collect();
    assert_eq!(
        lines,
        [
            r#"{"event":"resumed","steps":0}"#,
            r#"{"event":"stage-started","stage":"find-head-rate"}"#,
            r#"{"event":"note","text":"a \"note\",\nin two lines"}"#,
            r#"{"chosen":{"rate":0.5,"why":{"explodes":5.0}},"curve":{"batch_losses":[2.0,0.25],"end":"exploded","losses":[2.0,0.5],"rates":[0.0001,0.001],"suggestions":{"clear":0.5,"minimum":null,"slide":null,"steep":null,"valley":null}},"event":"rate-found","stage":"find-head-rate"}"#,
            r#"{"event":"stage-finished","found":"a rate","seconds":1.5,"stage":"find-head-rate"}"#,
            r#"{"cycle":2,"epoch":3,"event":"epoch","rates":[0.25,0.5,1.0],"score":{"accuracy":null,"loss":0.5,"metric":2.0},"seconds":8.0,"stage":"whole-network","train_loss":0.75}"#,
            r#"{"event":"stopped","stage":"find-head-rate","why":"the time is over"}"#,
        ]
    );
    let sweeps = fs::read_to_string(run.file(SWEEPS)).unwrap();
    let expected =
        "stage,rate,smoothed_loss\nfind the head's rate,1e-4,2\nfind the head's rate,1e-3,0.5\n";
    assert_eq!(sweeps, expected);
}

#[test]
fn steps_are_read_back_and_those_made_in_vain_are_dropped() {
    let (_folder, run) = new();
    assert!(run.steps().unwrap().lines.is_empty() && run.events().unwrap().lines.is_empty());
    let mut log = Log::open(&run).unwrap();
    for number in 1..=4 {
        log.write(&Event::Step(made(number))).unwrap();
    }
    assert_eq!(run.steps().unwrap().lines, [1, 2, 3, 4].map(made));
    drop(log);
    let mut log = Log::open(&run).unwrap();
    log.write(&Event::Resumed { steps: 2, best: None }).unwrap();
    log.write(&Event::Step(made(3))).unwrap();
    assert_eq!(run.steps().unwrap().lines, [1, 2, 3].map(made));
    let text = fs::read_to_string(run.file(STEPS)).unwrap();
    assert!(
        text.starts_with("stage,cycle,epoch,step,loss,rate,momentum\n3,1,2,1,0.1,1.25e-3,0.9\n")
    );
}

#[test]
fn a_line_that_a_kill_cut_short_is_passed_over_and_nothing_is_glued_to_it() {
    let (_folder, run) = new();
    let stage = Stage::Precompute;
    let started = Event::StageStarted { stage };
    let mut log = Log::open(&run).unwrap();
    log.write(&started).unwrap();
    log.write(&Event::Step(made(1))).unwrap();
    for (file, half) in
        [(EVENTS, "{\"event\":\"epoch\",\"stage\":\"head-on-activ"), (STEPS, "3,1,2")]
    {
        let mut file = fs::File::options().append(true).open(run.file(file)).unwrap();
        file.write_all(half.as_bytes()).unwrap();
    }
    let (events, steps) = (run.events().unwrap(), run.steps().unwrap());
    assert_eq!((events.lines, events.faults.len()), (vec![started.clone()], 0));
    assert_eq!((steps.lines, steps.faults.len()), (vec![made(1)], 0));
    let mut log = Log::open(&run).unwrap();
    log.write(&started).unwrap();
    log.write(&Event::Step(made(2))).unwrap();
    assert_eq!(run.events().unwrap().lines, [started.clone(), started]);
    assert_eq!(run.steps().unwrap().lines, [1, 2].map(made));
}

#[test]
fn a_newer_version_s_events_are_unknown_and_a_damaged_one_is_named() {
    let (_folder, run) = new();
    let text = "{\"event\":\"something-new\",\"field\":[1,2]}\n\
                {\"event\":\"epoch\",\"stage\":\"whole-network\"}\n\
                {\"event\":\"stage-started\",\"stage\":\"precompute\",\"new\":1}\n";
    run.write(EVENTS, text).unwrap();
    let read = run.events().unwrap();
    let stage = Stage::Precompute;
    assert_eq!(read.lines, [Event::Unknown, Event::StageStarted { stage }]);
    let [fault] = &read.faults[..] else { panic!("{:?}", read.faults) };
    assert!(fault.contains("events.jsonl`, line 2, is left out: missing field"), "{fault}");
    run.write(STEPS, format!("{STEPS_HEADER}3,1,1,1,0.5,1e-3,0.9\n3,1,1,x,0.5,1e-3,0.9\n0,1\n"))
        .unwrap();
    let read = run.steps().unwrap();
    assert_eq!((read.lines.len(), read.faults.len()), (1, 2));
    assert!(read.faults[0].contains("steps.csv`, line 3, is left out: `x` is no number"));
}

#[test]
fn what_was_no_number_is_none_again() {
    let (_folder, run) = new();
    let mut log = Log::open(&run).unwrap();
    let mut sweep = sweep();
    sweep.curve.losses[1] = f64::NAN;
    log.write(&Event::RateFound(sweep)).unwrap();
    let read = run.events().unwrap();
    let [Event::RateFound(sweep)] = &read.lines[..] else { panic!("{read:?}") };
    assert!(sweep.curve.losses[0] == 2.0 && sweep.curve.losses[1].is_nan());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    for name in [EVENTS, STEPS] {
        let (_folder, run) = new();
        std::os::unix::fs::symlink(elsewhere.path(), run.file(name)).unwrap();
        let error = Log::open(&run).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("is a link to"), "{error}");
        assert_eq!(fs::read(elsewhere.path()).unwrap(), b"");
    }
}

#[test]
fn a_damaged_row_for_a_spreadsheet_is_named_and_so_is_another_header() {
    let (_folder, run) = new();
    let mut log = Log::open(&run).unwrap();
    log.write(&Event::RateFound(sweep())).unwrap();
    let (text, n) = (fs::read_to_string(run.file(SWEEPS)).unwrap(), sweep().curve.rates.len());
    let read = || run.sweep_rows().unwrap();
    assert_eq!((read().lines.len(), read().faults.len()), (n, 0));
    for (row, expected) in [
        ("find the head's rate,1e-3", "2 cells, not 3"),
        ("find the head's rate,x,0.5", "`x` is no number"),
        ("find the head's rate,0,0.5", "`rate` is 0: it must be above 0"),
        ("find the head's rate,1e-3,-7", "`smoothed_loss` is -7: it must be 0 or more"),
        ("something else,1e-3,0.5", "no stage `something else`"),
    ] {
        run.write(SWEEPS, format!("{text}{row}\n")).unwrap();
        let faults = run.training().unwrap().faults;
        let expected = format!("lr-find.csv`, line {}, is left out: {expected}", n + 2);
        assert!(faults.len() == 1 && faults[0].contains(&expected), "{faults:?}");
    }
    for (name, header) in [(SWEEPS, "rate,stage,smoothed_loss"), (STEPS, "loss,stage,cycle")] {
        run.write(name, format!("{header}\n1,2,3\n")).unwrap();
    }
    let faults = run.training().unwrap().faults;
    assert!(faults.len() == 2 && faults.iter().all(|f| f.contains("line 1, is not `stage,")));
}

#[test]
fn what_no_training_can_tell_is_left_out() {
    let (_folder, run) = new();
    let epoch = "{\"event\":\"epoch\",\"stage\":\"whole-network\",\"epoch\":1,\"cycle\":1,\
                 \"train_loss\":1.2,\"score\":{\"loss\":0.3,\"metric\":0.3,\"accuracy\":0.9},\
                 \"rates\":[1e-3,1e-3,1e-3],\"seconds\":0.2}\n";
    // Kappa of answers that are worse than chance is below 0.
    for told in [epoch.to_owned(), epoch.replace("\"metric\":0.3", "\"metric\":-0.3")] {
        run.write(EVENTS, told).unwrap();
        assert_eq!(run.events().unwrap().faults, [""; 0]);
    }
    for (from, to) in [
        ("\"accuracy\":0.9", "\"accuracy\":9.0"),
        ("\"metric\":0.3", "\"metric\":1e300"),
        ("\"loss\":0.3", "\"loss\":-0.3"),
        ("\"seconds\":0.2", "\"seconds\":-0.2"),
    ] {
        run.write(EVENTS, epoch.replace(from, to)).unwrap();
        let read = run.events().unwrap();
        assert!(read.lines.is_empty() && read.faults.len() == 1, "{to}");
    }
    run.write(STEPS, format!("{STEPS_HEADER}3,1,1,1,-0.5,1e-3,0.9\n")).unwrap();
    assert!(run.steps().unwrap().faults[0].contains("`loss` is -0.5"));
}
