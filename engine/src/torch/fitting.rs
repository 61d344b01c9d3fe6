//! Work that may ask for more memory than there is, done in smaller pieces then.
//!
//! tch's operations panic where libtorch refuses, and it refuses in the middle of a forward pass. What
//! is refused for want of memory is no bug here but an answer: the next try asks for half.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use anyhow::{Error, Result, anyhow};
use tch::{no_grad_guard, with_grad};

use super::libtorch;

/// What says that a memory is full: libtorch's words for a GPU and for the host, then those of the
/// libraries behind it, in small letters.
const WORDS: [&str; 8] = [
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudnn_status_internal_error_device_allocation_failed",
    "cusolver_status_alloc_failed",
    "std::bad_alloc",
];

thread_local! {
    /// Whether this thread waits for a panic over memory.
    static WAITS: Cell<bool> = const { Cell::new(false) };
}

/// Does it; a panic for want of memory becomes an error, any other goes on. What was computed by then is
/// freed, and gradients are kept track of as before.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    silence();
    // Unwinding leaves tch's `no_grad` without its end; this guard has it.
    let as_it_was = no_grad_guard();
    let before = WAITS.replace(true);
    let done = catch_unwind(AssertUnwindSafe(|| with_grad(work)));
    WAITS.set(before);
    drop(as_it_was);
    match done {
        Ok(done) => done,
        Err(panic) => match text_of(panic.as_ref()).filter(|text| is_about_memory(text)) {
            Some(text) => Err(anyhow!(text)),
            None => resume_unwind(panic),
        },
    }
}

/// Whether an error says that a memory is full.
pub(super) fn is_out_of_memory(error: &Error) -> bool {
    error.chain().any(|cause| is_about_memory(&cause.to_string()))
}

/// So many of `n` at a time, all in turn, and their results one after another; where the memory is too
/// small, half as many from there on, which `at_once` remembers.
pub(super) fn in_pieces<T>(
    n: usize,
    at_once: &mut usize,
    mut work: impl FnMut(std::ops::Range<usize>) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    let (mut all, mut start) = (Vec::new(), 0);
    while start < n {
        let range = start..(start + (*at_once).max(1)).min(n);
        let size = range.len();
        match caught(|| work(range)) {
            Ok(some) => {
                start += size;
                all.extend(some);
            }
            Err(error) if size > 1 && is_out_of_memory(&error) => {
                libtorch::empty_cuda_cache();
                *at_once = size.div_ceil(2);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn is_about_memory(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|words| text.contains(words))
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}

/// From now on nobody is told of a panic that is waited for.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            let is_expected =
                WAITS.get() && text_of(panic.payload()).is_some_and(|text| is_about_memory(&text));
            if !is_expected {
                tell(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    /// More than any machine has.
    fn too_large() -> Tensor {
        Tensor::zeros([1 << 50], (Kind::Float, Device::Cpu))
    }

    #[test]
    fn a_panic_over_memory_is_an_error_and_gradients_are_as_before() {
        let error = caught(|| tch::no_grad(|| Ok(too_large()))).unwrap_err();
        assert!(is_out_of_memory(&error), "{error:#}");
        assert!(libtorch::gradients_are_on());
        tch::no_grad(|| {
            caught(|| Ok(())).unwrap();
            assert!(!libtorch::gradients_are_on());
        });
    }

    #[test]
    fn every_text_is_known_and_no_other() {
        for text in [
            "CUDA out of memory. Tried to allocate 20.00 MiB",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you \
             tried to allocate 9 bytes. Error code 12 (Cannot allocate memory)",
            "MPS backend out of memory",
        ] {
            assert!(is_out_of_memory(&anyhow!(text).context("step")), "{text}");
        }
        assert!(!is_out_of_memory(&anyhow!("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED")));
    }

    #[test]
    fn pieces_are_halved_until_they_fit_and_stay_so() {
        let (mut at_once, mut tried) = (16, Vec::new());
        let mut double = |range: std::ops::Range<usize>| {
            tried.push(range.len());
            if range.len() > 5 {
                drop(too_large());
            }
            Ok(range.map(|i| 2 * i).collect())
        };
        let all = in_pieces(11, &mut at_once, &mut double).unwrap();
        assert_eq!(all, (0..11).map(|i| 2 * i).collect::<Vec<_>>());
        assert_eq!((at_once, tried), (3, vec![11, 6, 3, 3, 3, 2]));
    }

    #[test]
    fn what_fits_in_no_pieces_and_what_is_no_memory_is_told() {
        let mut at_once = 4;
        let never = in_pieces(4, &mut at_once, |_| Ok(vec![too_large()]));
        assert!(is_out_of_memory(&never.unwrap_err()) && at_once == 1);
        let wrong = in_pieces::<()>(4, &mut at_once, |_| Err(anyhow!("wrong")));
        assert_eq!(wrong.unwrap_err().to_string(), "wrong");
        let panic = catch_unwind(|| caught::<()>(|| panic!("a bug")));
        assert_eq!(text_of(panic.unwrap_err().as_ref()).unwrap(), "a bug");
    }
}
