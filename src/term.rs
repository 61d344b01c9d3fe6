//! What a person reads: the printer, its styles, and how an error is told.
//!
//! Data for another program goes to stdout through [`out`]; everything else goes to stderr. A line
//! is understandable without its colours, which `NO_COLOR` and a pipe switch off. Lower layers
//! never print: they return errors or send events.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use owo_colors::OwoColorize;

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verbosity {
    /// Errors and warnings only (`-q`).
    Quiet,
    /// The usual story.
    Normal,
    /// Where things came from as well (`-v`).
    Verbose,
}

static VERBOSITY: AtomicU8 = AtomicU8::new(Verbosity::Normal as u8);
static PROGRESS: AtomicU8 = AtomicU8::new(1);

/// Sets the verbosity and whether bars may be drawn, once, before any work starts.
pub fn configure(verbosity: Verbosity, progress: bool) {
    VERBOSITY.store(verbosity as u8, Ordering::Relaxed);
    PROGRESS.store(progress.into(), Ordering::Relaxed);
}

fn at_least(verbosity: Verbosity) -> bool {
    VERBOSITY.load(Ordering::Relaxed) >= verbosity as u8
}

/// Whether progress is drawn as bars: stderr is a terminal and neither `-q` nor `--no-progress`
/// was given.
pub fn draws_bars() -> bool {
    PROGRESS.load(Ordering::Relaxed) == 1
        && at_least(Verbosity::Normal)
        && std::io::stderr().is_terminal()
}

/// Data: a line on stdout. A closed pipe ends the program quietly, as `head` expects.
pub fn out(line: impl Display) {
    if writeln!(anstream::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// A line of the story, on stderr.
pub fn say(line: impl Display) {
    if at_least(Verbosity::Normal) {
        stderr_line(line);
    }
}

/// The start of a stage.
pub fn heading(line: impl Display) {
    say(line.bold());
}

/// Something finished well.
pub fn done(line: impl Display) {
    say(format_args!("{} {line}", "done:".green().bold()));
}

/// A detail that only `-v` shows.
pub fn detail(line: impl Display) {
    if at_least(Verbosity::Verbose) {
        stderr_line(line.dimmed());
    }
}

/// Something the reader should know and can act on.
pub fn warn(line: impl Display) {
    stderr_line(format_args!("{} {line}", "warning:".yellow().bold()));
}

/// Tells an error: its chain on one line, then every `hint: ` found in it on lines of its own.
pub fn error(error: &anyhow::Error) {
    let (message, hints) = describe(error);
    stderr_line(format_args!("{} {message}", "error:".red().bold()));
    for hint in hints {
        stderr_line(format_args!("{} {hint}", "hint:".cyan().bold()));
    }
}

/// Splits an error's chain into its message (`outer: inner`) and the hints in it.
///
/// Any error text may end in lines that start with `hint: `; they are advice, not part of the
/// message, and are told last.
pub fn describe(error: &anyhow::Error) -> (String, Vec<String>) {
    let mut messages: Vec<String> = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let mut message: Vec<&str> = Vec::new();
        for line in text.lines() {
            match line.strip_prefix("hint: ") {
                Some(hint) if !hints.iter().any(|h| h == hint) => hints.push(hint.to_owned()),
                Some(_) => {}
                None => message.push(line),
            }
        }
        let message = message.join("\n");
        // A wrapper that repeats its cause (serde and io ones do) is told once.
        if !message.is_empty() && !messages.last().is_some_and(|last| last.ends_with(&message)) {
            messages.push(message);
        }
    }
    (messages.join(": "), hints)
}

fn stderr_line(line: impl Display) {
    // Nothing sensible can be done when stderr itself is gone.
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// `3.2 s`, `1 min 07 s`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `512 B`, `1.5 MB` (powers of ten, as Kaggle shows them).
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    if n < 1000 {
        return format!("{n} B");
    }
    for unit in ["kB", "MB", "GB"] {
        value /= 1000.0;
        if value < 999.5 {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{:.1} TB", value / 1000.0)
}

/// `1 image`, `1,202 images`.
pub fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// `40,479`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text from elsewhere as one line of at most `n` characters that a terminal can take.
pub fn short(text: &str, n: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut printable = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut short: String = printable.by_ref().take(n).collect();
    if printable.next().is_some() {
        short.push_str("...");
    }
    short
}

/// Columns padded to a common width, two spaces apart; numbers (right-aligned) start with a space.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, &w)| format!("{cell:w$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn hints_are_told_after_the_whole_message() {
        let error = Err::<(), _>(anyhow!("no such file `a.csv`\nhint: run `kaggle-kit fetch`"))
            .context("failed to read the labels")
            .unwrap_err();
        let (message, hints) = describe(&error);
        assert_eq!(message, "failed to read the labels: no such file `a.csv`");
        assert_eq!(hints, ["run `kaggle-kit fetch`"]);
    }

    #[test]
    fn quantities_read_as_a_person_writes_them() {
        assert_eq!(thousands(61191), "61,191");
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(duration(3.21), "3.2 s");
        assert_eq!(duration(67.0), "1 min 07 s");
        assert_eq!(bytes(18_798_136), "18.8 MB");
    }
}
