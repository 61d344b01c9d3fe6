//! Quotes that are left open: what follows, line for line, becomes a part of one value.

/// What to do about a value that goes on over several lines.
pub const LEFT_OPEN: &str = "a quote (`\"`) is left open there: close it, or take it out; one that is \
                             meant is written twice, in a value in quotes";

/// Whether a value that is one word, such as an id or a label, goes on on the next line.
pub fn goes_on(value: &str) -> bool {
    value.contains(['\n', '\r'])
}
