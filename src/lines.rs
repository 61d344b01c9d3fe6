//! On which line of a table a record is, as an editor counts.

/// Counts lines up to the places of records, met in order. (The `csv` crate's own count is one
/// behind after `\r\n` and blank lines.)
pub struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// A count that starts at the top of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, counted: 0, line: 1 }
    }

    /// The line of the record that starts at or after the line ends at `position`.
    pub fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let is_end = |&&byte: &&u8| byte == b'\r' || byte == b'\n';
        let byte = position.map_or(self.counted, |position| position.byte() as usize);
        let start = byte + self.text[byte..].iter().take_while(is_end).count();
        for &byte in &self.text[self.counted..start] {
            self.line += u64::from(byte == b'\n');
        }
        self.counted = start;
        self.line
    }
}

/// The text without the byte order mark that some editors put first.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        let text = b"id,tags\r\na,\"b\nc\"\r\n\r\n\nd,e\r\nf,g\n";
        let mut reader = csv::Reader::from_reader(&text[..]);
        let mut lines = Lines::new(text);
        let found: Vec<u64> =
            reader.byte_records().map(|record| lines.of(record.unwrap().position())).collect();
        assert_eq!(found, [2, 6, 7]);
    }
}
