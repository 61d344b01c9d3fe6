//! How often and how soon a call that failed for a passing reason is made again.

use std::thread;
use std::time::{Duration, SystemTime};

use super::Error;
use crate::term;

/// How often something that may have been made is looked for.
pub(super) const LOOKS: u32 = 4;

/// A bounded number of retries with growing waits.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How often a failed call is made again; an attempt that brought new bytes does not count.
    pub retries: u32,
    /// The first wait; every other is twice as long as the one before.
    pub first: Duration,
    /// The longest wait of our own choice.
    pub longest: Duration,
    /// The longest wait that a server may ask for; when it asks for more, its answer is the error.
    pub longest_asked: Duration,
    /// How long a server may say nothing, before the answer and between two pieces of it.
    pub silence: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            longest_asked: Duration::from_secs(300),
            silence: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Calls until it succeeds, fails for good, or the policy is at its end.
    pub(super) fn retry<T>(
        &self,
        note: &dyn Fn(&str),
        mut call: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut retry = 0;
        loop {
            match call() {
                Ok(value) => return Ok(value),
                Err(error) => self.wait(error, retry, note)?,
            }
            retry += 1;
        }
    }

    /// Waits before another attempt, or gives the error back where none is worth while; `retry`
    /// counts the attempts before from 0.
    pub(super) fn wait(&self, error: Error, retry: u32, note: &dyn Fn(&str)) -> Result<(), Error> {
        if retry >= self.retries || !error.is_passing() {
            return Err(error);
        }
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default();
        let (wait, why) = match error.retry_after() {
            Some(asked) if asked > self.longest_asked => return Err(error),
            Some(asked) if asked.is_zero() => (asked, ""),
            // Those who were told the same do not come back in step.
            Some(asked) => (asked + Duration::from_millis(jitter() / 4), ", as the server asks"),
            None => (self.backoff(retry), ""),
        };
        note(&format!("{what}: trying again in {}{why}", term::duration(wait.as_secs_f64())));
        thread::sleep(wait);
        Ok(())
    }

    /// Asks a few times for the number of a newest version until it is another than before: an answer was
    /// lost, and Kaggle may take a moment to list what it has made.
    pub(super) fn look_for_newer(
        &self,
        before: Option<u32>,
        ask: impl Fn() -> Result<Option<u32>, Error>,
    ) -> Result<Option<u32>, Error> {
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(self.backoff(look));
            }
            let now = ask()?;
            if now > before {
                return Ok(now);
            }
        }
        Ok(None)
    }

    /// Twice the wait before, less up to a quarter so that clients do not come back in step.
    pub(super) fn backoff(&self, retry: u32) -> Duration {
        let whole = self.first.saturating_mul(1 << retry.min(16)).min(self.longest);
        whole.mul_f64(1.0 - 0.25 * jitter() as f64 / 1000.0)
    }
}

/// From 0 to 999, as the clock has it.
fn jitter() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| u64::from(now.subsec_nanos() % 1000))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn counted(policy: RetryPolicy, error: impl Fn() -> Error) -> u32 {
        let mut calls = 0;
        let result = policy.retry(&|_| {}, || -> Result<(), Error> {
            calls += 1;
            Err(error())
        });
        assert!(result.is_err());
        calls
    }

    fn limited(retry_after: Option<Duration>) -> Error {
        Error::RateLimited { message: "slow down".to_owned(), retry_after }
    }

    #[test]
    fn only_passing_troubles_are_tried_again() {
        let quick = RetryPolicy { retries: 3, first: Duration::ZERO, ..RetryPolicy::default() };
        assert_eq!(counted(quick, || limited(None)), 4);
        assert_eq!(counted(quick, || limited(Some(Duration::ZERO))), 4);
        assert_eq!(counted(quick, || limited(Some(Duration::from_secs(3600)))), 1);
        assert_eq!(counted(quick, || Error::NotFound { what: String::new() }), 1);
        assert_eq!(counted(RetryPolicy { retries: 0, ..quick }, || limited(None)), 1);
    }

    #[test]
    fn every_wait_is_told() {
        let quick = RetryPolicy { retries: 1, first: Duration::ZERO, ..RetryPolicy::default() };
        let notes = RefCell::new(Vec::new());
        let asked = Some(Duration::from_millis(1));
        let note = |text: &str| notes.borrow_mut().push(text.to_owned());
        assert!(quick.retry(&note, || -> Result<(), _> { Err(limited(asked)) }).is_err());
        let notes = notes.into_inner();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("Kaggle is asked too often (slow down): trying again in 0."));
        assert!(notes[0].ends_with(", as the server asks"), "{notes:?}");
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let policy = RetryPolicy::default();
        assert!(policy.backoff(0) <= Duration::from_millis(500));
        assert!(policy.backoff(0) >= Duration::from_millis(375));
        assert!(policy.backoff(30) <= policy.longest);
        assert!(policy.backoff(3) > policy.backoff(1));
    }
}
