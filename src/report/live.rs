//! The page of a run while it is trained: rewritten as epochs end, and asked for again by the browser. What
//! the finished run's page is written over it.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::html::facts::{Facts, StageFacts};
use super::html::{self, gather};
use crate::fs;
use crate::run::{Event, Listener, REPORT, Run, Stage};
use crate::term;

/// Epochs of the head alone last milliseconds.
const AT_MOST_EVERY: Duration = Duration::from_secs(2);
/// So many times as long as it takes to write one, nothing is written: a long run's logs are long.
const REST: u32 = 50;

/// Writes the page of a run that is trained.
pub struct LivePage<'a> {
    run: &'a Run,
    facts: Facts,
    stage: Option<Stage>,
    next: Instant,
}

impl<'a> LivePage<'a> {
    /// `facts` are what is known when training begins ([`gather::unfinished`]); the run's logs tell the rest.
    pub fn new(run: &'a Run, facts: Facts) -> Self {
        Self { run, facts, stage: None, next: Instant::now() }
    }

    fn write(&mut self) {
        let start = Instant::now();
        if let Err(error) = self.try_to() {
            term::detail(format_args!(
                "the page of the run is not written while it is trained: {error:#}"
            ));
        }
        self.next = Instant::now() + AT_MOST_EVERY.max(start.elapsed() * REST);
    }

    fn try_to(&mut self) -> Result<()> {
        gather::retell(&mut self.facts, self.run)?;
        // Nothing hangs on a page that will be written over.
        fs::write_unflushed(self.run.file(REPORT), html::live(&self.facts, self.stage))
    }
}

impl Listener for LivePage<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                self.stage = Some(*stage);
                if Instant::now() >= self.next {
                    self.write();
                }
            }
            Event::StageFinished { stage, seconds, found } => {
                let title = stage.title();
                match self.facts.stages.iter_mut().find(|facts| facts.stage == title) {
                    Some(facts) => {
                        facts.found.clone_from(found);
                        facts.seconds = *seconds;
                    }
                    None => self.facts.stages.push(StageFacts {
                        stage: title.to_owned(),
                        planned: String::new(),
                        found: found.clone(),
                        seconds: *seconds,
                    }),
                }
            }
            Event::Epoch(_) if Instant::now() >= self.next => self.write(),
            _ => {}
        }
    }
}
