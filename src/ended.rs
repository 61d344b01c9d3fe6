//! How a process that was started ended.

use std::process::ExitStatus;

/// What a shell has for a command that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    WithCode(u8),
    /// By a signal that it did not handle.
    BySignal(i32),
}

impl Ended {
    pub fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::BySignal(signal);
        }
        match status.code() {
            Some(0) => Self::Well,
            code => Self::WithCode(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        }
    }

    /// Whether somebody asked it to end: Ctrl-C, or what a system sends before it goes down.
    pub fn is_asked_for(self) -> bool {
        matches!(self, Self::BySignal(2 | 15) | Self::WithCode(INTERRUPTED))
    }

    /// What a signal did, which the process itself could not tell: `SIGKILL, as the system does ..`.
    pub fn by_signal(self) -> Option<String> {
        let Self::BySignal(signal) = self else { return None };
        let more = if signal == 9 { ", as the system does where memory is short" } else { "" };
        Some(name(signal) + more)
    }
}

fn name(signal: i32) -> String {
    const NAMES: [(i32, &str); 10] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_end_is_told_apart_from_others() {
        let end =
            |script: &str| Ended::of(Command::new("sh").args(["-c", script]).status().unwrap());
        assert_eq!(end("true"), Ended::Well);
        assert_eq!(end("exit 7"), Ended::WithCode(7));
        let killed = end("kill -9 $$");
        assert!(killed == Ended::BySignal(9) && !killed.is_asked_for());
        let told = killed.by_signal().unwrap();
        assert!(told.starts_with("SIGKILL, as the system does"), "{told}");
        for asked in ["kill -2 $$", "kill -15 $$", "exit 130"] {
            assert!(end(asked).is_asked_for(), "{asked}");
        }
        assert_eq!(end("kill -11 $$").by_signal().as_deref(), Some("SIGSEGV"));
        assert!(end("exit 1").by_signal().is_none());
    }
}
