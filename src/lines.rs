//! Tables and other texts that people give: read with a bound, and on which line a record is, as an
//! editor counts.

use std::io::Read;
use std::path::Path;

use anyhow::{Result, anyhow, bail, ensure};
use serde::de::DeserializeOwned;

use crate::fs;
use crate::term;

/// The longest line of a table, in bytes; half a million columns fit.
const LONGEST_LINE: usize = 16 << 20;
/// The longest text that a person writes by hand, in bytes: a spec, a recipe.
const LONGEST_TEXT: u64 = 1 << 20;
/// Characters of a line that an error shows.
const SHOWN: usize = 400;
/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// Reads a table. A file that is none, in that it has no lines, is refused before it fills the memory;
/// so are pipes and devices, which may never end.
pub fn read_table(path: &Path) -> Result<Vec<u8>> {
    let mut file = fs::open(path)?;
    let mut bytes = Vec::new();
    let mut start_of_line = 0;
    loop {
        let before = bytes.len();
        file.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        if bytes.len() == before {
            return Ok(bytes);
        }
        if let Some(at) = bytes[before..].iter().rposition(|&byte| byte == b'\n') {
            start_of_line = before + at + 1;
        }
        if bytes.len() - start_of_line > LONGEST_LINE {
            let line = bytes.split(|&byte| byte == b'\n').count();
            bail!(
                "`{}`, line {line}: longer than {}\nhint: no table has such lines: take the line \
                 out, or download the file again",
                path.display(),
                term::bytes(LONGEST_LINE as u64)
            );
        }
    }
}

/// Reads a text that somebody wrote: a plain file of at most a megabyte, in UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let file = fs::open(path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= LONGEST_TEXT,
        "`{}` is longer than {}\nhint: is it the right file?",
        path.display(),
        term::bytes(LONGEST_TEXT)
    );
    let bytes = without_mark(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n').count();
            bail!("`{}`, line {line}: not UTF-8\nhint: save it as UTF-8", path.display())
        }
    }
}

/// Reads TOML; the error shows where it goes wrong, however long that line is. `name` is the file's.
pub fn parse_toml<T: DeserializeOwned>(text: &str, name: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let told = error.to_string();
        let lines: Vec<String> = told.lines().map(|line| term::short(line, SHOWN)).collect();
        let hint = brackets(&told).map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        anyhow!("{}{hint}", lines.join("\n")).context(format!("failed to read `{name}`"))
    })
}

/// What to do about one value in the place of a list, or a list in the place of one value.
fn brackets(told: &str) -> Option<String> {
    let (_, found) = told.rsplit_once("invalid type: ")?;
    let (found, expected) = found.split_once(", expected ")?;
    if expected.starts_with("a sequence") {
        // `string "train"`, `integer `3``
        let value = found.split_once(' ').map_or(found, |(_, value)| value).trim_matches('`');
        return Some(format!("a list has brackets: `[{}]`", term::short(value, SHOWN)));
    }
    (found.starts_with("sequence") && !expected.contains("sequence"))
        .then(|| "one value is expected, not a list: write it without brackets".to_owned())
}

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
    fn a_line_without_an_end_is_refused_before_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write_atomic(file.path(), b"id,label\na,b\n").unwrap();
        assert_eq!(read_table(file.path()).unwrap(), b"id,label\na,b\n");
        // A hole of a gigabyte, of which a fiftieth is read.
        let long = fs::File::options().write(true).open(file.path()).unwrap();
        long.set_len(1 << 30).unwrap();
        let error = read_table(file.path()).unwrap_err().to_string();
        assert!(error.contains(", line 3: longer than 16.8 MB\nhint: "), "{error}");
    }

    #[test]
    fn texts_are_files_with_an_end_in_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let refusal = |path: &Path| read_text(path).unwrap_err().to_string();
        assert!(refusal(folder.path()).contains("is a folder"));
        assert!(refusal(Path::new("/dev/null")).contains("is a device"));
        for (bytes, expected) in [
            (&b"a = 1\nb = \"\xe9\"\n"[..], ", line 2: not UTF-8\nhint: "),
            (&vec![b'#'; 1 << 21][..], "is longer than 1.0 MB"),
        ] {
            fs::write_atomic(&path, bytes).unwrap();
            assert!(refusal(&path).contains(expected), "{}", refusal(&path));
        }
        fs::write_atomic(&path, "\u{feff}a = 1\n").unwrap();
        assert_eq!(read_text(&path).unwrap(), "a = 1\n");
    }

    #[test]
    fn a_list_without_brackets_is_told_how_to_write_it() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only errors are looked at")]
        struct Lists {
            train: Vec<String>,
            sizes: Vec<usize>,
            name: String,
        }
        for (text, expected) in [
            ("train = \"a\"", "hint: a list has brackets: `[\"a\"]`"),
            ("train = []\nsizes = 96", "hint: a list has brackets: `[96]`"),
            ("train = []\nsizes = []\nname = [\"a\"]", "hint: one value is expected"),
        ] {
            let error = format!("{:#}", parse_toml::<Lists>(text, "a.toml").unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        let error = format!("{:#}", parse_toml::<Lists>("train = 1.5.5", "a.toml").unwrap_err());
        assert!(!error.contains("hint"), "{error}");
    }

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
