//! Training as a person follows it: a heading a step, a line an epoch, what each step found, and how long
//! all of it will take.

use std::time::{Duration, Instant};

use super::bar::{Bar, Unit};
use super::estimate::{Estimate, about};
use crate::learn::Piece;
use crate::progress::Progress;
use crate::run::{Epoch, Event, Listener, Score, Stage};
use crate::term;

/// Epochs that last milliseconds are not all worth a line.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Prints events on the terminal.
pub struct Console {
    /// What the metric is called.
    metric: String,
    bar: Option<Bar>,
    stage: Option<Stage>,
    /// The epoch that is trained.
    epoch: usize,
    /// Epochs of each stage, if it is known how many there will be at most.
    planned: Vec<Piece>,
    last_line: Option<Instant>,
    /// Epochs without a line so far.
    untold: Option<Untold>,
    /// The lowest loss of the run.
    best: f64,
    begun: Instant,
    estimate: Option<Estimate>,
    deadline: Option<Instant>,
}

/// Epochs that one line will tell of.
#[derive(Clone, Debug, PartialEq)]
struct Untold {
    first: usize,
    last: Epoch,
    seconds: f64,
    /// The best of the run, if it is one of these: its number and its loss.
    best: Option<(usize, f64)>,
}

impl Listener for Console {
    fn event(&mut self, event: &Event) {
        if let Some(estimate) = &mut self.estimate {
            estimate.event(event, self.begun.elapsed().as_secs_f64());
        }
        match event {
            Event::StageStarted { stage } => {
                (self.stage, self.last_line, self.epoch, self.bar) = (Some(*stage), None, 1, None);
                let has_work = self.planned.iter().any(|piece| piece.stage == *stage);
                let left = self.left().filter(|_| has_work && *stage != Stage::Precompute);
                let left = left.map(|left| format!("  (about {left} left of the run)"));
                let left = left.unwrap_or_default();
                term::heading(format_args!("{}. {}{left}", stage.number(), stage.title()));
            }
            Event::PassStarted { unit, total } => {
                self.begin_bar(Unit::Items(unit), *total as u64, 0);
            }
            // Steps of an epoch that were made before the run was stopped.
            Event::Advanced { units } if self.is_in_epochs() => {
                if let (Some(bar), true) = (&self.bar, *units > 0) {
                    let (unit, total) = bar.measure();
                    self.begin_bar(unit, total, *units as u64);
                }
            }
            Event::Advanced { units } => self.advance(*units as u64),
            Event::Step(step) => {
                // Of a run that goes on, it may not be the first.
                if step.epoch != self.epoch {
                    self.epoch = step.epoch;
                    if let Some(bar) = &self.bar {
                        bar.rename(&self.label());
                    }
                }
                self.advance(1);
            }
            Event::Resumed { steps, best } => {
                self.best = best.unwrap_or(f64::INFINITY);
                let steps = term::thousands(*steps as usize);
                term::say(format_args!("   going on after step {steps}"));
            }
            Event::Note { text } => self.say(text),
            Event::Stopped { why, .. } => {
                self.tell_epochs();
                self.bar = None;
                term::warn(why);
            }
            Event::Epoch(epoch) => self.end_epoch(epoch),
            Event::RateFound(_) => self.bar = None,
            Event::Unknown => {}
            Event::StageFinished { seconds, found, .. } => {
                self.tell_epochs();
                self.bar = None;
                term::say(format_args!("   {found} ({})", term::duration(*seconds)));
            }
        }
    }
}

impl Console {
    /// One that calls the metric so.
    pub fn new(metric: String) -> Self {
        Self {
            metric,
            bar: None,
            stage: None,
            epoch: 1,
            planned: Vec::new(),
            last_line: None,
            untold: None,
            best: f64::INFINITY,
            begun: Instant::now(),
            estimate: None,
            deadline: None,
        }
    }

    /// Tells how long the run will take: what there is to do, by how many backbones, and when it ends at
    /// the latest.
    #[must_use]
    pub fn foreseeing(
        mut self,
        pieces: Vec<Piece>,
        backbones: usize,
        deadline: Option<Instant>,
    ) -> Self {
        self.planned.clone_from(&pieces);
        self.estimate = Some(Estimate::new(pieces, backbones));
        self.deadline = deadline;
        self
    }

    fn begin_bar(&mut self, unit: Unit, total: u64, done: u64) {
        // The one before goes first: two on the screen would stay there.
        self.bar = None;
        let bar = Bar::going_on(self.label(), unit, done);
        bar.total(total);
        self.bar = Some(bar);
        self.tell_left();
    }

    /// What the bar is called: the heading above it says the rest.
    fn label(&self) -> String {
        if !self.is_in_epochs() {
            return format!("   {}", self.stage.map_or("", Stage::title));
        }
        match self.n_epochs() {
            n if n >= self.epoch => format!("   epoch {} of {n}", self.epoch),
            _ => format!("   epoch {}", self.epoch),
        }
    }

    fn is_in_epochs(&self) -> bool {
        self.stage.is_some_and(Stage::has_epochs)
    }

    fn n_epochs(&self) -> usize {
        self.planned.iter().filter(|piece| Some(piece.stage) == self.stage).count()
    }

    /// The time until the run is done, in words.
    fn left(&self) -> Option<String> {
        let left = self.estimate.as_ref()?.left()?;
        let bound = self.deadline.map_or(f64::INFINITY, |deadline| {
            deadline.saturating_duration_since(Instant::now()).as_secs_f64()
        });
        Some(about(left.min(bound)))
    }

