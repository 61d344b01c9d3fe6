//! How often and how soon a call that failed for a passing reason is made again.

use std::thread;
use std::time::{Duration, SystemTime};

use super::Error;

/// A bounded number of retries with growing waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often a failed call is made again.
    pub retries: u32,
    /// The first wait; every other is twice as long as the one before.
    pub first: Duration,
    /// The longest wait. A server that asks for more is not waited for: its answer is the error.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 5, first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Patience {
    /// Calls until it succeeds, fails for good, or patience is at its end.
    pub(super) fn retry<T>(&self, mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let mut retry = 0;
        loop {
            let error = match call() {
                Ok(value) => return Ok(value),
                Err(error) if retry < self.retries && error.is_passing() => error,
                Err(error) => return Err(error),
            };
            let wait = match error.retry_after() {
                Some(asked) if asked > self.longest => return Err(error),
                Some(asked) => asked,
                None => self.backoff(retry),
            };
            thread::sleep(wait);
            retry += 1;
        }
    }

    /// Twice the wait before, less up to a quarter so that clients do not come back in step.
    fn backoff(&self, retry: u32) -> Duration {
        let whole = self.first.saturating_mul(1 << retry.min(16)).min(self.longest);
        let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
        whole.mul_f64(1.0 - 0.25 * f64::from(nanos % 1000) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(patience: Patience, error: impl Fn() -> Error) -> u32 {
        let mut calls = 0;
        let result = patience.retry(|| -> Result<(), Error> {
            calls += 1;
            Err(error())
        });
        assert!(result.is_err());
        calls
    }

    #[test]
    fn only_passing_troubles_are_tried_again() {
        let quick = Patience { retries: 3, first: Duration::ZERO, ..Patience::default() };
        let limited =
            |retry_after| move || Error::RateLimited { message: String::new(), retry_after };
        assert_eq!(counted(quick, limited(None)), 4);
        assert_eq!(counted(quick, limited(Some(Duration::ZERO))), 4);
        assert_eq!(counted(quick, limited(Some(Duration::from_secs(3600)))), 1);
        assert_eq!(counted(quick, || Error::NotFound { what: String::new() }), 1);
        assert_eq!(counted(Patience { retries: 0, ..quick }, limited(None)), 1);
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let patience = Patience::default();
        assert!(patience.backoff(0) <= Duration::from_millis(500));
        assert!(patience.backoff(0) >= Duration::from_millis(375));
        assert!(patience.backoff(30) <= patience.longest);
        assert!(patience.backoff(3) > patience.backoff(1));
    }
}
