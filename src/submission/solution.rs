//! The true answers, in the competition's own columns.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord};

use super::header::shown;
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::lines::Lines;
use crate::table::Table;
use crate::target::{Classes, Said, TargetKind};

/// The column in which Kaggle's own solutions say on which leaderboard a row counts.
const USAGE: &str = "Usage";

/// A solution as it was read: its rows, each with the line it is on.
pub(super) struct Solution<'a> {
    /// As errors name it.
    name: &'a str,
    header: Vec<String>,
    pub(super) ids: Vec<String>,
    rows: Vec<(u64, StringRecord)>,
    /// Where the ids are.
    id: usize,
}

impl<'a> Solution<'a> {
    pub(super) fn parse(csv: &[u8], competition: &Competition, name: &'a str) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
        let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let id = id_column(&header, competition)?;
        let mut solution = Self { name, header, ids: Vec::new(), rows: Vec::new(), id };
        let mut counter = Lines::new(csv);
        let mut lines: HashMap<String, u64> = HashMap::new();
        for record in reader.records() {
            let record = record?;
            let line = counter.of(record.position());
            if let Some(first) = lines.insert(record[id].to_owned(), line) {
                bail!("line {line}: id `{}` is also on line {first}", shown(&record[id]));
            }
            if record.iter().any(explain::goes_on) {
                bail!(
                    "line {line}: a value goes on on the next line\nhint: {}",
                    explain::LEFT_OPEN
                );
            }
            solution.ids.push(record[id].to_owned());
            solution.rows.push((line, record));
        }
        ensure!(!solution.ids.is_empty(), "it has no rows");
        Ok(solution)
    }

    /// A line, as errors name it.
    pub(super) fn at(&self, line: u64) -> String {
        format!("{}, line {line}", self.name)
    }

    /// The text of the one column of labels, with its lines. Further columns are passed over so long as
    /// the label's is known by name.
    pub(super) fn labels(&self, competition: &Competition) -> Result<Vec<(u64, &str)>> {
        let at = self.label_column(competition)?;
        Ok(self.rows.iter().map(|(line, record)| (*line, &record[at])).collect())
    }

    fn label_column(&self, competition: &Competition) -> Result<usize> {
        let others: Vec<usize> = (0..self.header.len())
            .filter(|&at| at != self.id && !self.header[at].eq_ignore_ascii_case(USAGE))
            .collect();
        if let [only] = others[..] {
            return Ok(only);
        }
        let mut names: Vec<&str> = Vec::new();
        names.extend(competition.submission.value_column());
        names.extend(competition.target.labels.label_column());
        let find = |name: &str| others.iter().copied().find(|&at| self.header[at] == name);
        let label = names.iter().find_map(|name| find(name)).with_context(|| {
            let (told, advice) = (shown(self.header.join(",")), advice(&self.header));
            format!("{}: its header is `{told}`: which column holds the labels?{advice}", self.name)
        })?;
        ensure_once(&self.header, label)?;
        Ok(label)
    }

    /// Where the columns of that name are, if all are there.
    pub(super) fn columns(&self, names: &[String]) -> Option<Vec<usize>> {
        let find = |name: &String| {
            (0..self.header.len()).find(|&at| at != self.id && self.header[at] == *name)
        };
        names.iter().map(find).collect()
    }

    /// The places of the ones in columns of zeros and ones; exactly one of them where every image has one
    /// class.
    pub(super) fn marked(&self, columns: &[usize], kind: TargetKind) -> Result<Vec<Vec<usize>>> {
        let of_row = |(line, record): &(u64, StringRecord)| {
            let mut classes = Vec::new();
            for (class, &at) in columns.iter().enumerate() {
                if self.zero_or_one(*line, record, at)? {
                    classes.push(class);
                }
            }
            ensure!(
                !kind.has_one_class() || classes.len() == 1,
                "{}: {} of the columns hold 1, expected one",
                self.at(*line),
                classes.len()
            );
            Ok(classes)
        };
        self.rows.iter().map(of_row).collect()
    }

    /// `[rows, columns]`.
    pub(super) fn numbers(&self, columns: &[usize]) -> Result<Table<f64>> {
        let mut numbers = Table::empty(columns.len());
        for (line, record) in &self.rows {
            let number = |&at: &usize| {
                let field = &record[at];
                let number = field.parse::<f64>().ok().filter(|number| number.is_finite());
                number.with_context(|| {
                    let (field, column) = (shown(field), shown(&self.header[at]));
                    format!("{}: `{field}` in `{column}` is no number", self.at(*line))
                })
            };
            let row: Vec<f64> = columns.iter().map(number).collect::<Result<_>>()?;
            numbers.push(&row);
        }
        Ok(numbers)
    }

