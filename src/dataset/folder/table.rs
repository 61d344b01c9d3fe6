//! A CSV with its line numbers, so that every complaint can say where.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::explain;
use crate::lines::{self, Lines};
use crate::term;

/// Characters of a header that are shown.
const SHOWN: usize = 80;

/// A table in memory. Values are trimmed; a byte order mark and CRLF line ends are fine.
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) header: Vec<String>,
    /// The line a row starts on, and its fields: as many as the header has.
    pub(super) rows: Vec<(u64, StringRecord)>,
}

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = lines::read_table(path)?;
        let bytes = explain::table_text(&bytes, &format!("`{}`", path.display()))?;
        let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(bytes);
        let failed = || format!("failed to read `{}`", path.display());
        let header: Vec<String> =
            reader.headers().with_context(failed)?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        let mut lines = Lines::new(bytes);
        for record in reader.records() {
            let record = record.with_context(failed)?;
            let line = lines.of(record.position());
            if record.len() != header.len() {
                let hint = match explain::slip(&header) {
                    Some(slip) => slip.in_table(),
                    None if record.iter().any(explain::goes_on) => explain::LEFT_OPEN.to_owned(),
                    None => "a value with a comma in it needs quotes; a table cut short needs \
                             downloading again"
                        .to_owned(),
                };
                bail!(
                    "`{}`, line {line}: {} fields, but the header has {}: `{}`\nhint: {hint}",
                    path.display(),
                    record.len(),
                    header.len(),
                    header_text(&header)
                );
            }
            rows.push((line, record));
        }
        Ok(Self { path: path.to_owned(), header, rows })
    }

    /// Where a column is, if the header has it; a name that it has twice is an error.
    pub(super) fn column(&self, name: &str) -> Result<Option<usize>> {
        let mut places = (0..self.header.len()).filter(|&at| self.header[at] == name);
        let first = places.next();
        ensure!(
            places.next().is_none(),
            "{}: two columns are called `{}`\nhint: which of them is meant? rename the other",
            self.place(1),
            term::short(name, SHOWN)
        );
        Ok(first)
    }

    /// Fails where an id or a label goes on on the next line.
    pub(super) fn check_ends(&self, line: u64, value: &str) -> Result<()> {
        let n_lines = value.lines().count();
        ensure!(
            !explain::goes_on(value),
            "{}: the value `{}` goes on over {n_lines} lines\nhint: {}",
            self.place(line),
            term::short(value, SHOWN),
            explain::LEFT_OPEN
        );
        Ok(())
    }

    /// The place of a line, as errors begin.
    pub(super) fn place(&self, line: u64) -> String {
        format!("`{}`, line {line}", self.path.display())
    }
}

/// A header as one short line: what a person sees of an HTML page that was saved as a table.
pub(super) fn header_text(header: &[String]) -> String {
    term::short(&header.join(","), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    fn read(text: &str) -> Result<Table> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write_atomic(file.path(), text).unwrap();
        Table::read(file.path())
    }

    #[test]
    fn spaces_bom_and_windows_line_ends_do_not_matter() {
        let table = read("\u{feff}id , breed\r\n a,\"b\nc\" \r\n\r\nd, e\r\n").unwrap();
        assert_eq!(table.header, ["id", "breed"]);
        let rows: Vec<(u64, Vec<&str>)> =
            table.rows.iter().map(|(line, row)| (*line, row.iter().collect())).collect();
        assert_eq!(rows, [(2, vec!["a", "b\nc"]), (5, vec!["d", "e"])]);
    }

    #[test]
    fn a_column_that_is_there_twice_is_not_guessed_at() {
        let table = read("id,breed,breed,x,x\na,b,c,d,e\n").unwrap();
        assert_eq!(table.column("id").unwrap(), Some(0));
        assert_eq!(table.column("none").unwrap(), None);
        let error = table.column("breed").unwrap_err().to_string();
        assert!(error.contains(", line 1: two columns are called `breed`\nhint: "), "{error}");
    }

    #[test]
    fn a_row_of_another_length_is_told_with_its_line() {
        for (text, expected) in [
            ("sep=,\nid,breed,x\na,b,c\n", "Excel's own"),
            ("id;breed\na;0,5\n", "separated by semicolons"),
            ("id,breed\na,\"b\nc,d\ne,f\"\ng,\"h\ni,j,k\n\",l\n", "line 5: 3 fields"),
            ("id,breed\na,\"b\nc,d\n\",e\n", "a quote (`\"`) is left open"),
            ("\u{feff} \r\n", "is empty\nhint: "),
        ] {
            let error = read(text).err().unwrap().to_string();
            assert!(error.contains(expected) && error.contains("hint: "), "{text:?}: {error}");
        }
        let error = read("id,breed\na,b\nc,d,e\n").err().unwrap().to_string();
        assert!(error.contains("line 3: 3 fields, but the header has 2: `id,breed`"), "{error}");
    }
}
