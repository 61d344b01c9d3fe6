//! Training as a file: `events.jsonl` a line an event, `lr-find.csv`, and the table of stages that
//! ends up in the summary.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;

use crate::fs;
use crate::learn::{Event, Listener};
use crate::run::{Run, StageTime};
use crate::term;

/// Writes down what happens in a run.
pub struct Record<'a> {
    run: &'a Run,
    log: fs::File,
    rates: String,
    /// Each finished stage.
    pub stages: Vec<StageTime>,
}

impl<'a> Record<'a> {
    /// Opens the run's log.
    pub fn new(run: &'a Run) -> Result<Self> {
        let log = fs::File::create(run.file("events.jsonl"))?;
        Ok(Self { run, log, rates: "stage,rate,smoothed_loss\n".to_owned(), stages: Vec::new() })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let now = jiff::Timestamp::now();
        let mut line = serde_json::to_value(event)?;
        line["time"] = now.to_string().into();
        writeln!(self.log, "{line}")?;
        if let Event::RateFound { stage, curve } = event {
            for (rate, loss) in curve.rates.iter().zip(&curve.losses) {
                writeln!(self.rates, "{},{rate:e},{loss}", stage.title())?;
            }
            self.run.write("lr-find.csv", &self.rates)?;
        }
        Ok(())
    }
}

impl Listener for Record<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::StageFinished { stage, seconds, found } = event {
            let (stage, seconds) = (stage.title().to_owned(), *seconds);
            self.stages.push(StageTime { stage, seconds, found: found.clone() });
        }
        if matches!(event, Event::PassStarted { .. } | Event::Advanced { .. }) {
            return;
        }
        if let Err(error) = self.write(event) {
            term::detail(format_args!("the run's log misses an event: {error:#}"));
        }
    }
}
