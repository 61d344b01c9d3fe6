//! A process that another one has started listens at its standard input: a letter asks it to stop after this
//! step, and the end of it, which comes however the other one ends, ends this one too.

use std::io::{Read, stdin};
use std::process::{abort, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, sleep, spawn};
use std::time::Duration;

/// The variable that says so.
pub(super) const HELD: &str = kaggle_kit::commands::stage::LIFELINE;
/// What asks to stop.
pub(super) const STOP: u8 = b's';
/// An orderly end takes no longer.
const LONGEST_END: Duration = Duration::from_secs(3);

/// Whether somebody has started this process and watches it.
pub(super) fn is_held() -> bool {
    std::env::var_os(HELD).is_some()
}

/// Listens, if there is anybody; `stop` is set when that one asks.
pub(super) fn hold(stop: &Arc<AtomicBool>) {
    if !is_held() {
        return;
    }
    let stop = Arc::clone(stop);
    let listener = Builder::new().name("lifeline".to_owned()).spawn(move || {
        let mut letter = [0];
        while let Ok(1) = stdin().read(&mut letter) {
            if letter[0] == STOP {
                stop.store(true, Ordering::Relaxed);
            }
        }
        end();
    });
    // Without a thread nobody would notice that the other one is gone.
    if listener.is_err() {
        end();
    }
}

/// Whoever waits for this process is gone; other ranks may be, in the middle of a sum.
fn end() -> ! {
    spawn(|| {
        sleep(LONGEST_END);
        abort();
    });
    exit(1)
}
