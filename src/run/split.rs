//! `split.csv`: which images a run trained on and which it held out, and what each shows, so that a
//! run is judged without its data. It is `id,part,labels`, or `id,part` and a column a number; where
//! images belong together, such as twins and those of one patient, a last column `set` says which.

use std::collections::HashSet;

use anyhow::{Context, Result, bail, ensure};

use super::folder::Run;
use crate::fs;
use crate::lines::Lines;
use crate::target::{Classes, TargetKind};

pub(super) const FILE: &str = "split.csv";
const HEADER: [&str; 3] = ["id", "part", "labels"];
/// The last column, where there is one.
const SET: &str = "set";
/// What stands between two labels of a row; in a label's name it has [`ESCAPE`] before it, and so has
/// that.
const SEPARATOR: char = '|';
const ESCAPE: char = '\\';
pub(super) const EDITED: &str = "the file was edited or damaged: copy it again from where the run was made, or \
                      train again";

/// All images that a run was given: a row each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SplitTable {
    /// What the numbers of each row are called; empty where images have labels.
    pub columns: Vec<String>,
    pub rows: Vec<SplitRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SplitRow {
    pub id: String,
    pub side: Side,
    /// Names of classes; none where numbers are asked for.
    pub labels: Vec<String>,
    /// One a column.
    pub numbers: Vec<f64>,
    /// The number of the set that it belongs to; none where it is by itself.
    pub set: Option<usize>,
}

/// What an image was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Train,
    /// Held out.
    Valid,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
        }
    }
}

impl SplitTable {
    /// A run's. `classes` are the vocabulary, or what numbers are called.
    pub fn of(run: &Run, classes: &Classes, kind: TargetKind) -> Result<Self> {
        Self::read(run, if kind == TargetKind::Number { classes.names() } else { &[] })
    }

    /// Ids of the images that are held out, in their order.
    pub fn held_out(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter(|row| row.side == Side::Valid).map(|row| row.id.as_str())
    }

    /// Reads a run's; `columns` are the names of the numbers of each row, none where images have
    /// labels.
    pub fn read(run: &Run, columns: &[String]) -> Result<Self> {
        let path = run.file(FILE);
        let in_file = || format!("failed to read `{}`", path.display());
        let text = run.bytes(FILE)?;
        let mut table = csv::Reader::from_reader(&text[..]);
        let header = header_of(columns);
        let with_sets = header.iter().copied().chain([SET]);
        let found = table.headers().with_context(in_file)?;
        let has_sets = found.iter().eq(with_sets);
        ensure!(
            has_sets || found.iter().eq(header.iter().copied()),
            "`{}` has other columns than `{}`\nhint: train the run again",
            path.display(),
            header.join(",")
        );
        let (mut rows, mut known) = (Vec::new(), HashSet::new());
        let mut lines = Lines::new(&text);
        for record in table.records() {
            let record = record.with_context(in_file)?;
            let (id, line) = (record[0].to_owned(), lines.of(record.position()));
            let side = match &record[1] {
                "train" => Side::Train,
                "valid" => Side::Valid,
                other => bail!(
                    "`{}`, line {line}, has no part `{other}`, at `{id}`\nhint: {EDITED}",
                    path.display()
                ),
            };
            ensure!(
                known.insert(id.clone()),
                "`{}`, line {line}, has `{id}` a second time\nhint: {EDITED}",
                path.display()
            );
            let (mut labels, mut numbers) = (Vec::new(), Vec::new());
            if columns.is_empty() {
                labels = labels_in(&record[2]);
            } else {
                for cell in record.iter().skip(2).take(columns.len()) {
                    let number = cell.parse().ok().filter(|number: &f64| number.is_finite());
                    numbers.push(number.with_context(|| {
                        let path = path.display();
                        format!("`{path}`, line {line}, has no number at `{id}`: `{cell}`\nhint: {EDITED}")
                    })?);
                }
            }
            let cell = record.iter().next_back().filter(|cell| has_sets && !cell.is_empty());
            let set = cell.map(str::parse).transpose().with_context(|| {
                let path = path.display();
                format!("`{path}`, line {line}, has no number of a set at `{id}`\nhint: {EDITED}")
            })?;
            rows.push(SplitRow { id, side, labels, numbers, set });
        }
        Ok(Self { columns: columns.to_vec(), rows })
    }