    fn tell_left(&self) {
        let is_known = self.stage.is_some_and(|stage| stage != Stage::Precompute);
        if let (Some(bar), Some(left)) = (&self.bar, self.left().filter(|_| is_known)) {
            bar.also(format!("(run: {left} left)"));
        }
    }

    fn advance(&self, units: u64) {
        if let Some(bar) = &self.bar {
            bar.advance(units);
            self.tell_left();
        }
    }

    /// Says a line above the bar.
    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.note(text),
            None => term::say(format_args!("   {text}")),
        }
    }

    fn end_epoch(&mut self, epoch: &Epoch) {
        let loss = epoch.score.loss;
        let best = (loss < self.best).then_some((epoch.epoch, loss));
        self.best = self.best.min(loss);
        self.untold = Some(match self.untold.take() {
            None => {
                Untold { first: epoch.epoch, last: epoch.clone(), seconds: epoch.seconds, best }
            }
            Some(before) => Untold {
                seconds: before.seconds + epoch.seconds,
                best: best.or(before.best),
                last: epoch.clone(),
                ..before
            },
        });
        self.epoch = epoch.epoch + 1;
        if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.tell_epochs();
        }
    }

    /// The line of the epochs that had none so far.
    fn tell_epochs(&mut self) {
        let Some(untold) = self.untold.take() else { return };
        self.last_line = Some(Instant::now());
        // In a log there is no bar that says it.
        let left = if term::draws_bars() { None } else { self.left() };
        let line = line(&untold, &self.metric, left.as_deref(), term::story_width());
        self.say(&line);
    }
}

/// A line of one epoch or several, in as much detail as there is room for.
fn line(untold: &Untold, metric: &str, left: Option<&str>, width: Option<usize>) -> String {
    let Untold { first, last, seconds, best } = untold;
    let Epoch {
        epoch, cycle, train_loss, score: Score { loss, metric: value, accuracy, .. }, ..
    } = last;
    let number = match first {
        first if first == epoch => format!("epoch {epoch:>2}"),
        first => format!("epochs {first}-{epoch}"),
    };
    let cycle = match last.stage {
        Stage::WholeNetwork => format!(", cycle {cycle}"),
        // It is the only one there, or an epoch.
        _ => String::new(),
    };
    let number = format!("{number:<8}");
    let score = match accuracy {
        Some(accuracy) => format!("  accuracy {accuracy:.4}"),
        None => format!("  {metric} {value:.4}"),
    };
    let best = match best {
        Some((at, _)) if at == epoch => "  best".to_owned(),
        Some((at, loss)) => format!("  best {loss:.4} in {at}"),
        None => String::new(),
    };
    let (train, valid) = (format!("  train {train_loss:.4}"), format!("  valid {loss:.4}"));
    let time = format!("  {}", term::duration(*seconds));
    let left = left.map(|left| format!("  (run: {left} left)")).unwrap_or_default();
    let lines = [
        format!("{number}{cycle}{train}{valid}{score}{time}{best}{left}"),
        format!("{number}{train}{valid}{score}{time}{best}"),
        format!("{number}{train}{valid}{score}{best}"),
        format!("{number}{train}{valid}{best}"),
    ];
    // It is set in by three.
    let fits = |line: &&String| width.is_none_or(|width| line.chars().count() + 3 <= width);
    lines.iter().find(fits).unwrap_or(&lines[3]).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(first: usize, best: Option<(usize, f64)>) -> Untold {
        let last = Epoch {
            stage: Stage::HeadOnActivations,
            epoch: 12,
            cycle: 1,
            train_loss: 0.5,
            score: Score { loss: 0.25, metric: 0.9, accuracy: None, error: None },
            rates: [1.0; 3],
            seconds: 0.1,
        };
        Untold { first, last, seconds: 1.2, best }
    }

    #[test]
    fn no_epoch_is_passed_over_in_silence_and_the_best_is_marked() {
        let told = |first, best| line(&untold(first, best), "F2", None, None);
        assert_eq!(told(12, None), "epoch 12  train 0.5000  valid 0.2500  F2 0.9000  1.2 s");
        let several = told(3, Some((7, 0.2)));
        assert!(several.starts_with("epochs 3-12  train"), "{several}");
        assert!(several.ends_with("best 0.2000 in 7"), "{several}");
        assert!(told(12, Some((12, 0.25))).ends_with("1.2 s  best"));
    }

    #[test]
    fn a_line_says_what_there_is_room_for() {
        let told = |width| line(&untold(3, Some((12, 0.25))), "F2", None, Some(width));
        for width in [120, 80, 60, 50] {
            assert!(told(width).chars().count() + 3 <= width, "{}", told(width));
        }
        assert_eq!(told(40), "epochs 3-12  train 0.5000  valid 0.2500  best");
    }

    #[test]
    fn epochs_are_told_together_until_a_second_is_over() {
        let mut console = Console::new("F2".to_owned());
        let epoch = |epoch, loss| {
            let score = Score { loss, metric: 0.9, accuracy: None, error: None };
            Epoch { epoch, score, ..untold(1, None).last }
        };
        for (number, loss) in [(1, 0.5), (2, 0.3), (3, 0.4)] {
            console.event(&Event::Epoch(epoch(number, loss)));
        }
        let untold = console.untold.clone().unwrap();
        assert_eq!((untold.first, untold.last.epoch, untold.best), (2, 3, Some((2, 0.3))));
        let (stage, found) = (Stage::HeadOnActivations, String::new());
        console.event(&Event::StageFinished { stage, seconds: 1.0, found });
        assert_eq!(console.untold, None, "the last ones have a line as well");
    }
}
