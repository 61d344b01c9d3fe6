//! rayon's threads, started before anything needs them: where fewer can be had than there are cores,
//! rayon itself would panic, and never try again.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Builder};
use std::time::Duration;

use anyhow::{Context, Result};
use rayon::{ThreadBuilder, ThreadPoolBuilder};

use super::Exhausted;
use crate::place::Place;
use crate::term;

/// More threads than these, or than so many a core, are a slip: each takes memory, and the system ends a
/// program that asks for a million.
const MOST: usize = 256;
const MOST_A_CORE: usize = 4;
/// Those that make batches, Ctrl-C's, and those of libraries.
const LEFT_TO_OTHERS: usize = 6;
/// Where none can be had, another process may be about to end.
const TRIES: usize = 4;
const BETWEEN: Duration = Duration::from_millis(50);

/// Starts as many as rayon would, or as many as can be had.
pub fn start() -> Result<()> {
    start_for(own_cores)
}

/// The same with as many as `cores` says, unless the user has said how many.
pub fn start_for(cores: impl FnOnce() -> usize) -> Result<()> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let wanted = wanted(cores);
    let mut waiting = as_many_as_can_be_had(wanted)?;
    let had = waiting.len();
    if had < wanted {
        let n = had.saturating_sub(LEFT_TO_OTHERS).max(1);
        waiting.truncate(n);
        term::warn(format_args!(
            "only {} of {wanted} could be started, {n} for images: there is a limit on processes or \
             memory",
            term::count(had, "thread")
        ));
    }
    let pool = ThreadPoolBuilder::new().num_threads(waiting.len());
    let pool = pool.spawn_handler(|work| {
        let thread = waiting.pop().ok_or(io::ErrorKind::WouldBlock)?;
        thread.send(work).map_err(|_| io::ErrorKind::WouldBlock.into())
    });
    match pool.build_global() {
        // Without a cause: somebody was here before, and has them.
        Err(error) if std::error::Error::source(&error).is_some() => {
            Err(error).context(Exhausted::Threads.to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// All of the machine's, or a rank's part of them.
fn own_cores() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // Variables that make no sense are told where they are read.
    let place = Place::of_process().ok().flatten();
    place.map_or(cores, |place| place.cores(cores))
}

/// What rayon goes by, within bounds.
fn wanted(cores: impl FnOnce() -> usize) -> usize {
    let named = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.trim().parse().ok());
    let (wanted, is_cut) = within_bounds(named, cores());
    if is_cut {
        term::warn(format_args!(
            "`RAYON_NUM_THREADS` asks for more threads than are of use: {wanted} are started"
        ));
    }
    wanted
}

/// As many as were asked for, or one a core; and whether that was more than is started.
fn within_bounds(named: Option<u64>, cores: usize) -> (usize, bool) {
    let most = cores.saturating_mul(MOST_A_CORE).max(MOST);
    match named.filter(|&n| n > 0) {
        None => (cores, false),
        Some(n) => match usize::try_from(n) {
            Ok(n) if n <= most => (n, false),
            _ => (most, true),
        },
    }
}

/// At least one.
fn as_many_as_can_be_had(wanted: usize) -> Result<Vec<Sender<ThreadBuilder>>> {
    let mut tries = 0;
    loop {
        match waiting(wanted) {
            (waiting, _) if !waiting.is_empty() => return Ok(waiting),
            (_, Some(error)) if tries == TRIES => {
                return Err(error).context(Exhausted::Threads.to_string());
            }
            _ => thread::sleep(BETWEEN),
        }
        tries += 1;
    }
}

/// Threads that wait for what they are to do, and why there are no more. One whose sender is dropped ends.
fn waiting(wanted: usize) -> (Vec<Sender<ThreadBuilder>>, Option<io::Error>) {
    let mut waiting = Vec::new();
    for _ in 0..wanted {
        let (give, take) = channel::<ThreadBuilder>();
        let thread = Builder::new().spawn(move || {
            if let Ok(work) = take.recv() {
                work.run();
            }
        });
        match thread {
            Ok(_) => waiting.push(give),
            Err(error) => return (waiting, Some(error)),
        }
    }
    (waiting, None)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn a_million_threads_are_not_started() {
        for (named, expected) in [
            (None, (2, false)),
            (Some(0), (2, false)),
            (Some(1), (1, false)),
            (Some(256), (256, false)),
            (Some(1_000_000), (256, true)),
            (Some(u64::MAX), (256, true)),
        ] {
            assert_eq!(within_bounds(named, 2), expected);
        }
        assert_eq!(within_bounds(Some(1_000_000), 100), (400, true));
    }

    #[test]
    fn threads_that_were_started_before_do_rayons_work() {
        assert!(wanted(own_cores) > 0);
        let (mut ready, trouble) = waiting(3);
        assert!(ready.len() == 3 && trouble.is_none());
        let pool = ThreadPoolBuilder::new().num_threads(3).spawn_handler(|work| {
            ready.pop().unwrap().send(work).unwrap();
            Ok(())
        });
        let pool = pool.build().unwrap();
        assert_eq!(pool.install(|| (0..1000).into_par_iter().sum::<u64>()), 499_500);
        start().unwrap();
        start().unwrap();
    }
}