    pub fn write(&self, run: &Run) -> Result<()> {
        run.write(FILE, self.csv(self.has_sets())?)
    }

    /// Whether a run was begun with this table; also where it was stopped before it had one, and where an
    /// older version began it, which did not write sets.
    pub fn is_of(&self, run: &Run) -> Result<bool> {
        let path = run.file(FILE);
        if !path.exists() {
            return Ok(true);
        }
        let there = fs::read(&path)?;
        Ok(there == self.csv(self.has_sets())? || there == self.csv(false)?)
    }

    fn has_sets(&self) -> bool {
        self.rows.iter().any(|row| row.set.is_some())
    }

    fn csv(&self, with_sets: bool) -> Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let last = |text: String| with_sets.then_some(text);
        let header = header_of(&self.columns).into_iter().map(str::to_owned);
        table.write_record(header.chain(last(SET.to_owned())))?;
        for SplitRow { id, side, labels, numbers, set } in &self.rows {
            let start = [id.clone(), side.name().to_owned()].into_iter();
            let set = last(set.map_or_else(String::new, |set| set.to_string()));
            if self.columns.is_empty() {
                table.write_record(start.chain([cell_of(labels)]).chain(set))?;
            } else {
                table.write_record(start.chain(numbers.iter().map(f64::to_string)).chain(set))?;
            }
        }
        Ok(table.into_inner()?)
    }
}

/// The columns: those of labels, or of numbers.
fn header_of(columns: &[String]) -> Vec<&str> {
    match columns {
        [] => HEADER.to_vec(),
        columns => HEADER[..2].iter().copied().chain(columns.iter().map(String::as_str)).collect(),
    }
}

/// Labels as they are written into one cell.
pub(super) fn cell_of(labels: &[String]) -> String {
    let mut cell = String::new();
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            cell.push(SEPARATOR);
        }
        for letter in label.chars() {
            if letter == SEPARATOR || letter == ESCAPE {
                cell.push(ESCAPE);
            }
            cell.push(letter);
        }
    }
    cell
}

