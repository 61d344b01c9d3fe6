//! Answers about pictures, in rows for people, for a spreadsheet and for a program.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::PICTURE;
use crate::dataset::Sample;
use crate::metric::largest;
use crate::table::Table;
use crate::target::{Answers, Predictions, Said, TargetKind};
use crate::term::{self, Give};

/// So many classes are shown on a terminal, the likeliest first.
const SHOWN: usize = 3;
/// Between the tags of an answer in a cell, as in a run's `split.csv`: names may have spaces.
const BETWEEN: &str = "|";

/// What is answered about each of some pictures, and the numbers behind it.
pub(super) struct Answered<'a> {
    samples: &'a [Sample],
    kind: TargetKind,
    answers: &'a Answers,
    /// What people call the classes, for people.
    called: BTreeMap<String, String>,
    /// What `told` has in its columns.
    columns: Vec<String>,
    /// Probabilities, as they are submitted where they are; or levels; or numbers.
    told: Table<f64>,
}

/// What is answered about a picture.
#[derive(Debug, PartialEq)]
enum Answer {
    /// Nothing but probabilities.
    None,
    One(usize),
    Some(Vec<usize>),
}

impl<'a> Answered<'a> {
    /// `said` is what the model says of `samples`, `answers` what is answered by that.
    pub(super) fn new(
        samples: &'a [Sample],
        kind: TargetKind,
        said: &Predictions,
        answers: &'a Answers,
        called: BTreeMap<String, String>,
    ) -> Self {
        let (told, columns) = match (&answers.said, kind) {
            (Said::Probabilities(rows) | Said::Numbers(rows), _) => {
                (rows.clone(), said.classes.names().to_vec())
            }
            (_, TargetKind::Ordinal) => (said.probabilities.wide(), vec!["level".to_owned()]),
            _ => (said.probabilities.wide(), said.classes.names().to_vec()),
        };
        Self { samples, kind, answers, called, columns, told }
    }

    fn are_numbers(&self) -> bool {
        self.kind == TargetKind::Number || self.columns == ["level"]
    }

    fn answer(&self, row: usize) -> Answer {
        match &self.answers.said {
            Said::Probabilities(_) if self.kind.has_one_class() => {
                Answer::One(self.likeliest(row, 1)[0])
            }
            Said::Probabilities(_) | Said::Numbers(_) => Answer::None,
            Said::Lists(lists) => match lists[row].as_slice() {
                [class] if self.kind.has_one_class() => Answer::One(*class),
                classes => Answer::Some(classes.to_vec()),
            },
            Said::Scored(scored) => {
                scored[row].map_or(Answer::Some(Vec::new()), |(class, _)| Answer::One(class))
            }
        }
    }

    /// Whether there are answers beside the numbers.
    fn has_answers(&self) -> bool {
        !self.samples.is_empty() && self.answer(0) != Answer::None
    }

    fn name(&self, class: usize) -> &str {
        &self.answers.classes.names()[class]
    }

    /// A class as people call it.
    fn called<'b>(&'b self, own: &'b str) -> &'b str {
        self.called.get(own).map_or(own, String::as_str)
    }

    /// The classes of a row with the `n` largest numbers.
    fn likeliest(&self, row: usize, n: usize) -> Vec<usize> {
        let row: Vec<f32> = self.told.row(row).iter().map(|&p| p as f32).collect();
        largest(&row, n)
    }

    /// The answer in a cell of a file.
    fn cell(&self, row: usize) -> String {
        self.answered(row).join(BETWEEN)
    }

    /// The classes that are answered.
    fn answered(&self, row: usize) -> Vec<&str> {
        match self.answer(row) {
            Answer::None => Vec::new(),
            Answer::One(class) => vec![self.name(class)],
            Answer::Some(classes) => classes.into_iter().map(|class| self.name(class)).collect(),
        }
    }

    /// A table on the terminal.
    pub(super) fn print(&self) {
        let mut header = vec![PICTURE.to_owned()];
        if self.has_answers() {
            header.push("answer".to_owned());
        }
        if self.are_numbers() {
            header.extend(self.columns.iter().map(|name| format!(" {name}")));
        } else {
            header.push("likeliest".to_owned());
        }
        let row = |(row, sample): (usize, &Sample)| {
            let mut cells = vec![sample.id.clone()];
            if self.has_answers() {
                let answered = self.answered(row).into_iter().map(|own| self.called(own));
                cells.push(answered.collect::<Vec<_>>().join(", "));
            }
            if self.are_numbers() {
                cells.extend(self.told.row(row).iter().map(|number| format!("{number:.4}")));
            } else {
                let of = |class: usize| {
                    let name = self.called(&self.columns[class]);
                    format!("{name} {:.4}", self.told.row(row)[class])
                };
                let best = self.likeliest(row, SHOWN).into_iter().map(of);
                cells.push(best.collect::<Vec<_>>().join(", "));
            }
            cells
        };
        let rows: Vec<Vec<String>> = self.samples.iter().enumerate().map(row).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        term::out_table(&header, &rows, &[Give::Wrap(header.len() - 1), Give::Shorten(0, 24)]);
    }

