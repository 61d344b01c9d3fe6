//! Reading a submission, with everything that is wrong with it.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder};

use super::findings::{Findings, Problem};
use crate::competition::{Competition, SubmissionFormat};
use crate::dataset::SampleSubmission;
use crate::fs;
use crate::lines::{Lines, without_mark};
use crate::target::Classes;

/// Probabilities of a row may miss one by this much; six digits of 120 classes miss it by less.
const SUM_TOLERANCE: f64 = 1e-3;

/// What a submission is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Against<'a> {
    /// The sample: header, ids and their order. Where the classes are known, tags must be among
    /// them; no row may be without one.
    Sample(&'a SampleSubmission, Option<&'a Classes>),
    /// The ids of a solution, in any order. Tags may be any, and none: they score what they score.
    Ids(&'a [String]),
}

/// A submission as it was read. Numbers keep the precision of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// One id a row.
    pub ids: Vec<String>,
    /// What it says about them.
    pub rows: Rows,
}

/// The rows of a submission, in one of the formats.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// One probability an id.
    Probability(Vec<f64>),
    /// A probability a class.
    PerClass {
        /// The columns' classes.
        classes: Classes,
        /// `[ids, classes]`, row-major.
        probabilities: Vec<f64>,
    },
    /// The tags of every id, each once.
    Tags(Vec<Vec<String>>),
}

/// Checks a file against the sample before it is sent: an error tells all that is wrong with it,
/// else what is left are notes.
pub fn check(
    path: &Path,
    competition: &Competition,
    sample: &SampleSubmission,
) -> Result<Findings> {
    let classes: Classes = competition.target.classes.clone().into();
    let classes = (!classes.is_empty()).then_some(&classes);
    let against = Against::Sample(sample, classes);
    let (_, findings) = read(&fs::read(path)?, &competition.submission, against);
    Ok(findings.ensure_fit(&format!("`{}`", path.display()), "the sample")?)
}

/// Reads a submission, and finds everything that is wrong with it; rows that cannot be read are
/// left out.
pub fn read(csv: &[u8], format: &SubmissionFormat, against: Against) -> (Submission, Findings) {
    let mut findings = Findings::default();
    let csv = without_mark(csv);
    let mut lines = Lines::new(csv);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(csv);
    // A slice cannot fail to be read, and flexible rows cannot fail to be split.
    let header = reader.byte_headers().cloned().unwrap_or_default();
    let header: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let mut rows = match format {
        SubmissionFormat::ProbabilityOf { .. } => Rows::Probability(Vec::new()),
        SubmissionFormat::TagList { .. } => Rows::Tags(Vec::new()),
        SubmissionFormat::ProbabilityPerClass { .. } => Rows::PerClass {
            classes: header.get(1..).unwrap_or_default().to_vec().into(),
            probabilities: Vec::new(),
        },
    };
    let mut ids: Vec<(u64, String)> = Vec::new();
    if !check_header(&header, format, against, &mut findings) {
        return (Submission { ids: Vec::new(), rows }, findings);
    }
    let mut n_rows = 0;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        n_rows += 1;
        let line = lines.of(record.position());
        if record.len() != header.len() {
            findings
                .add(Problem::Columns, line, || format!("{}, not {}", record.len(), header.len()));
            continue;
        }
        let fields: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
        let Ok(fields) = fields else {
            findings.add(Problem::NotUtf8, line, String::new);
            continue;
        };
        ids.push((line, fields[0].to_owned()));
        let mut row = Row { line, header: &header, findings: &mut findings };
        match &mut rows {
            Rows::Probability(probabilities) => probabilities.push(row.probability(1, fields[1])),
            Rows::PerClass { probabilities, .. } => row.probabilities(&fields, probabilities),
            Rows::Tags(tags) => tags.push(row.tags(fields[1], against)),
        }
    }
    check_ids(&ids, n_rows, against, &mut findings);
    let ids = ids.into_iter().map(|(_, id)| id).collect();
    (Submission { ids, rows }, findings)
}

