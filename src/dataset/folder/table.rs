//! A table with the lines of its rows, so that every complaint can say where: a CSV, or JSON records,
//! whose fields are then the columns.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

use super::json;
use crate::explain;
use crate::fs;
use crate::lines::{self, Lines};
use crate::term;

/// Characters of a header that are shown.
const SHOWN: usize = 80;

/// A table in memory. Values are trimmed; a byte order mark and CRLF line ends are fine.
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) header: Vec<String>,
    /// The line a row starts on (of JSON, its number from 1), and its fields: as many as the header has.
    pub(super) rows: Vec<(u64, StringRecord)>,
    is_json: bool,
    /// Further files: the number of the last row before them, and their paths.
    further: Vec<(u64, PathBuf)>,
}

impl Table {
    /// Reads a file: JSON, if it is called so, else a CSV.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
            Self::read_json(path)
        } else {
            Self::read(path)
        }
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = lines::read_table(path)?;
        let bytes = explain::table_text(&bytes, &format!("`{}`", path.display()))?;
        let is_tsv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
        let mut reader = ReaderBuilder::new()
            .trim(Trim::All)
            .flexible(true)
            .delimiter(if is_tsv { b'\t' } else { b',' })
            .from_reader(bytes);
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
        Ok(Self { path: path.to_owned(), header, rows, is_json: false, further: Vec::new() })
    }

    fn read_json(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)?;
        let (header, rows) = json::table(&bytes).with_context(|| {
            format!(
                "failed to read `{}`\nhint: JSON of `images` and `annotations`, or a list of records, is \
                 needed; a file cut short needs downloading again",
                path.display()
            )
        })?;
        let rows = (1..).zip(rows).collect();
        Ok(Self { path: path.to_owned(), header, rows, is_json: true, further: Vec::new() })
    }

    pub(super) fn is_json(&self) -> bool {
        self.is_json
    }

    /// The rows of another one below these; columns that only one of them has are empty in the other.
    pub(super) fn append(&mut self, other: Self) {
        let before = self.rows.last().map_or(0, |(line, _)| *line);
        let n = self.header.len();
        let places: Vec<usize> = other
            .header
            .iter()
            .map(|name| {
                self.header.iter().position(|known| known == name).unwrap_or_else(|| {
                    self.header.push(name.clone());
                    self.header.len() - 1
                })
            })
            .collect();
        let width = self.header.len();
        for (_, row) in &mut self.rows {
            (n..width).for_each(|_| row.push_field(""));
        }
        self.rows.extend(other.rows.into_iter().map(|(line, row)| {
            let mut fields = vec![""; width];
            for (&at, value) in places.iter().zip(&row) {
                fields[at] = value;
            }
            (before + line, StringRecord::from(fields))
        }));
        self.further.push((before, other.path));
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

    /// Where a column is that must be there; `field` is where the spec names it.
    pub(super) fn named(&self, name: &str, field: &str) -> Result<usize> {
        self.column(name)?.with_context(|| {
            let same = |column: &&String| column.to_lowercase() == name.to_lowercase();
            let hint = match self.header.iter().find(same) {
                Some(same) => format!("the table calls it `{same}`: say so in `{field}`"),
                None => format!("give one of its columns in `{field}` of the spec"),
            };
            format!(
                "`{}` has no column `{}`\n  found `{}`\nhint: {hint}",
                self.path.display(),
                term::short(name, SHOWN),
                header_text(&self.header)
            )
        })
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
        let (_, path) = self.file_of(line);
        format!("`{}`, {}", path.display(), self.numbered(line))
    }

    /// The line alone: `line 7`.
    pub(super) fn numbered(&self, line: u64) -> String {
        let unit = if self.is_json { "record" } else { "line" };
        format!("{unit} {}", line - self.file_of(line).0)
    }

    /// The file that a line is in, and how many lines are before it.
    fn file_of(&self, line: u64) -> (u64, &Path) {
        let of_further = self.further.iter().rev().find(|(before, _)| *before < line);
        of_further.map_or((0, &self.path), |(before, path)| (*before, path))
    }
}

/// A header as one short line: what a person sees of an HTML page that was saved as a table.
pub(super) fn header_text(header: &[String]) -> String {
    term::short(&header.join(","), SHOWN)
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
    fn a_column_that_is_there_twice_is_not_guessed_at() {
        let table = read("id,breed,breed,x,x\na,b,c,d,e\n").unwrap();
        assert_eq!(table.column("id").unwrap(), Some(0));
        assert_eq!(table.column("none").unwrap(), None);
        let error = table.column("breed").unwrap_err().to_string();
        assert!(error.contains(", line 1: two columns are called `breed`\nhint: "), "{error}");
        let error = table.named("ID", "split.id").unwrap_err().to_string();
        assert!(error.contains("calls it `id`: say so in `split.id`"), "{error}");
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

    #[test]
    fn several_files_are_one_table() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        fs::write_atomic(&a, r#"[{"id": 1, "x": "p"}, {"id": 2}]"#).unwrap();
        fs::write_atomic(&b, r#"[{"y": 0.5, "id": 3}]"#).unwrap();
        let mut table = Table::open(&a).unwrap();
        table.append(Table::open(&b).unwrap());
        assert_eq!(table.header, ["id", "x", "y"]);
        let rows: Vec<Vec<&str>> = table.rows.iter().map(|(_, row)| row.iter().collect()).collect();
        assert_eq!(rows, [["1", "p", ""], ["2", "", ""], ["3", "", "0.5"]]);
        assert_eq!(table.place(2), format!("`{}`, record 2", a.display()));
        assert_eq!(table.place(3), format!("`{}`, record 1", b.display()));
    }
}
