//! One piece of long work on the terminal: a bar with rate and time left, or plain lines in a log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::progress::Progress;
use crate::term;

#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Bytes, shown as `12.3 MB`.
    Bytes,
    /// Things of this name, in the plural.
    Items(&'static str),
    /// Of waiting, which nothing makes faster.
    Seconds,
}

/// A terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;
/// More of a label is cut, also where there would be room.
const LONGEST_LABEL: usize = 60;
/// How often a log (no terminal) gets a line.
const LOG_EVERY: Duration = Duration::from_secs(15);

/// A bar that is drawn on a terminal, lines of text elsewhere, and gone when dropped.
pub struct Bar {
    drawn: ProgressBar,
    label: String,
    beside: Arc<Mutex<Beside>>,
    unit: Unit,
    done: AtomicU64,
    total: AtomicU64,
    /// What was done when it began, and when that was.
    begun: (u64, Instant),
    last_line: Mutex<Instant>,
}

impl Bar {
    /// A bar for work called `label`, such as `train.zip` or `activations`.
    pub fn new(label: impl Into<String>, unit: Unit) -> Self {
        Self::going_on(label, unit, 0)
    }

    /// The same for work of which so many units are done already.
    pub fn going_on(label: impl Into<String>, unit: Unit, done: u64) -> Self {
        // It may be a file's name from elsewhere.
        let label = term::short(&label.into(), LONGEST_LABEL);
        let target = if term::draws_bars() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let width = term::story_width().unwrap_or(USUAL_WIDTH);
        let beside = Arc::new(Mutex::new(Beside::default()));
        let style = style(unit, width, Arc::clone(&beside));
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        call(&bar, &beside, &label, width);
        bar.set_position(done);
        bar.reset_eta();
        let last_line = Mutex::new(Instant::now());
        Self {
            drawn: bar,
            label,
            beside,
            unit,
            done: AtomicU64::new(done),
            total: AtomicU64::new(0),
            begun: (done, Instant::now()),
            last_line,
        }
    }

    /// Calls the work otherwise from here on; lines in a log do not.
    pub fn rename(&self, label: &str) {
        call(&self.drawn, &self.beside, label, term::story_width().unwrap_or(USUAL_WIDTH));
    }

    /// What it counts, and how many of them there are.
    pub fn measure(&self) -> (Unit, u64) {
        (self.unit, self.total.load(Ordering::Relaxed))
    }

    /// What is said behind the time that is left.
    pub fn also(&self, text: impl Into<String>) {
        if let Ok(mut beside) = self.beside.lock() {
            beside.also = text.into();
        }
    }

    fn log_line(&self) {
        let Ok(mut last) = self.last_line.try_lock() else { return };
        if last.elapsed() < LOG_EVERY {
            return;
        }
        *last = Instant::now();
        let noun = match self.unit {
            Unit::Items(noun) => format!(" {noun}"),
            Unit::Bytes | Unit::Seconds => String::new(),
        };
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        let counts = match total {
            0 => amount(self.unit, done),
            total => format!("{} of {}", amount(self.unit, done), amount(self.unit, total)),
        };
        let (before, since) = self.begun;
        let a_second = done.saturating_sub(before) as f64 / since.elapsed().as_secs_f64();
        let rate = rate(self.unit, a_second).map(|rate| format!(", {rate}")).unwrap_or_default();
        term::say(format_args!("   {}: {counts}{noun}{rate}", self.label.trim()));
    }
}

impl Progress for Bar {
    fn total(&self, units: u64) {
        self.total.store(units, Ordering::Relaxed);
        self.drawn.set_length(units);
    }

    fn advance(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
        self.drawn.inc(units);
        if !term::draws_bars() {
            self.log_line();
        }
    }

    fn note(&self, text: &str) {
        self.drawn.suspend(|| term::say(format_args!("   {text}")));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.finish_and_clear();
    }
}

/// What stands beside a bar: how many letters its name has, and what is said of more than this work.
#[derive(Default)]
struct Beside {
    label: usize,
    also: String,
}

/// Of a bar, at least.
const SHORTEST_BAR: usize = 8;
/// On a narrower terminal there is no bar: a share says the same.
const NO_BAR: usize = 56;

fn call(bar: &ProgressBar, beside: &Mutex<Beside>, label: &str, width: usize) {
    // Beside a share and a time, or beside a bar.
    let room = if width < NO_BAR { width.saturating_sub(22) } else { width / 2 - 8 }.max(8);
    let short =
        if label.chars().count() <= room { label.to_owned() } else { term::short(label, room - 3) };
    if let Ok(mut beside) = beside.lock() {
        beside.label = short.chars().count();
    }
    bar.set_prefix(short);
}