/// Whether the rows below the header can be read at all.
fn check_header(
    header: &[String],
    format: &SubmissionFormat,
    against: Against,
    findings: &mut Findings,
) -> bool {
    let id = format.id_column();
    let fixed = match format {
        SubmissionFormat::ProbabilityOf { column, .. }
        | SubmissionFormat::TagList { column, .. } => Some(vec![id.to_owned(), column.clone()]),
        SubmissionFormat::ProbabilityPerClass { .. } => None,
    };
    let expected = match (against, &fixed) {
        (Against::Sample(sample, _), _) => Some(sample.header.as_slice()),
        (Against::Ids(_), Some(fixed)) => Some(fixed.as_slice()),
        (Against::Ids(_), None) => None,
    };
    let Some(expected) = expected else {
        let mut sorted: Vec<&String> = header.iter().collect();
        sorted.sort();
        let unique = sorted.windows(2).all(|pair| pair[0] != pair[1]);
        let fits = header.len() > 2 && header[0] == id && unique;
        if !fits {
            findings.add(Problem::Header, 1, || {
                format!("`{}`, expected `{id}` and one column a class", shortened(header))
            });
        }
        return fits;
    };
    if header == expected {
        return true;
    }
    findings.add(Problem::Header, 1, || {
        if header.len() <= 3 || header.len() != expected.len() {
            return format!("`{}`, expected `{}`", shortened(header), shortened(expected));
        }
        let differing = header.iter().zip(expected).position(|(a, b)| a != b).unwrap_or_default();
        let (found, expected) = (&header[differing], &expected[differing]);
        format!("column {} is `{found}`, expected `{expected}`", differing + 1)
    });
    header.len() == expected.len()
}

fn check_ids(ids: &[(u64, String)], n_rows: usize, against: Against, findings: &mut Findings) {
    let expected = match against {
        Against::Sample(sample, _) => &sample.ids,
        Against::Ids(ids) => ids,
    };
    if n_rows != expected.len() {
        findings.add(Problem::RowCount, None, || format!("{n_rows}, expected {}", expected.len()));
    }
    // The line on which each expected id was met.
    let mut met: HashMap<&str, Option<u64>> =
        expected.iter().map(|id| (id.as_str(), None)).collect();
    for (line, id) in ids {
        match met.get_mut(id.as_str()) {
            None => findings.add(Problem::UnknownId, *line, || format!("`{id}`")),
            Some(Some(first)) => findings
                .add(Problem::RepeatedId, *line, || format!("`{id}`, first on line {first}")),
            Some(first) => *first = Some(*line),
        }
    }
    for id in expected.iter().filter(|id| met[id.as_str()].is_none()) {
        findings.add(Problem::MissingId, None, || format!("`{id}`"));
    }
    if matches!(against, Against::Sample(..)) && findings.errors().next().is_none() {
        let pairs = ids.iter().zip(expected);
        for ((line, id), expected) in pairs.filter(|((_, id), expected)| id != *expected) {
            findings.add(Problem::Order, *line, || format!("`{id}`, where it has `{expected}`"));
        }
    }
}

/// One row being read.
struct Row<'a> {
    line: u64,
    header: &'a [String],
    findings: &'a mut Findings,
}

impl Row<'_> {
    fn probability(&mut self, column: usize, field: &str) -> f64 {
        let Ok(p) = field.trim().parse::<f64>() else {
            self.add(Problem::NotANumber, column, field);
            return f64::NAN;
        };
        if !p.is_finite() {
            self.add(Problem::NotFinite, column, field);
        } else if !(0.0..=1.0).contains(&p) {
            self.add(Problem::OutOfRange, column, field);
        }
        p
    }

    fn add(&mut self, problem: Problem, column: usize, field: &str) {
        let name = &self.header[column];
        self.findings.add(problem, self.line, || format!("`{field}` in `{name}`"));
    }

    fn probabilities(&mut self, fields: &[&str], probabilities: &mut Vec<f64>) {
        let start = probabilities.len();
        for (column, field) in fields.iter().enumerate().skip(1) {
            probabilities.push(self.probability(column, field));
        }
        let sum: f64 = probabilities[start..].iter().sum();
        if sum.is_finite() && (sum - 1.0).abs() > SUM_TOLERANCE {
            self.findings.add(Problem::RowSum, self.line, || format!("{sum:.6}"));
        }
    }

    fn tags(&mut self, field: &str, against: Against) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in field.split_whitespace() {
            if tags.iter().any(|earlier| earlier == tag) {
                self.findings.add(Problem::RepeatedTag, self.line, || format!("`{tag}`"));
                continue;
            }
            if let Against::Sample(_, Some(classes)) = against
                && classes.position(tag).is_none()
            {
                self.findings.add(Problem::UnknownTag, self.line, || format!("`{tag}`"));
            }
            tags.push(tag.to_owned());
        }
        if tags.is_empty() && matches!(against, Against::Sample(..)) {
            self.findings.add(Problem::NoTags, self.line, String::new);
        }
        tags
    }
}

/// A header as one short line, whatever file it is the first line of.
fn shortened(header: &[String]) -> String {
    const SHOWN: usize = 80;
    let text = header.join(",");
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= SHOWN {
        return line.to_owned();
    }
    line.chars().take(SHOWN).chain("...".chars()).collect()
}
