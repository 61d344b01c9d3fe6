//! What a person reads: the printer, its styles, and how an error is told.
//!
//! Data for another program goes to stdout through [`out`], [`json`] and [`path`]; everything else goes
//! to stderr. A line is understandable without its colours, which `NO_COLOR` and a pipe switch off.
//! Lower layers never print: they return errors or send events.
//!
//! Whatever is printed passes through `clean.rs` first, so that no name, message or path from
//! elsewhere steers the terminal, floods it, or shows a secret of ours.

mod ask;
mod clean;
mod folded;
mod json;
mod refused;
mod secrets;
mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::exit;
use std::sync::atomic::{AtomicU8, Ordering};

use owo_colors::{OwoColorize, Style};

pub use ask::ask;
pub use clean::{cell, is_altered, one_line, short};
pub use json::path_in_json;
pub use secrets::{keep_secret, without_secrets};
pub use table::{Give, giving, table};

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

/// The options that [`configure`] was told with, for a command that starts another.
pub fn as_typed() -> Vec<&'static str> {
    let mut options = Vec::new();
    if VERBOSITY.load(Ordering::Relaxed) == Verbosity::Quiet as u8 {
        options.push("--quiet");
    }
    if at_least(Verbosity::Verbose) {
        options.push("--verbose");
    }
    if PROGRESS.load(Ordering::Relaxed) == 0 {
        options.push("--no-progress");
    }
    options
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

/// Data: a line, or several, on stdout. A closed pipe ends the program quietly, as `head` expects;
/// anything else that keeps a line from being written ends it with an error.
pub fn out(line: impl Display) {
    write_out(clean::data(&line.to_string()).as_bytes());
}

/// A value as JSON on stdout.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    write_out(json::text(value)?.as_bytes());
    Ok(())
}

/// A path on stdout, as it is: bytes that are no text stay, but on a terminal.
pub fn path(path: &Path) {
    #[cfg(unix)]
    if !io::stdout().is_terminal() {
        return write_out(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    }
    out(path.display());
}

fn write_out(line: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(line).and_then(|()| stdout.write_all(b"\n"));
    written.and_then(|()| stdout.flush()).unwrap_or_else(|error| stdout_failed(&error));
}

/// Ends the program: what it has to say cannot be said.
pub fn stdout_failed(trouble: &io::Error) -> ! {
    if trouble.kind() == io::ErrorKind::BrokenPipe {
        exit(0);
    }
    // Its cause without the number: `No space left on device`.
    let reason = trouble.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    error(&anyhow::anyhow!("failed to write to the standard output: {reason}"));
    exit(1);
}

/// How many letters a line of the story has, if it is told on a terminal.
pub fn story_width() -> Option<usize> {
    table::story_width()
}

/// A line of the story, on stderr.
pub fn say(line: impl Display) {
    if at_least(Verbosity::Normal) {
        stderr_line(story(&line.to_string(), ""));
    }
}

/// A table in the story, set in, as wide as the terminal lets it be.
pub fn say_table(header: &[&str], rows: &[Vec<String>]) {
    const INDENT: &str = "   ";
    if !at_least(Verbosity::Normal) {
        return;
    }
    let width = story_width().map(|width| width.saturating_sub(INDENT.len()));
    let fitted = table::fitted(header, rows, &[], width, table::LeavesOut::LastColumns);
    for line in fitted.text.lines() {
        stderr_line(format_args!("{INDENT}{line}"));
    }
}

/// The start of a stage.
pub fn heading(line: impl Display) {
    if at_least(Verbosity::Normal) {
        stderr_line(story(&line.to_string(), "").bold());
    }
}

/// Something finished well.
pub fn done(line: impl Display) {
    if at_least(Verbosity::Normal) {
        labelled("done:", Style::new().green().bold(), line);
    }
}

/// A detail that only `-v` shows.
pub fn detail(line: impl Display) {
    if at_least(Verbosity::Verbose) {
        stderr_line(story(&line.to_string(), "").dimmed());
    }
}

/// Something the reader should know and can act on.
pub fn warn(line: impl Display) {
    labelled("warning:", Style::new().yellow().bold(), line);
}

/// Tells an error: its chain on one line, then every `hint: ` found in it on lines of its own.
pub fn error(error: &anyhow::Error) {
    let (message, hints) = describe(error);
    labelled("error:", Style::new().red().bold(), clean::few_lines(&message));
    for hint in hints {
        labelled("hint:", Style::new().cyan().bold(), hint);
    }
}

fn labelled(label: &str, style: Style, line: impl Display) {
    stderr_line(format_args!("{} {}", label.style(style), story(&line.to_string(), label)));
}

/// What is told, in lines that fit the terminal; `label` stands before it.
fn story(text: &str, label: &str) -> String {
    let text = clean::story(text);
    match table::story_width() {
        Some(width) => folded::folded(&text, label.chars().count() + 1, width),
        None => text,
    }
}

/// A line that another process of ours has told, under its name.
pub fn relayed(name: &str, line: &str) {
    stderr_line(story(&format!("{name}: {line}"), ""));
}

/// How something is to be used, on stderr.
pub fn usage(text: &str) {
    stderr_line(clean::story(text.trim_end()));
}

/// Splits an error's chain into its message (`outer: inner`) and the hints in it.
///
/// Any error text may end in lines that start with `hint: `; they are advice, not part of the
/// message, and are told last. Where nobody wrote one, and it was the system that refused, there is a
/// general one.
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
    if hints.is_empty() {
        hints.extend(refused::what_helps(error).map(str::to_owned));
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

/// `a step`, `an image`.
pub fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
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

/// A table on stdout, fitted to its terminal: columns give in this order. What there is no room for
/// is told.
pub fn out_table(header: &[&str], rows: &[Vec<String>], gives: &[Give]) {
    let leaves_out = table::LeavesOut::LastColumns;
    let table::Fitted { text, left_out } =
        table::fitted(header, rows, gives, table::width(), leaves_out);
    out(text);
    if !left_out.is_empty() {
        let columns = left_out.join(", ");
        say(format_args!("no room here for: {columns} (a pipe and `--json` have all)"));
    }
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