/// A bar that takes what is left of a line so wide.
fn style(unit: Unit, width: usize, beside: Arc<Mutex<Beside>>) -> ProgressStyle {
    let has_bar = width >= NO_BAR;
    let template = if has_bar { "{prefix} {wide_bar} {told}" } else { "{prefix}  {told}" };
    let told = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let Ok(beside) = beside.lock() else { return };
        let gaps = if has_bar { 2 + SHORTEST_BAR } else { 2 };
        let room = width.saturating_sub(beside.label + gaps);
        let _ = write!(out, "{}", told(unit, state, &beside.also, has_bar, room));
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("told", told)
}

/// What there is room for of: how much is done, how fast, how long this work and all of it will take.
fn told(unit: Unit, state: &ProgressState, also: &str, has_bar: bool, room: usize) -> String {
    let done = amount(unit, state.pos());
    let counts = match state.len() {
        Some(total) => format!("{done}/{}", amount(unit, total)),
        None => done,
    };
    let rate = rate(unit, state.per_sec()).unwrap_or_default();
    let left = match state.eta().as_secs_f64() {
        left if left > 0.0 && state.len().is_some() => format!("{} left", term::duration(left)),
        _ => String::new(),
    };
    let share = format!("{:.0}%", 100.0 * state.fraction());
    let (counts, rate, left) = (counts.as_str(), rate.as_str(), left.as_str());
    let with_bar = [&[counts, rate, left, also][..], &[counts, left, also], &[counts, rate, left]];
    let without = [&[share.as_str(), left, also][..], &[&share, left], &[&share]];
    let ways = if has_bar { [with_bar, without].concat() } else { without.to_vec() };
    let joined = |parts: &[&str]| {
        parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    let mut lines = ways.into_iter().map(joined);
    lines.find(|line| line.chars().count() <= room).unwrap_or_default()
}

/// `12.3 MB`, `1,202`.
fn amount(unit: Unit, n: u64) -> String {
    match unit {
        Unit::Bytes => term::bytes(n),
        Unit::Items(_) => term::thousands(n as usize),
        Unit::Seconds => term::duration(n as f64),
    }
}

/// How fast it goes: `12.3 MB/s`, `2.3 images/s`, or, of what is slow, `21 s a step`. None while nothing
/// is known.
fn rate(unit: Unit, a_second: f64) -> Option<String> {
    if !a_second.is_finite() || a_second < 1e-6 {
        return None;
    }
    match unit {
        Unit::Seconds => None,
        Unit::Bytes => Some(format!("{}/s", term::bytes(a_second as u64))),
        Unit::Items(noun) if a_second >= 99.5 => {
            Some(format!("{} {noun}/s", term::thousands(a_second.round() as usize)))
        }
        Unit::Items(noun) if a_second >= 0.95 => Some(format!("{a_second:.1} {noun}/s")),
        Unit::Items(noun) => {
            Some(format!("{} {}", term::duration(1.0 / a_second), term::a(singular(noun))))
        }
    }
}

/// `step` of `steps`.
fn singular(noun: &'static str) -> &'static str {
    noun.strip_suffix('s').unwrap_or(noun)
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what is written on it.
    #[derive(Clone, Debug)]
    struct Screen(u16, Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.0
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.1.lock().unwrap().clear();
            Ok(())
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn rates_are_told_in_plain_words() {
        let items = |noun, a_second| rate(Unit::Items(noun), a_second).unwrap();
        assert_eq!(items("images", 2.34), "2.3 images/s");
        assert_eq!(items("images", 1234.4), "1,234 images/s");
        assert_eq!(items("steps", 1.0 / 21.0), "21 s a step");
        assert_eq!(items("images", 0.5), "2.0 s an image");
        assert_eq!(rate(Unit::Bytes, 12_345_678.0).unwrap(), "12.3 MB/s");
        assert_eq!(rate(Unit::Bytes, 0.0), None);
        assert_eq!(rate(Unit::Seconds, 1.0), None);
        assert_eq!(rate(Unit::Items("steps"), f64::NAN), None);
    }

    #[test]
    fn a_bar_fits_any_width() {
        for width in [20, 40, 56, 72, 80, 120, 200] {
            for (label, unit) in [
                ("   head with augmentation", Unit::Items("steps")),
                ("a-very-long-name-of-an-archive-of-training-pictures.zip", Unit::Bytes),
            ] {
                let screen = Screen(width, Arc::default());
                let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
                let also = "(run: 2 h 05 min left)".to_owned();
                let beside = Arc::new(Mutex::new(Beside { also, ..Beside::default() }));
                let bar = ProgressBar::with_draw_target(Some(987_654_321_000), target)
                    .with_style(style(unit, width.into(), Arc::clone(&beside)));
                call(&bar, &beside, label, width.into());
                bar.set_position(123_456_789_000);
                bar.tick();
                let shown = screen.1.lock().unwrap().trim_end().to_owned();
                let n = shown.chars().count();
                assert!(!shown.is_empty() && n <= width.into(), "{n} of {width}: {shown}");
            }
        }
    }
}
