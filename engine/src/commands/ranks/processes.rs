//! Copies of this program that are started, watched, asked to stop, and never left behind.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use kaggle_kit::ended::Ended;
use kaggle_kit::exit::INTERRUPTED;
use kaggle_kit::term;

use super::lifeline::{HELD, STOP};

/// How often they are looked after.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Once one has failed, the others have so long to notice it themselves and say so.
const TO_NOTICE: Duration = Duration::from_secs(4);
/// And so long to end once their lifeline is cut.
const TO_END: Duration = Duration::from_secs(5);

/// Those that are at work, and those that were.
#[derive(Default)]
pub(in crate::commands) struct Processes {
    all: Vec<Process>,
    asked_to_stop: bool,
}

struct Process {
    name: String,
    child: Child,
    lifeline: Option<ChildStdin>,
    relay: Option<JoinHandle<()>>,
    ended: Option<Ended>,
}

/// How often Ctrl-C was pressed, once somebody listens.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// This program with the arguments that it was given, but for options that are named in `without`, each
/// with its value if it has one.
pub(in crate::commands) fn copy_of_this(without: &[(&str, bool)]) -> Result<Command> {
    let this = std::env::current_exe().context("failed to find where this program is")?;
    let mut command = Command::new(this);
    command.args(arguments_without(std::env::args_os().skip(1), without));
    Ok(command)
}

fn arguments_without(
    arguments: impl Iterator<Item = OsString>,
    without: &[(&str, bool)],
) -> Vec<OsString> {
    let (mut kept, mut skips) = (Vec::new(), false);
    for argument in arguments {
        if std::mem::take(&mut skips) {
            continue;
        }
        let name = argument.to_str().unwrap_or_default().to_owned();
        let (name, has_value) =
            name.split_once('=').map_or((name.as_str(), false), |(name, _)| (name, true));
        match without.iter().find(|(option, _)| *option == name) {
            Some((_, takes_value)) => skips = *takes_value && !has_value,
            None => kept.push(argument),
        }
    }
    kept
}

impl Processes {
    /// Counts Ctrl-C from here on, which comes to this process alone.
    pub(in crate::commands) fn listening() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let listens = ctrlc::set_handler(|| {
                INTERRUPTS.fetch_add(1, Ordering::Relaxed);
            });
            if let Err(error) = listens {
                term::warn(format_args!(
                    "Ctrl-C will end it at once: no thread listens for it ({error})"
                ));
            }
        });
        Self::default()
    }

    /// Starts one. What it prints on stderr is told with its name before each line, unless it has the
    /// terminal for itself.
    pub(in crate::commands) fn start(
        &mut self,
        name: String,
        mut command: Command,
        has_terminal: bool,
    ) -> Result<()> {
        command.env(HELD, "stdin").stdin(Stdio::piped());
        if !has_terminal {
            command.stdout(Stdio::null()).stderr(Stdio::piped());
        }
        // Ctrl-C is for this process, which passes it on once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .with_context(|| format!("failed to start `{}`", command.get_program().display()))?;
        let relay = child.stderr.take().map(|stderr| {
            let name = name.clone();
            let relay = move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    term::relayed(&name, &String::from_utf8_lossy(&line));
                }
            };
            Builder::new().name("relay".to_owned()).spawn(relay)
        });
        let lifeline = child.stdin.take();
        let process = Process { name, child, lifeline, relay: None, ended: None };
        self.all.push(process);
        let last = self.all.len() - 1;
        self.all[last].relay = relay.transpose().context("failed to start a thread")?;
        Ok(())
    }

    /// How many are at work.
    pub(in crate::commands) fn at_work(&self) -> usize {
        self.all.iter().filter(|process| process.ended.is_none()).count()
    }

    /// Whether Ctrl-C was pressed.
    pub(in crate::commands) fn are_stopping(&self) -> bool {
        self.asked_to_stop
    }

    /// Waits until one or more have ended: gives their numbers, in the order of their start, and how. Passes
    /// the first Ctrl-C on; the second ends everything.
    pub(in crate::commands) fn next_ended(&mut self) -> Result<Vec<(usize, Ended)>> {
        loop {
            let mut ended = Vec::new();
            for (number, process) in self.all.iter_mut().enumerate() {
                if process.ended.is_none()
                    && let Some(how) = process.look()?
                {
                    ended.push((number, how));
                }
            }
            if !ended.is_empty() || self.at_work() == 0 {
                return Ok(ended);
            }
            match INTERRUPTS.load(Ordering::Relaxed) {
                0 => {}
                1 if self.asked_to_stop => {}
                1 => {
                    term::say("   stopping after this step; once more ends at once");
                    self.ask_to_stop();
                }
                _ => {
                    self.end_now();
                    std::process::exit(i32::from(INTERRUPTED));
                }
            }
            sleep(BETWEEN_LOOKS);
        }
    }

    /// Asks all to stop after this step.
    pub(in crate::commands) fn ask_to_stop(&mut self) {
        self.asked_to_stop = true;
        for process in &mut self.all {
            if let Some(lifeline) = &mut process.lifeline {
                // Who has ended meanwhile need not be asked.
                let _ = lifeline.write_all(&[STOP]).and_then(|()| lifeline.flush());
            }
        }
    }

    /// One has failed, and the others cannot go on: they may notice that themselves, else they are ended.
    /// Gives how each ended.
    pub(in crate::commands) fn wind_up(&mut self) -> Result<Vec<Ended>> {
        for patience in [TO_NOTICE, TO_END] {
            let start = Instant::now();
            while self.at_work() > 0 && start.elapsed() < patience {
                for process in &mut self.all {
                    process.look()?;
                }
                sleep(BETWEEN_LOOKS);
            }
            self.all.iter_mut().for_each(|process| process.lifeline = None);
        }
        self.end_now();
        self.all.iter().map(|process| process.ended.context("it goes on")).collect()
    }

    /// Ends all at once.
    fn end_now(&mut self) {
        for process in &mut self.all {
            process.end();
        }
    }

    /// What a person is told of an end that was told nowhere else.
    pub(in crate::commands) fn error(&self, number: usize, how: Ended) -> Option<anyhow::Error> {
        let (name, signal) = (&self.all[number].name, how.by_signal()?);
        Some(anyhow!(
            "{name} was ended by {signal}\nhint: run the same command again, without `--anew`, to go on from the \
             checkpoint"
        ))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end_now();
    }
}

