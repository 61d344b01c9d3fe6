//! An end without memory that says so.
//!
//! Rust ends a program by SIGABRT when memory is refused, and libtorch's threads do it too. It cannot be
//! unwound, so that temporary files stay behind as after `kill -9`; what was finished is whole.

#![expect(unsafe_code, reason = "an allocator and a signal's handler have no safe interface")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow};

use super::Exhausted;

/// The system's allocator; it remembers that it has refused.
struct Remembering;

#[global_allocator]
static ALLOCATOR: Remembering = Remembering;

static REFUSED: AtomicBool = AtomicBool::new(false);

fn remembered(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        REFUSED.store(true, Ordering::Relaxed);
    }
    memory
}

// SAFETY: all of it is the system's allocator.
unsafe impl GlobalAlloc for Remembering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        remembered(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        remembered(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        remembered(unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Whether there is memory for anything larger than a message.
pub(super) fn is_left() -> bool {
    const ENOUGH: usize = 64 << 20;
    let mut memory = Vec::<u8>::new();
    // Seen by somebody, or the compiler would leave it out.
    std::hint::black_box(&mut memory).try_reserve_exact(ENOUGH).is_ok()
}

/// Whether a program that is about to take this one's place can be started at all, where memory is
/// limited: libraries that find none while they are loaded end it before it can say a word.
#[cfg(unix)]
pub fn ensure_starts(mut trial: Command) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it fills in what it is given.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    if limit.rlim_cur == libc::RLIM_INFINITY {
        return Ok(());
    }
    let quiet = || Stdio::null();
    trial.arg("--version").stdin(quiet()).stdout(quiet()).stderr(quiet());
    match trial.status() {
        Ok(status) if !status.success() => {
            let (name, kilobytes) = (
                Path::new(trial.get_program()).file_name().unwrap_or_default(),
                limit.rlim_cur / 1024,
            );
            let name = name.display();
            Err(anyhow!("`{name}` does not start with {kilobytes} kB (`ulimit -v`)"))
                .context(Exhausted::Memory.to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub fn ensure_starts(_: Command) -> Result<()> {
    Ok(())
}

/// From now on SIGABRT for want of memory ends the program with a message and code 1.
#[cfg(unix)]
pub(super) fn tell_when_none_is_left() {
    let handler: extern "C" fn(libc::c_int) = on_abort;
    // SAFETY: the handler does only what a handler may.
    unsafe {
        libc::signal(libc::SIGABRT, handler as libc::sighandler_t);
    }
}

#[cfg(not(unix))]
pub(super) fn tell_when_none_is_left() {}

#[cfg(unix)]
extern "C" fn on_abort(_: libc::c_int) {
    const TEXT: &[u8] = b"error: there is not enough memory\nhint: ask for less, as with `--set \
        batch-size=8` or a smaller `--set size=..`, or allow more (`ulimit -v`, the limit of a \
        container or a job)\nhint: nothing is lost: the same command goes on where it was\n";
    /// Where so much cannot be had, memory is what somebody else ended the program for.
    const PROBE: usize = 64 << 20;
    // SAFETY: each of these may be called in a signal's handler, and the text is as long as it says.
    unsafe {
        let probe = libc::mmap(
            std::ptr::null_mut(),
            PROBE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        );
        if REFUSED.load(Ordering::Relaxed) || probe == libc::MAP_FAILED {
            libc::write(2, TEXT.as_ptr().cast(), TEXT.len());
            libc::_exit(1);
        }
    }
    // Back to whoever aborts, who then does it without us.
}
