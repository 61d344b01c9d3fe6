//! Questions to the person at the terminal.

use std::io::{self, BufRead, Write};

use super::clean;

/// Asks on stderr and waits for a line on stdin; none where that has ended.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{} ", clean::story(question))?;
    stderr.flush()?;
    let mut line = String::new();
    let n = io::stdin().lock().read_line(&mut line)?;
    if n == 0 {
        writeln!(stderr)?;
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}
