//! Training as files: `events.jsonl` a line an event, `steps.csv` a line a step, and `lr-find.csv`,
//! the sweeps for a spreadsheet.
//!
//! A run that goes on after a stop goes on in the same files; steps that are made again replace
//! those that were made in vain. A line that a kill cut short is passed over, and dropped before
//! anything is written behind it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use jiff::Timestamp;
use serde::Deserialize;

use super::checked::{self, finite, hold};
use super::curve::Sweep;
use super::event::{Event, Step};
use super::folder::Run;
use super::stage::Stage;
use crate::fs;

const EVENTS: &str = "events.jsonl";
const STEPS: &str = "steps.csv";
const SWEEPS: &str = "lr-find.csv";

const COLUMNS: [&str; 7] = ["stage", "cycle", "epoch", "step", "loss", "rate", "momentum"];
const STEPS_HEADER: &str = "stage,cycle,epoch,step,loss,rate,momentum\n";
/// Bytes: no event is longer by far.
const MOST_OF_A_LINE: u64 = 1 << 20;

const SWEEPS_HEADER: &str = "stage,rate,smoothed_loss\n";

/// Writes down what happens in a run.
#[derive(Debug)]
pub struct Log<'a> {
    run: &'a Run,
    events: fs::File,
    steps: fs::File,
    sweeps: String,
}

impl<'a> Log<'a> {
    /// Opens the run's logs, to go on in them where there are some.
    pub fn open(run: &'a Run) -> Result<Self> {
        let sweeps =
            fs::read_to_string(run.file(SWEEPS)).unwrap_or_else(|_| SWEEPS_HEADER.to_owned());
        let (events, mut steps) = (append(&run.file(EVENTS))?, append(&run.file(STEPS))?);
        if steps.metadata()?.len() == 0 {
            steps.write_all(STEPS_HEADER.as_bytes())?;
        }
        Ok(Self { run, events, steps, sweeps })
    }

    /// Writes an event where it belongs; passes tell nothing that lasts.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::PassStarted { .. } | Event::Advanced { .. } | Event::Unknown => return Ok(()),
            Event::Step(step) => {
                let Step { stage, cycle, epoch, step, loss, rate, momentum } = step;
                let stage = stage.number();
                writeln!(self.steps, "{stage},{cycle},{epoch},{step},{loss},{rate:e},{momentum}")?;
                return Ok(());
            }
            Event::Resumed { steps, .. } => self.keep_steps(*steps)?,
            Event::RateFound(Sweep { stage, curve, .. }) => {
                for (rate, loss) in curve.rates.iter().zip(&curve.losses) {
                    writeln!(self.sweeps, "{},{rate:e},{loss}", stage.title())?;
                }
                self.run.write(SWEEPS, &self.sweeps)?;
            }
            _ => {}
        }
        let mut line = serde_json::to_value(event)?;
        line["time"] = jiff::Timestamp::now().to_string().into();
        writeln!(self.events, "{line}")?;
        Ok(())
    }

    /// Drops the steps that will be made again.
    fn keep_steps(&mut self, n: u64) -> Result<()> {
        let text = String::from_utf8_lossy(&fs::read(self.run.file(STEPS))?).into_owned();
        let n_lines = usize::try_from(n).unwrap_or(usize::MAX).saturating_add(1);
        let kept: String = text.split_inclusive('\n').take(n_lines).collect();
        self.run.write(STEPS, kept)?;
        self.steps = fs::open_own(self.run.file(STEPS), fs::File::options().append(true))?;
        Ok(())
    }
}

/// Opens a file to write at the end of its last whole line.
fn append(path: &Path) -> Result<fs::File> {
    let file = fs::open_own(path, fs::File::options().append(true).create(true))?;
    let text = fs::read(path)?;
    if text.last().is_some_and(|&last| last != b'\n') {
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        file.set_len(whole as u64)?;
    }
    Ok(file)
}

/// Whole lines of a log, with what was made of them, and what had to be left out.
#[derive(Debug)]
pub struct LogLines<T> {
    pub lines: Vec<T>,
    /// File, line and fault of what could not be read.
    pub faults: Vec<String>,
}

impl<T> Default for LogLines<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), faults: Vec::new() }
    }
}

