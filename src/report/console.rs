//! Training as a person follows it: a heading a step, a line an epoch, what each step found.

use std::time::{Duration, Instant};

use super::bar::{Bar, Unit};
use crate::progress::Progress;
use crate::run::{Epoch, Event, Listener, Score, Stage};
use crate::term;

/// Epochs that last milliseconds are not all worth a line.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Prints events on the terminal.
#[derive(Default)]
pub struct Console {
    /// What the metric is called.
    metric: String,
    bar: Option<Bar>,
    stage: Option<Stage>,
    last_line: Option<Instant>,
}

impl Listener for Console {
    fn event(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                self.stage = Some(*stage);
                self.last_line = None;
                term::heading(format_args!("{}. {}", stage.number(), stage.title()));
            }
            Event::PassStarted { unit, total } => {
                let label = self.stage.map_or("", Stage::title);
                let bar = Bar::new(format!("   {label}"), Unit::Items(unit));
                bar.total(*total as u64);
                self.bar = Some(bar);
            }
            Event::Advanced { units } => self.advance(*units as u64),
            Event::Step(_) => self.advance(1),
            Event::Resumed { steps } => {
                let steps = term::thousands(*steps as usize);
                term::say(format_args!("   going on after step {steps}"));
            }
            Event::Note { text } => match &self.bar {
                Some(bar) => bar.note(text),
                None => term::say(format_args!("   {text}")),
            },
            Event::Stopped { why, .. } => {
                self.bar = None;
                term::warn(why);
            }
            Event::Epoch(Epoch { epoch, cycle, train_loss, score, seconds, .. }) => {
                self.bar = None;
                if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    self.last_line = Some(Instant::now());
                    let (score, seconds) = (summary(score, &self.metric), term::duration(*seconds));
                    term::say(format_args!(
                        "   epoch {epoch:>2}, cycle {cycle}   train {train_loss:.4}   {score}   {seconds}"
                    ));
                }
            }
            Event::RateFound(_) => self.bar = None,
            Event::Unknown => {}
            Event::StageFinished { seconds, found, .. } => {
                self.bar = None;
                term::say(format_args!("   {found} ({})", term::duration(*seconds)));
            }
        }
    }
}

impl Console {
    /// One that calls the metric so.
    pub fn new(metric: String) -> Self {
        Self { metric, ..Self::default() }
    }

    fn advance(&self, units: u64) {
        if let Some(bar) = &self.bar {
            bar.advance(units);
        }
    }
}

fn summary(score: &Score, name: &str) -> String {
    let Score { loss, metric, accuracy } = score;
    match accuracy {
        Some(accuracy) => format!("valid {loss:.4}   accuracy {accuracy:.4}"),
        None => format!("valid {loss:.4}   {name} {metric:.4}"),
    }
}
