//! A CSV with its line numbers, so that every complaint can say where.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::fs;
use crate::lines::{Lines, without_mark};

/// A table in memory. Values are trimmed; a byte order mark and CRLF line ends are fine.
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) header: Vec<String>,
    /// The line a row starts on, and its fields: as many as the header has.
    pub(super) rows: Vec<(u64, StringRecord)>,
}

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)?;
        let bytes = without_mark(&bytes);
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
                bail!(
                    "`{}`, line {line}: {} fields, but the header has {}: `{}`\nhint: a value \
                     with a comma in it needs quotes; a table cut short needs downloading again",
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

    /// Where a column is, if the header has it.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The place of a line, as errors begin.
    pub(super) fn place(&self, line: u64) -> String {
        format!("`{}`, line {line}", self.path.display())
    }
}

/// A header as one short line: what a person sees of an HTML page that was saved as a table.
pub(super) fn header_text(header: &[String]) -> String {
    const SHOWN: usize = 80;
    let text = header.join(",");
    let text = text.lines().next().unwrap_or_default();
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_row_of_another_length_is_told_with_its_line() {
        let error = read("id,breed\na,b\nc,d,e\n").err().unwrap().to_string();
        assert!(error.contains("line 3: 3 fields, but the header has 2: `id,breed`"), "{error}");
    }
}
