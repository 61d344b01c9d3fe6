//! Commands that are stages of another one: each a process of its own, with its usual output and exit code.

use std::env;
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::ended::Ended;
use crate::exit::INTERRUPTED;
use crate::run::Workspace;
use crate::term;

/// The variable by which a process that trains is told to listen at its standard input.
pub const LIFELINE: &str = "KAGGLE_KIT_LIFELINE";

/// A stage that did not end well; it has told why, unless a signal ended it.
#[derive(Debug, thiserror::Error)]
#[error("`{stage}` {}\nhint: {}the same command goes on from here", self.what(), self.first())]
pub struct Failed {
    stage: &'static str,
    how: Ended,
}

impl Failed {
    fn what(&self) -> String {
        match self.how.by_signal() {
            Some(signal) => format!("was ended by {signal}"),
            None => "did not end well, as told above".to_owned(),
        }
    }

    /// What comes before the same command is typed again.
    fn first(&self) -> &'static str {
        if self.how.is_asked_for() { "" } else { "once that is mended, " }
    }

    /// The stage's exit code; that of Ctrl-C where it was asked to end.
    pub fn code(&self) -> u8 {
        match self.how {
            how if how.is_asked_for() => INTERRUPTED,
            Ended::WithCode(code) => code,
            _ => 1,
        }
    }
}

/// A command of this program, with what every command was given.
pub(super) fn command(name: &str, workspace: &Workspace) -> Result<Command> {
    let this = env::current_exe().context("failed to find where this program is")?;
    let mut command = Command::new(this);
    command.arg("--root").arg(workspace.root()).args(term::as_typed()).arg(name);
    Ok(command)
}

/// The first Ctrl-C is for the stage that runs, which hears it as well and ends in order; a second one ends
/// this too.
pub(super) fn listen_for_interrupts() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let listens = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            exit(i32::from(INTERRUPTED));
        }
    });
    if let Err(error) = listens {
        term::detail(format_args!("Ctrl-C ends this before its stage: {error}"));
    }
}

/// Runs a stage to its end. One that failed has told why; this ends as it did.
pub(super) fn waited_for(stage: &'static str, command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to start `{stage}`"))?;
    ensure_well(stage, status)
}

/// The same of one that prints JSON.
pub(super) fn output_of(stage: &'static str, command: &mut Command) -> Result<Value> {
    let failed = || format!("failed to start `{stage}`");
    // It ends when this process does, however that comes: its standard input ends then.
    command.env(LIFELINE, "1").stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(failed)?;
    let lifeline = child.stdin.take();
    let output = child.wait_with_output().with_context(failed)?;
    drop(lifeline);
    ensure_well(stage, output.status)?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("`{stage}` printed no JSON"))
}

fn ensure_well(stage: &'static str, status: ExitStatus) -> Result<()> {
    match Ended::of(status) {
        Ended::Well => Ok(()),
        how => Err(Failed { stage, how }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_a_signal_ended_is_told_and_is_no_interrupt_unless_it_was_asked_to_end() {
        let failed = |how| Failed { stage: "train", how };
        let killed = failed(Ended::BySignal(9));
        assert_eq!(killed.code(), 1);
        let told = killed.to_string();
        assert!(
            told.starts_with("`train` was ended by SIGKILL") && told.contains("mended"),
            "{told}"
        );
        for asked in [Ended::BySignal(2), Ended::WithCode(INTERRUPTED)] {
            assert_eq!(failed(asked).code(), INTERRUPTED);
            assert!(!failed(asked).to_string().contains("mended"));
        }
        assert_eq!(failed(Ended::WithCode(7)).code(), 7);
    }
}
