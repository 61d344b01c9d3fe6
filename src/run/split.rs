//! `split.csv`: which images a run trained on and which it held out, and what each shows, so that a
//! run is judged without its data.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};

use super::folder::Run;
use crate::fs;
use crate::lines::Lines;
use crate::target::Classes;

const FILE: &str = "split.csv";
const HEADER: [&str; 3] = ["id", "part", "labels"];
/// What stands between two labels of a row; in a label's name it has [`ESCAPE`] before it, and so has
/// that.
const SEPARATOR: char = '|';
const ESCAPE: char = '\\';
const EDITED: &str = "the file was edited or damaged: copy it again from where the run was made, or \
                      train again";

/// All images that a run was given: a row each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitTable {
    pub rows: Vec<SplitRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitRow {
    pub id: String,
    pub side: Side,
    /// Names of classes.
    pub labels: Vec<String>,
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

/// An image that a run was given, with its classes as places in the vocabulary, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    pub id: String,
    pub side: Side,
    pub target: Vec<usize>,
}

impl SplitTable {
    pub fn read(run: &Run) -> Result<Self> {
        let path = run.file(FILE);
        let in_file = || format!("failed to read `{}`", path.display());
        let text = run.bytes(FILE)?;
        let mut table = csv::Reader::from_reader(&text[..]);
        ensure!(
            table.headers().with_context(in_file)?.iter().eq(HEADER),
            "`{}` has other columns than `{}`\nhint: train the run again",
            path.display(),
            HEADER.join(",")
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
            rows.push(SplitRow { id, side, labels: labels_in(&record[2]) });
        }
        Ok(Self { rows })
    }

    pub fn write(&self, run: &Run) -> Result<()> {
        run.write(FILE, self.csv()?)
    }

    /// Whether a run was begun with this table; also where it was stopped before it had one.
    pub fn is_of(&self, run: &Run) -> Result<bool> {
        let path = run.file(FILE);
        Ok(!path.exists() || fs::read(&path)? == self.csv()?)
    }

    fn csv(&self) -> Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(HEADER)?;
        for SplitRow { id, side, labels } in &self.rows {
            table.write_record([id, side.name(), &cell_of(labels)])?;
        }
        Ok(table.into_inner()?)
    }
}

/// Labels as they are written into one cell.
fn cell_of(labels: &[String]) -> String {
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

impl Run {
    /// The images that the run was given, from its `split.csv`.
    pub fn labelled(&self, classes: &Classes) -> Result<Vec<LabelledImage>> {
        let path = self.file(FILE);
        let position = |name: &String| {
            let known = classes.position(name);
            known.with_context(|| {
                let path = path.display();
                format!("`{path}`: the run has no class `{name}`\nhint: {EDITED}")
            })
        };
        let mut images = Vec::new();
        for SplitRow { id, side, labels } in SplitTable::read(self)?.rows {
            let mut target = labels.iter().map(position).collect::<Result<Vec<usize>>>()?;
            target.sort_unstable();
            images.push(LabelledImage { id, side, target });
        }
        Ok(images)
    }

    /// The classes of each image that the run held out, in the order of `ids`.
    pub fn truth(&self, ids: &[String], classes: &Classes) -> Result<Vec<Vec<usize>>> {
        let images = self.labelled(classes)?.into_iter();
        let valid = images.filter(|image| image.side == Side::Valid);
        let by_id: HashMap<String, Vec<usize>> =
            valid.map(|image| (image.id, image.target)).collect();
        let target = |id: &String| {
            let target = by_id.get(id).cloned();
            target.with_context(|| {
                format!("`{}` does not hold out `{id}`\nhint: {EDITED}", self.file(FILE).display())
            })
        };
        ids.iter().map(target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, side: Side, labels: &[&str]) -> SplitRow {
        SplitRow { id: id.to_owned(), side, labels: labels.iter().map(|&l| l.to_owned()).collect() }
    }

    fn classes() -> Classes {
        ["clear", "haze, thick", "road"].map(str::to_owned).to_vec().into()
    }

    #[test]
    fn a_split_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let split = SplitTable {
            rows: vec![
                row("a", Side::Train, &["road", "clear"]),
                row("b,\"1\"", Side::Valid, &["haze, thick"]),
                row("c", Side::Valid, &[]),
                row("d", Side::Valid, &["x|y", "a\\b", "\\|", "z\\"]),
            ],
        };
        assert!(split.is_of(&run).unwrap(), "a run without one");
        split.write(&run).unwrap();
        assert_eq!(SplitTable::read(&run).unwrap(), split);
        assert!(split.is_of(&run).unwrap());
        assert!(!SplitTable { rows: split.rows[1..].to_vec() }.is_of(&run).unwrap());
        let text = fs::read_to_string(run.file(FILE)).unwrap();
        assert!(text.starts_with("id,part,labels\na,train,road|clear\n"), "{text}");
    }

    #[test]
    fn labels_become_places_in_the_vocabulary() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert_eq!(labels_in("a\\b|c"), ["a\\b", "c"], "as older versions wrote it");
        run.write(FILE, "id,part,labels\na,train,road|clear\nb,valid,\n").unwrap();
        let images = run.labelled(&classes()).unwrap();
        assert_eq!(images[0].target, [0, 2]);
        let ids = |id: &str| [id.to_owned()];
        assert_eq!(run.truth(&ids("b"), &classes()).unwrap(), [[0; 0]]);
        let error = run.truth(&ids("a"), &classes()).unwrap_err().to_string();
        assert!(error.contains("split.csv` does not hold out `a`"), "{error}");
        for (text, expected) in [
            ("id,part\na,train\n", "other columns than `id,part,labels`"),
            ("id,part,labels\n\na,test,road\n", "line 3, has no part `test`, at `a`"),
            ("id,part,labels\na,train,road\na,valid,road\n", "line 3, has `a` a second time"),
            ("id,part,labels\na,train,river\n", "no class `river`"),
            ("id,part,labels\na,train\n", "failed to read"),
        ] {
            run.write(FILE, text).unwrap();
            let error = format!("{:#}", run.labelled(&classes()).unwrap_err());
            assert!(error.contains(expected) && error.contains("split.csv"), "{error}");
        }
    }
}