    /// Labels as answers to "is it the class?": 1, 0, or a class's name.
    pub(super) fn yes_or_no(&self, competition: &Competition) -> Result<Vec<bool>> {
        let SubmissionFormat::ProbabilityOf { class, .. } = &competition.submission else {
            bail!("`{}` does not ask for one probability", competition.name)
        };
        let others = &competition.target.classes;
        let labels = self.labels(competition)?;
        let labels = labels.into_iter().map(|(line, label)| {
            let label = competition.target.renamed(label);
            match label.parse::<f64>() {
                _ if label == class => Ok(true),
                _ if others.iter().any(|other| other == label) => Ok(false),
                Ok(1.0) => Ok(true),
                Ok(0.0) => Ok(false),
                _ => {
                    let label = shown(label);
                    bail!("{}: `{label}` is not 0, 1 or a class's name", self.at(line))
                }
            }
        });
        labels.collect()
    }

    /// Whether each row's label is 1.
    pub(super) fn zeros_and_ones(&self, competition: &Competition) -> Result<Vec<bool>> {
        let at = self.label_column(competition)?;
        self.rows.iter().map(|(line, record)| self.zero_or_one(*line, record, at)).collect()
    }

    fn zero_or_one(&self, line: u64, record: &StringRecord, at: usize) -> Result<bool> {
        match record[at].parse::<f64>() {
            Ok(1.0) => Ok(true),
            Ok(0.0) => Ok(false),
            _ => {
                let (field, column) = (shown(&record[at]), shown(&self.header[at]));
                bail!("{}: `{field}` in `{column}` is not 0 or 1", self.at(line))
            }
        }
    }
}

fn id_column(header: &[String], competition: &Competition) -> Result<usize> {
    let name = competition.submission.id_column();
    let id = header.iter().position(|column| column == name).with_context(|| {
        let told = shown(header.join(","));
        format!("its header is `{told}`, without the id column `{name}`{}", advice(header))
    })?;
    ensure_once(header, id)?;
    Ok(id)
}

fn ensure_once(header: &[String], at: usize) -> Result<()> {
    let n = header.iter().filter(|column| **column == header[at]).count();
    ensure!(n == 1, "its header is `{}`, with a column twice", shown(header.join(",")));
    Ok(())
}

fn advice(header: &[String]) -> String {
    match explain::slip(header) {
        Some(slip) => format!("\nhint: {}", slip.in_table()),
        None => String::new(),
    }
}

/// A vocabulary that grows with what is read: the competition's classes, those of the solution, and then
/// whatever else was answered.
pub(super) struct Words<'a> {
    competition: &'a Competition,
    pub(super) classes: Classes,
    /// The places of words that are numbers, by what they are worth.
    numbers: HashMap<u64, usize>,
}

impl<'a> Words<'a> {
    pub(super) fn of(competition: &'a Competition) -> Self {
        let mut words = Self { competition, classes: Classes::default(), numbers: HashMap::new() };
        let target = &competition.target;
        for class in target.classes.iter().chain(&target.unknown) {
            words.place(class);
        }
        words
    }

    /// Equal as text, or as numbers if both are.
    fn place(&mut self, word: &str) -> usize {
        if let Some(place) = self.classes.position(word) {
            return place;
        }
        let worth = number(word);
        if let Some(&place) = worth.and_then(|worth| self.numbers.get(&worth)) {
            return place;
        }
        let place = self.classes.push(word);
        if let Some(worth) = worth {
            self.numbers.insert(worth, place);
        }
        place
    }

    /// A true label; none where nothing is true.
    pub(super) fn label(&mut self, label: &str) -> Vec<usize> {
        let label = self.competition.target.renamed(label);
        if label.is_empty() { Vec::new() } else { vec![self.place(label)] }
    }

    /// True tags, between blanks or whatever stands between those of an upload or of the training table.
    pub(super) fn tags(&mut self, tags: &str) -> Vec<usize> {
        let Competition { target, submission, .. } = self.competition;
        let separators = [submission.separator(), target.labels.separator()].into_iter().flatten();
        let separator = separators.into_iter().find(|separator| tags.contains(separator));
        let mut places: Vec<usize> = match separator {
            Some(separator) => {
                tags.split(separator).flat_map(|tag| self.label(tag.trim())).collect()
            }
            None => tags.split_whitespace().flat_map(|tag| self.label(tag)).collect(),
        };
        places.sort_unstable();
        places.dedup();
        places
    }

    /// What was answered, in its order.
    pub(super) fn answers<'b>(&mut self, lists: impl Iterator<Item = &'b [String]>) -> Said {
        Said::Lists(lists.map(|list| list.iter().map(|word| self.place(word)).collect()).collect())
    }

    /// The same, each with how sure it is.
    pub(super) fn scored<'b>(
        &mut self,
        answers: impl Iterator<Item = &'b Option<(String, f64)>>,
    ) -> Said {
        let place = |answer: &Option<(String, f64)>| {
            answer.as_ref().map(|(word, sure)| (self.place(word), *sure))
        };
        Said::Scored(answers.map(place).collect())
    }
}

/// What a word is worth, if it is a number in plain digits: its bits.
fn number(word: &str) -> Option<u64> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let number = word.bytes().all(plain).then(|| word.parse::<f64>().ok())??;
    // Zero has no sign here.
    Some((number + 0.0).to_bits())
}