/// The labels in a cell. An [`ESCAPE`] before any other letter is one itself, as older versions wrote
/// it.
fn labels_in(cell: &str) -> Vec<String> {
    let (mut labels, mut label) = (Vec::new(), String::new());
    let mut letters = cell.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            SEPARATOR => labels.push(std::mem::take(&mut label)),
            ESCAPE => {
                label.push(
                    letters.next_if(|&next| next == SEPARATOR || next == ESCAPE).unwrap_or(ESCAPE),
                );
            }
            letter => label.push(letter),
        }
    }
    labels.push(label);
    labels.retain(|label| !label.is_empty());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::target::Truth;

    fn row(id: &str, side: Side, labels: &[&str]) -> SplitRow {
        let labels = labels.iter().map(|&l| l.to_owned()).collect();
        SplitRow { id: id.to_owned(), side, labels, numbers: Vec::new(), set: None }
    }

    const TAGS: TargetKind = TargetKind::MultiLabel;

    fn classes() -> Classes {
        ["clear", "haze, thick", "road"].map(str::to_owned).to_vec().into()
    }

    #[test]
    fn a_split_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let split = SplitTable {
            columns: Vec::new(),
            rows: vec![
                row("a", Side::Train, &["road", "clear"]),
                row("b,\"1\"", Side::Valid, &["haze, thick"]),
                row("c", Side::Valid, &[]),
                row("d", Side::Valid, &["x|y", "a\\b", "\\|", "z\\"]),
            ],
        };
        assert!(split.is_of(&run).unwrap(), "a run without one");
        split.write(&run).unwrap();
        assert_eq!(SplitTable::read(&run, &[]).unwrap(), split);
        assert!(split.is_of(&run).unwrap());
        let text = fs::read_to_string(run.file(FILE)).unwrap();
        assert!(text.starts_with("id,part,labels\na,train,road|clear\n"), "{text}");
        assert!(!SplitTable { rows: split.rows[1..].to_vec(), ..split }.is_of(&run).unwrap());
        assert_eq!(labels_in("a\\b|c"), ["a\\b", "c"], "as older versions wrote it");
    }

    #[test]
    fn what_belongs_together_is_told_in_a_column_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let with_set = |id: &str, set| SplitRow { set, ..row(id, Side::Valid, &["road"]) };
        let rows = vec![with_set("a", Some(4)), with_set("b", None), with_set("c", Some(4))];
        let split = SplitTable { columns: Vec::new(), rows };
        split.write(&run).unwrap();
        let text = fs::read_to_string(run.file(FILE)).unwrap();
        assert_eq!(text, "id,part,labels,set\na,valid,road,4\nb,valid,road,\nc,valid,road,4\n");
        assert_eq!(SplitTable::read(&run, &[]).unwrap(), split);
        let ids = ["b", "c", "d", "a"].map(str::to_owned);
        assert_eq!(run.sets(&ids, &classes(), TAGS).unwrap(), [5, 4, 7, 4]);
        // As older versions began it.
        run.write(FILE, "id,part,labels\na,valid,road\nb,valid,road\nc,valid,road\n").unwrap();
        assert!(split.is_of(&run).unwrap());
        run.write(FILE, "id,part,labels,set\na,valid,road,x\n").unwrap();
        let error = format!("{:#}", run.labelled(&classes(), TAGS).unwrap_err());
        assert!(error.contains("line 2, has no number of a set at `a`"), "{error}");
    }

    #[test]
    fn numbers_are_columns() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let row = |id: &str, side, numbers: &[f64]| SplitRow {
            id: id.to_owned(),
            side,
            labels: Vec::new(),
            numbers: numbers.to_vec(),
            set: None,
        };
        let columns: Classes = ["score", "labels"].map(str::to_owned).to_vec().into();
        let split = SplitTable {
            columns: columns.names().to_vec(),
            rows: vec![
                row("a", Side::Train, &[63.0, -0.1]),
                row("b", Side::Valid, &[1.0 / 3.0, 1e-9]),
                row("c", Side::Valid, &[1e22, 0.0]),
            ],
        };
        split.write(&run).unwrap();
        assert_eq!(SplitTable::read(&run, columns.names()).unwrap(), split);
        let text = fs::read_to_string(run.file(FILE)).unwrap();
        assert!(text.starts_with("id,part,score,labels\na,train,63,-0.1\n"), "{text}");
        let ids = ["c", "b"].map(str::to_owned);
        let truth = run.truth(&ids, &columns, TargetKind::Number).unwrap();
        assert_eq!(truth, Truth::Numbers(Table::new(vec![1e22, 0.0, 1.0 / 3.0, 1e-9], 2)));
        for (text, expected) in [
            ("id,part,labels\na,train,63\n", "other columns than `id,part,score,labels`"),
            ("id,part,score,labels\na,valid,63,x\n", "line 2, has no number at `a`: `x`"),
            ("id,part,score,labels\na,valid,nan,1\n", "line 2, has no number at `a`: `nan`"),
            ("id,part,score,labels\na,valid,63\n", "failed to read"),
        ] {
            run.write(FILE, text).unwrap();
            let error = run.labelled(&columns, TargetKind::Number).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(expected) && error.contains("split.csv"), "{error}");
        }
    }
}
