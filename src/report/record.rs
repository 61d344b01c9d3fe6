//! Training as files: `events.jsonl` a line an event, `steps.csv` a line a step, `lr-find.csv`.
//!
//! A run that goes on after a stop goes on in the same files; steps that are made again replace
//! those that were made in vain.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;

use crate::fs;
use crate::run::{EVENTS, Event, Listener, RATES, Run, STEPS, Step, Sweep};
use crate::term;

/// Writes down what happens in a run.
pub struct Record<'a> {
    run: &'a Run,
    log: fs::File,
    steps: fs::File,
    rates: String,
}

const STEPS_HEADER: &str = "stage,cycle,epoch,step,loss,rate,momentum\n";
const RATES_HEADER: &str = "stage,rate,smoothed_loss\n";

impl<'a> Record<'a> {
    /// Opens the run's logs.
    pub fn new(run: &'a Run) -> Result<Self> {
        let append =
            |name: &str| fs::File::options().append(true).create(true).open(run.file(name));
        let rates = fs::read_to_string(run.file(RATES)).unwrap_or_else(|_| RATES_HEADER.to_owned());
        let (log, mut steps) = (append(EVENTS)?, append(STEPS)?);
        if steps.metadata()?.len() == 0 {
            steps.write_all(STEPS_HEADER.as_bytes())?;
        }
        Ok(Self { run, log, steps, rates })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::PassStarted { .. } | Event::Advanced { .. } | Event::Unknown => return Ok(()),
            Event::Step(Step { stage, cycle, epoch, step, loss, rate, momentum }) => {
                let stage = stage.number();
                writeln!(self.steps, "{stage},{cycle},{epoch},{step},{loss},{rate:e},{momentum}")?;
                return Ok(());
            }
            Event::Resumed { steps } => self.keep_steps(*steps)?,
            Event::RateFound(Sweep { stage, curve, .. }) => {
                for (rate, loss) in curve.rates.iter().zip(&curve.losses) {
                    writeln!(self.rates, "{},{rate:e},{loss}", stage.title())?;
                }
                self.run.write(RATES, &self.rates)?;
            }
            _ => {}
        }
        let mut line = serde_json::to_value(event)?;
        line["time"] = jiff::Timestamp::now().to_string().into();
        writeln!(self.log, "{line}")?;
        Ok(())
    }

    /// Drops the steps that will be made again.
    fn keep_steps(&mut self, n: u64) -> Result<()> {
        let text = fs::read_to_string(self.run.file(STEPS))?;
        let kept: String = text.split_inclusive('\n').take(1 + n as usize).collect();
        self.run.write(STEPS, kept)?;
        self.steps = fs::File::options().append(true).open(self.run.file(STEPS))?;
        Ok(())
    }
}

impl Listener for Record<'_> {
    fn event(&mut self, event: &Event) {
        if let Err(error) = self.write(event) {
            term::detail(format_args!("the run's log misses an event: {error:#}"));
        }
    }
}