    /// `picture,answer,class,...`; without `answer` where there are numbers alone.
    pub(super) fn csv(&self) -> Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let answer = |text: String| self.has_answers().then_some(text);
        let header = std::iter::once(PICTURE.to_owned()).chain(answer("answer".to_owned()));
        table.write_record(header.chain(self.columns.iter().cloned()))?;
        for (row, sample) in self.samples.iter().enumerate() {
            let start = std::iter::once(sample.id.clone()).chain(answer(self.cell(row)));
            table.write_record(start.chain(self.told.row(row).iter().map(f64::to_string)))?;
        }
        Ok(table.into_inner()?)
    }

    /// An object a picture.
    pub(super) fn json(&self) -> Vec<Value> {
        let picture = |(row, sample): (usize, &Sample)| {
            let numbers = self.columns.iter().zip(self.told.row(row));
            let numbers: Map<String, Value> =
                numbers.map(|(name, number)| (name.clone(), json!(number))).collect();
            let key = if self.are_numbers() { "numbers" } else { "probabilities" };
            let mut object = json!({ "path": term::path_in_json(&sample.path), key: numbers });
            match self.answer(row) {
                Answer::None => {}
                Answer::One(class) => object["answer"] = json!(self.name(class)),
                Answer::Some(classes) => {
                    let names: Vec<&str> = classes.iter().map(|&class| self.name(class)).collect();
                    object["answer"] = json!(names);
                }
            }
            object
        };
        self.samples.iter().enumerate().map(picture).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Classes;

    fn predictions(cells: &[f32], classes: &[&str], width: usize) -> Predictions {
        let classes: Classes =
            classes.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().into();
        let ids = (0..cells.len() / width).map(|i| i.to_string()).collect();
        Predictions { ids, probabilities: Table::new(cells.to_vec(), width), classes }
    }

    fn answered(kind: TargetKind, said: &Predictions, answer: Said) -> (String, Vec<Value>) {
        let samples: Vec<Sample> = said
            .ids
            .iter()
            .map(|id| Sample::new(format!("{id}.png"), format!("{id}.png"), Vec::new()))
            .collect();
        let answers =
            Answers { ids: said.ids.clone(), classes: said.classes.clone(), said: answer };
        let called = BTreeMap::from([("0".to_owned(), "zero".to_owned())]);
        let answered = Answered::new(&samples, kind, said, &answers, called);
        // For people; a file keeps the labels.
        assert_eq!((answered.called("0"), answered.called("x")), ("zero", "x"));
        (String::from_utf8(answered.csv().unwrap()).unwrap(), answered.json())
    }

    #[test]
    fn probabilities_are_those_that_are_submitted() {
        let said = predictions(&[0.25, 0.75], &["cat", "dog"], 2);
        let clipped = Said::Probabilities(Table::new(vec![0.5, 0.5625], 2));
        let (csv, json) = answered(TargetKind::SingleLabel, &said, clipped);
        assert_eq!(csv, "picture,answer,cat,dog\n0.png,dog,0.5,0.5625\n");
        let expected = json!({"path": "0.png", "answer": "dog",
            "probabilities": {"cat": 0.5, "dog": 0.5625}});
        assert_eq!(json, [expected]);
        // Of tags, probabilities alone are no answer.
        let tags = Said::Probabilities(Table::new(vec![0.5, 0.5625], 2));
        let (csv, _) = answered(TargetKind::MultiLabel, &said, tags);
        assert_eq!(csv, "picture,cat,dog\n0.png,0.5,0.5625\n");
    }

    #[test]
    fn tags_levels_and_numbers_stand_beside_what_the_model_says() {
        let tags = predictions(&[0.5, 0.75, 0.125, 0.25], &["clear", "big road"], 2);
        let lists = Said::Lists(vec![vec![0, 1], vec![]]);
        let (csv, json) = answered(TargetKind::MultiLabel, &tags, lists);
        assert_eq!(
            csv,
            "picture,answer,clear,big road\n0.png,clear|big road,0.5,0.75\n1.png,,0.125,0.25\n"
        );
        assert_eq!(json[1]["answer"], json!([]));
        let levels = predictions(&[1.75], &["low", "high"], 1);
        let (csv, json) = answered(TargetKind::Ordinal, &levels, Said::Lists(vec![vec![1]]));
        assert_eq!(csv, "picture,answer,level\n0.png,high,1.75\n");
        assert_eq!(json[0]["numbers"], json!({"level": 1.75}));
        let number = predictions(&[120.5], &["score"], 1);
        let within = Said::Numbers(Table::new(vec![100.0], 1));
        let (csv, _) = answered(TargetKind::Number, &number, within);
        assert_eq!(csv, "picture,score\n0.png,100\n");
    }
}