impl<T> LogLines<T> {
    /// Reads a log's whole lines, as many as there are. The first is the header, where it has one:
    /// under another one nothing is what it seems.
    fn of(
        run: &Run,
        name: &str,
        header: Option<&str>,
        parse: impl Fn(&str) -> Result<T>,
    ) -> Result<Self> {
        let path = run.file(name);
        let mut read = Self::default();
        if !path.is_file() {
            return Ok(read);
        }
        // A byte that is no text damages its line, and no other.
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let whole = text.split_inclusive('\n').enumerate().filter(|(_, line)| line.ends_with('\n'));
        if let (Some(header), Some(first)) = (header, text.split_inclusive('\n').next())
            && first.trim_end() != header.trim_end()
        {
            let (path, header) = (path.display(), header.trim_end());
            let fault = format!("`{path}`, line 1, is not `{header}`: the file is left out");
            read.faults.push(fault);
            return Ok(read);
        }
        for (i, line) in whole.skip(usize::from(header.is_some())) {
            match parse(line.trim_end()) {
                Ok(line) => read.lines.push(line),
                Err(error) => {
                    let (path, line) = (path.display(), i + 1);
                    read.faults.push(format!("`{path}`, line {line}, is left out: {error:#}"));
                }
            }
        }
        Ok(read)
    }
}

impl Run {
    /// What happened, in order; events of a newer version are [`Event::Unknown`].
    pub fn events(&self) -> Result<LogLines<Event>> {
        LogLines::of(self, EVENTS, None, |line| {
            let event: Event = serde_json::from_str(line)?;
            event.check().map_err(|fault| anyhow!("{fault}"))?;
            Ok(event)
        })
    }

    /// When the first event was, which is when training began.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        #[derive(Deserialize)]
        struct Timed {
            time: String,
        }
        let file = fs::open(self.file(EVENTS)).ok()?;
        // Of a file that is no log, no more than a line's worth is read.
        let mut line = Vec::new();
        BufReader::new(file.take(MOST_OF_A_LINE)).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice::<Timed>(&line).ok()?.time.parse().ok()
    }

    /// Every training step, in order.
    pub fn steps(&self) -> Result<LogLines<Step>> {
        LogLines::of(self, STEPS, Some(STEPS_HEADER), step)
    }

    /// Every row of the sweeps: the finder's stage, its rate, and its smoothed loss.
    pub(super) fn sweep_rows(&self) -> Result<LogLines<(Stage, f64, f64)>> {
        LogLines::of(self, SWEEPS, Some(SWEEPS_HEADER), sweep_row)
    }
}

fn step(line: &str) -> Result<Step> {
    let cells: Vec<&str> = line.split(',').collect();
    let n_columns = COLUMNS.len();
    ensure!(cells.len() == n_columns, "{} numbers, not {n_columns}", cells.len());
    let number = |i: usize| -> Result<f64> {
        let number = cells[i].parse().with_context(|| format!("`{}` is no number", cells[i]))?;
        finite(COLUMNS[i], number).map_err(|fault| anyhow!("{fault}"))?;
        Ok(number)
    };
    let count = |i: usize| -> Result<usize> {
        cells[i].parse().with_context(|| format!("`{}` is no number", cells[i]))
    };
    checked::loss(COLUMNS[4], number(4)?).map_err(|fault| anyhow!("{fault}"))?;
    Ok(Step {
        stage: Stage::numbered(count(0)?).with_context(|| format!("no stage `{}`", cells[0]))?,
        cycle: count(1)?,
        epoch: count(2)?,
        step: count(3)? as u64,
        loss: number(4)?,
        rate: number(5)?,
        momentum: number(6)?,
    })
}

fn sweep_row(line: &str) -> Result<(Stage, f64, f64)> {
    let cells: Vec<&str> = line.split(',').collect();
    let &[title, rate, loss] = &cells[..] else { bail!("{} cells, not 3", cells.len()) };
    let number = |cell: &str| -> Result<f64> {
        cell.parse().with_context(|| format!("`{cell}` is no number"))
    };
    let stage = Stage::ALL.into_iter().find(|stage| stage.title() == title);
    let stage = stage.with_context(|| format!("no stage `{title}`"))?;
    let (rate, loss) = (number(rate)?, number(loss)?);
    finite("rate", rate)
        .and_then(|()| hold(rate > 0.0, "rate", || format!("is {rate}: it must be above 0")))
        .and_then(|()| checked::loss("smoothed_loss", loss))
        .map_err(|fault| anyhow!("{fault}"))?;
    Ok((stage, rate, loss))
}

#[cfg(test)]
mod tests;
