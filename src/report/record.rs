//! Training as files, by the run's own log; none of them ever stops a run.

use anyhow::Result;

use crate::run::{Event, Listener, Log, Run};
use crate::term;

/// Writes down what happens in a run.
pub struct Record<'a>(Log<'a>);

impl<'a> Record<'a> {
    /// Opens the run's logs.
    pub fn new(run: &'a Run) -> Result<Self> {
        Ok(Self(Log::open(run)?))
    }
}

impl Listener for Record<'_> {
    fn event(&mut self, event: &Event) {
        if let Err(error) = self.0.write(event) {
            term::detail(format_args!("the run's log misses an event: {error:#}"));
        }
    }
}
