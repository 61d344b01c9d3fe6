//! What becomes of a program that cannot go on: a bug, or a machine that has no memory or no thread
//! left to give.
//!
//! A panic is a bug of ours, and is told as one; it unwinds, so that no file is left half-written. What
//! the machine refuses is no bug: libraries panic over it, and here that becomes an error which says so;
//! nor is what a decoder panics over (`crate::foreign`), which is a file's own error.

mod memory;
mod threads;

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use thiserror::Error;

use crate::foreign;
use crate::term;

pub use memory::ensure_starts;
pub use threads::{start as start_threads, start_for as start_threads_for};

/// The program's own fault. It was told when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is a bug of kaggle-kit")]
pub struct Bug;

/// What the machine has none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    Memory,
    Threads,
}

/// Whether a bug was told: one is enough.
static TOLD: AtomicBool = AtomicBool::new(false);
/// What a library panicked over first.
static REFUSED: Mutex<Option<(Exhausted, String)>> = Mutex::new(None);

/// Does the work of a whole program; whatever panics in it becomes an error.
pub fn caught(work: impl FnOnce() -> Result<()>) -> Result<()> {
    panic::set_hook(Box::new(tell));
    memory::tell_when_none_is_left();
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (done, refused) {
        (Ok(Ok(())), _) => Ok(()),
        // Whatever came of it is told better by its cause.
        (_, Some((what, message))) => Err(what.error(&message)),
        (Ok(Err(error)), None) => Err(match Exhausted::of(&format!("{error:#}")) {
            Some(what) => error.context(what.to_string()),
            None if TOLD.load(Ordering::Relaxed) => Bug.into(),
            None => error,
        }),
        (Err(_), None) => Err(Bug.into()),
    }
}

/// What every panic passes through, on its own thread.
fn tell(panic: &PanicHookInfo) {
    let message = message_of(panic.payload());
    if let Some(what) = Exhausted::of(&message) {
        let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert((what, message));
        return;
    }
    if foreign::is_guarded() {
        return;
    }
    let is_known = REFUSED.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    if is_known || TOLD.swap(true, Ordering::Relaxed) {
        return;
    }
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    let typed: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    term::error(&anyhow::anyhow!(
        "this is a bug of kaggle-kit: {message}{}\nhint: please report it with these lines: \
         kaggle-kit {} ({} {}), `kaggle-kit {}`\nhint: `RUST_BACKTRACE=1` before the command shows \
         where it was; what was finished before is whole, and nothing is half-written",
        place.unwrap_or_default(),
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        typed.join(" "),
    ));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        term::usage(&backtrace.to_string());
    }
}

fn message_of(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it does not say why".to_owned())
}

impl Exhausted {
    /// What a text speaks of: there is no other way to know, as libtorch and the libraries have only
    /// words for it.
    fn of(text: &str) -> Option<Self> {
        Self::told(text)
            .or_else(|| (is_unclear(text) && !memory::is_left()).then_some(Self::Memory))
    }

    /// By words that leave no doubt.
    fn told(text: &str) -> Option<Self> {
        const MEMORY: [&str; 7] = [
            "out of memory",
            "not enough memory",
            "can't allocate memory",
            "cannot allocate memory",
            "std::bad_alloc",
            "memory allocation failed",
            "memory allocation of",
        ];
        const THREADS: [&str; 5] = [
            "failed to spawn thread",
            "can't spawn worker thread",
            "thread creation failed",
            "global thread pool has not been initialized",
            "resource temporarily unavailable",
        ];
        let text = text.to_ascii_lowercase();
        let speaks_of = |words: &[&str]| words.iter().any(|words| text.contains(words));
        if speaks_of(&MEMORY) {
            Some(Self::Memory)
        } else if speaks_of(&THREADS) {
            Some(Self::Threads)
        } else {
            None
        }
    }

    /// The error with what a library said, whose first line is enough.
    fn error(self, message: &str) -> anyhow::Error {
        // tch has libtorch's words as `Torch("..\\n..")`, after which its stack comes.
        let said = message.split_once("Torch(\"").map_or(message, |(_, said)| said);
        let lines = said.split("\\n").flat_map(str::lines);
        let said = lines
            .into_iter()
            .find(|line| Self::told(line).is_some() || is_unclear(line))
            .unwrap_or_default();
        anyhow::Error::msg(term::short(said.trim().trim_end_matches("\")"), 200))
            .context(self.to_string())
    }
}

/// What oneDNN says whatever it was that went wrong.
fn is_unclear(text: &str) -> bool {
    ["could not create a primitive", "could not execute a primitive", "could not create a memory"]
        .iter()
        .any(|words| text.contains(words))
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => {
                "there is not enough memory\nhint: ask for less, as with `--set batch-size=8` or a \
                 smaller `--set size=..`, or allow more (`ulimit -v`, the limit of a container or a \
                 job)\nhint: nothing is lost: the same command goes on where it was"
            }
            Self::Threads => {
                "no thread could be started\nhint: allow more processes or memory (`ulimit -u`, \
                 `ulimit -v`, the limits of a container or a job), or ask for fewer threads with \
                 `RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1`\nhint: nothing is lost: the same command \
                 goes on where it was"
            }
        })
    }
}

#[cfg(test)]
mod tests;