impl Process {
    /// How it ended, if it has; whatever it had to say is told by then.
    fn look(&mut self) -> Result<Option<Ended>> {
        if self.ended.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            self.take_end(status);
        }
        Ok(self.ended)
    }

    fn take_end(&mut self, status: ExitStatus) {
        self.ended = Some(Ended::of(status));
        self.lifeline = None;
        if let Some(relay) = self.relay.take() {
            let _ = relay.join();
        }
    }

    fn end(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let _ = self.child.kill();
        if let Ok(status) = self.child.wait() {
            self.take_end(status);
        }
    }
}

/// Gives a process its part of this machine's threads, where the user has not said how many.
pub(in crate::commands) fn share_threads(command: &mut Command, count: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for name in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            command.env(name, OsStr::new(&(cores / count).max(1).to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_left_out_with_their_values() {
        let typed = "train planet --ranks 2 --folds 5 --gpus=2 --json --set a=b --device cpu";
        let without = [("--ranks", true), ("--gpus", true), ("--device", true), ("--json", false)];
        let kept = arguments_without(typed.split(' ').map(OsString::from), &without);
        assert_eq!(kept, ["train", "planet", "--folds", "5", "--set", "a=b"]);
    }

    #[cfg(unix)]
    #[test]
    fn an_end_is_told_apart_and_a_signal_by_its_name() {
        let mut processes = Processes::default();
        for script in ["exit 0", "exit 7", "kill -9 $$", "cat >/dev/null; exit 3", "exec sleep 60"]
        {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            processes.start(script.to_owned(), command, false).unwrap();
        }
        let mut ends = Vec::new();
        while ends.len() < 3 {
            ends.extend(processes.next_ended().unwrap());
        }
        ends.sort_by_key(|(number, _)| *number);
        assert_eq!(ends, [(0, Ended::Well), (1, Ended::WithCode(7)), (2, Ended::BySignal(9))],);
        let told = processes.error(2, ends[2].1).unwrap().to_string();
        assert!(told.starts_with("kill -9 $$ was ended by SIGKILL, as the system"), "{told}");
        assert!(told.contains("\nhint: run the same command again"), "{told}");
        assert!(processes.error(1, ends[1].1).is_none());
        // The fourth ends with its lifeline, the last one is ended.
        processes.all.iter_mut().for_each(|process| process.lifeline = None);
        assert_eq!(processes.next_ended().unwrap(), [(3, Ended::WithCode(3))]);
        let id = processes.all[4].child.id();
        drop(processes);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }
}
