//! One piece of long work on the terminal: a bar with rate and time left, or plain lines in a log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Progress;
use crate::term;

#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Bytes, shown as `12.3 MB`.
    Bytes,
    /// Things of this name, in the plural.
    Items(&'static str),
}

/// More of a label is cut.
const LONGEST_LABEL: usize = 60;
/// How often a log (no terminal) gets a line.
const LOG_EVERY: Duration = Duration::from_secs(15);

/// A bar that is drawn on a terminal, lines of text elsewhere, and gone when dropped.
pub struct Bar {
    drawn: ProgressBar,
    label: String,
    unit: Unit,
    done: AtomicU64,
    total: AtomicU64,
    last_line: Mutex<Instant>,
}

impl Bar {
    /// A bar for work called `label`, such as `train.zip` or `activations`.
    pub fn new(label: impl Into<String>, unit: Unit) -> Self {
        // It may be a file's name from elsewhere.
        let label = term::short(&label.into(), LONGEST_LABEL);
        let target = if term::draws_bars() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes} {binary_bytes_per_sec}",
            Unit::Items(_) => "{human_pos}/{human_len} {per_sec}",
        };
        let template = format!("{{msg:24}} {{bar:28}} {counts} {{eta}} left");
        let style = ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.set_message(label.clone());
        let last_line = Mutex::new(Instant::now());
        Self {
            drawn: bar,
            label,
            unit,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            last_line,
        }
    }

    fn log_line(&self) {
        let Ok(mut last) = self.last_line.try_lock() else { return };
        if last.elapsed() < LOG_EVERY {
            return;
        }
        *last = Instant::now();
        let shown = |n: u64| match self.unit {
            Unit::Bytes => term::bytes(n),
            Unit::Items(_) => term::thousands(n as usize),
        };
        let noun = match self.unit {
            Unit::Bytes => "",
            Unit::Items(noun) => noun,
        };
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        let of = if total > 0 { format!(" of {}", shown(total)) } else { String::new() };
        term::say(format!("  {}: {}{of} {noun}", self.label, shown(done)).trim_end());
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
