//! Reading a submission, with everything that is wrong with it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::findings::{Against, Findings, Problem};
use super::header::{self, shown};
use crate::competition::{Competition, SubmissionFormat};
use crate::dataset::SampleSubmission;
use crate::explain::{self, Bytes};
use crate::lines::{self, Lines};
use crate::target::Classes;

/// Probabilities of a row may miss one by this much; six digits of 120 classes miss it by less.
const SUM_TOLERANCE: f64 = 1e-3;

/// So many hints of a file are told.
const MOST_HINTS: usize = 3;

/// A submission as it was read. Numbers keep the precision of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmissionFile {
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
        classes: Classes,
        /// `[ids, classes]`, row-major.
        probabilities: Vec<f64>,
    },
    /// The tags of every id, each once; or its one class, or the likeliest, best first.
    Lists(Vec<Vec<String>>),
    /// At most one class an id, and how sure it is.
    Scored(Vec<Option<(String, f64)>>),
    /// `[ids, numbers]`, row-major, and the columns' names.
    Numbers { columns: Classes, numbers: Vec<f64> },
}

impl Rows {
    fn none(format: &SubmissionFormat, header: &[String]) -> Self {
        match format {
            SubmissionFormat::ProbabilityOf { .. } | SubmissionFormat::Long { .. } => {
                Self::Probability(Vec::new())
            }
            SubmissionFormat::TagList { .. }
            | SubmissionFormat::Label { .. }
            | SubmissionFormat::TopK { .. } => Self::Lists(Vec::new()),
            SubmissionFormat::ScoredLabel { .. } => Self::Scored(Vec::new()),
            SubmissionFormat::ProbabilityPerClass { .. } => Self::PerClass {
                classes: header.get(1..).unwrap_or_default().to_vec().into(),
                probabilities: Vec::new(),
            },
            SubmissionFormat::Numbers { .. } => Self::Numbers {
                columns: header.get(1..).unwrap_or_default().to_vec().into(),
                numbers: Vec::new(),
            },
        }
    }
}

/// Checks a file against the sample before it is sent: an error tells all that is wrong with it,
/// else what is left are notes. Tags must be among `classes`, where they are known: the spec's, if
/// `None` is given.
pub fn check(
    path: &Path,
    competition: &Competition,
    sample: &SampleSubmission,
    classes: Option<&Classes>,
) -> Result<Findings> {
    let named: Classes = competition.target.classes.clone().into();
    let classes = classes.or((!named.is_empty()).then_some(&named));
    let against = Against::Sample(sample, classes);
    let (_, findings) = read(&lines::read_table(path)?, &competition.submission, against);
    Ok(findings.ensure_fit(&format!("`{}`", path.display()), "the sample")?)
}

/// Reads a submission, and finds everything that is wrong with it; rows that cannot be read are
/// left out.
pub fn read(csv: &[u8], format: &SubmissionFormat, against: Against) -> (SubmissionFile, Findings) {
    let mut findings = Findings::default();
    let text = decode(csv, &mut findings);
    let csv = text.as_deref().unwrap_or_default();
    let mut lines = Lines::new(csv);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(csv);
    // A slice cannot fail to be read, and flexible rows cannot fail to be split.
    let header = reader.byte_headers().cloned().unwrap_or_default();
    let header: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let mut rows = Rows::none(format, &header);
    let columns = match &text {
        Some(_) => header::check(&header, format, against, &mut findings),
        None => None,
    };
    let Some(columns) = columns else {
        return (SubmissionFile { ids: Vec::new(), rows }, findings);
    };
    let mut met: Vec<(u64, String)> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut n_rows = 0;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        n_rows += 1;
        let line = lines.of(record.position());
        if record.as_slice().contains(&0) {
            findings.add(Problem::Nul, line, String::new);
        }
        let Ok(record) = StringRecord::from_byte_record(std::mem::take(&mut record)) else {
            findings.add(Problem::NotUtf8, line, String::new);
            findings.hint(|| explain::LATIN_1.to_owned());
            continue;
        };
        if record.iter().any(explain::goes_on) {
            findings.hint(|| format!("line {line}: {}", explain::LEFT_OPEN));
        }
        if let Some(id) = record.get(columns.id) {
            met.push((line, id.to_owned()));
        }
        if record.len() != header.len() {
            findings
                .add(Problem::Columns, line, || format!("{}, not {}", record.len(), header.len()));
            continue;
        }
        ids.push(record[columns.id].to_owned());
        let mut row = RowReader { line, header: &header, findings: &mut findings };
        match &mut rows {
            Rows::Probability(p) => p.push(row.probability(columns.values[0], &record)),
            Rows::PerClass { probabilities, .. } => {
                row.probabilities(&columns.values, &record, probabilities);
            }
            Rows::Lists(lists) => {
                let field = &record[columns.values[0]];
                lists.push(match format {
                    SubmissionFormat::Label { .. } => row.label(field, against),
                    _ => row.tags(field, against),
                });
            }
            Rows::Scored(scored) => scored.push(row.scored(columns.values[0], &record)),
            Rows::Numbers { numbers, .. } => {
                numbers.extend(columns.values.iter().map(|&at| row.number(at, &record)));
            }
        }
    }
    check_ids(&met, n_rows, against, &mut findings);
    (SubmissionFile { ids, rows }, findings)
}

fn check_ids(ids: &[(u64, String)], n_rows: usize, against: Against, findings: &mut Findings) {
    let expected = match against {
        Against::Sample(sample, _) => &sample.ids,
        Against::Ids(ids, _) => ids,
    };
    if n_rows != expected.len() {
        findings.add(Problem::RowCount, None, || format!("{n_rows}, expected {}", expected.len()));
    }
    // The line on which each expected id was met.
    let mut met: HashMap<&str, Option<u64>> =
        expected.iter().map(|id| (id.as_str(), None)).collect();
    let mut unknown: Vec<&str> = Vec::new();
    for (line, id) in ids {
        match met.get_mut(id.as_str()) {
            None => {
                findings.add(Problem::UnknownId, *line, || format!("`{}`", shown(id)));
                unknown.push(id);
            }
            Some(Some(first)) => findings.add(Problem::RepeatedId, *line, || {
                format!("`{}`, first on line {first}", shown(id))
            }),
            Some(first) => *first = Some(*line),
        }
    }
    for id in expected.iter().filter(|id| met[id.as_str()].is_none()) {
        findings.add(Problem::MissingId, None, || format!("`{}`", shown(id)));
    }
    if let Some(change) = explain::change(&unknown, expected.iter().map(String::as_str)) {
        findings.hint(|| change.in_own_file());
    }
    if matches!(against, Against::Sample(..)) && findings.errors().next().is_none() {
        let pairs = ids.iter().zip(expected);
        for ((line, id), expected) in pairs.filter(|((_, id), expected)| id != *expected) {
            findings.add(Problem::Order, *line, || {
                format!("`{}`, where it has `{}`", shown(id), shown(expected))
            });
        }
    }
}

/// The text in UTF-8 without a mark, so that all else that is wrong is found as well; `None` if it is
/// no text at all. (Rows that are not UTF-8 are found one by one.)
fn decode<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<Cow<'a, [u8]>> {
    match explain::look(bytes) {
        Bytes::NoTable(kind) => {
            findings.add(Problem::NotText, None, || kind.name.to_owned());
            findings.hint(|| explain::to_table(kind).to_owned());
            None
        }
        Bytes::Utf16 { name, text } => {
            findings.add(Problem::Encoding, None, || format!("{name}, expected UTF-8"));
            findings.hint(|| explain::TO_UTF_8.to_owned());
            Some(Cow::Owned(text))
        }
        Bytes::Text { text, marked } => {
            if marked {
                findings.add(Problem::Mark, None, String::new);
            }
            Some(Cow::Borrowed(text))
        }
    }
}

/// One row being read.
struct RowReader<'a> {
    line: u64,
    header: &'a [String],
    findings: &'a mut Findings,
}

impl RowReader<'_> {
    fn probability(&mut self, column: usize, record: &StringRecord) -> f64 {
        let field = &record[column];
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
        self.findings
            .add(problem, self.line, || format!("`{}` in `{}`", shown(field), shown(name)));
    }

    fn probabilities(&mut self, columns: &[usize], record: &StringRecord, into: &mut Vec<f64>) {
        let start = into.len();
        into.extend(columns.iter().map(|&column| self.probability(column, record)));
        let row = &into[start..];
        let sum: f64 = row.iter().sum();
        if row.iter().all(|&p| p == 0.0) {
            self.findings.add(Problem::NoProbability, self.line, String::new);
        } else if sum.is_finite() && (sum - 1.0).abs() > SUM_TOLERANCE {
            self.findings.add(Problem::RowSum, self.line, || format!("{sum:.6}"));
        }
    }

    /// Any finite number.
    fn number(&mut self, column: usize, record: &StringRecord) -> f64 {
        let field = &record[column];
        let number = field.trim().parse::<f64>().unwrap_or(f64::NAN);
        if field.trim().parse::<f64>().is_err() {
            self.add(Problem::NotANumber, column, field);
        } else if !number.is_finite() {
            self.add(Problem::NotFinite, column, field);
        }
        number
    }

    /// The one class of a row, which may have blanks in it.
    fn label(&mut self, field: &str, against: Against) -> Vec<String> {
        let label = field.trim();
        if label.is_empty() {
            self.findings.add(Problem::NoTags, self.line, String::new);
            return Vec::new();
        }
        if let Against::Sample(_, Some(classes)) = against
            && classes.meant_by(label).is_none()
        {
            self.findings.add(Problem::UnknownTag, self.line, || format!("`{}`", shown(label)));
        }
        vec![label.to_owned()]
    }

    /// A class and its confidence, or nothing.
    fn scored(&mut self, column: usize, record: &StringRecord) -> Option<(String, f64)> {
        let field = record[column].trim();
        if field.is_empty() {
            return None;
        }
        let (label, confidence) = field.rsplit_once(char::is_whitespace).unwrap_or((field, ""));
        let Ok(confidence) = confidence.parse::<f64>() else {
            self.add(Problem::NotANumber, column, field);
            return None;
        };
        if !confidence.is_finite() {
            self.add(Problem::NotFinite, column, field);
        }
        Some((label.trim().to_owned(), confidence))
    }

    fn tags(&mut self, field: &str, against: Against) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in field.split_whitespace() {
            if tags.iter().any(|earlier| earlier == tag) {
                self.findings.add(Problem::RepeatedTag, self.line, || format!("`{}`", shown(tag)));
                continue;
            }
            let (classes, problem) = match against {
                Against::Sample(_, classes) => (classes, Problem::UnknownTag),
                Against::Ids(_, classes) => (classes, Problem::StrangeTag),
            };
            if let Some(classes) = classes.filter(|classes| classes.position(tag).is_none()) {
                self.findings.add(problem, self.line, || format!("`{}`", shown(tag)));
                self.hint_at(tag, classes);
            }
            tags.push(tag.to_owned());
        }
        if tags.is_empty() {
            let problem = match against {
                Against::Sample(..) => Problem::NoTags,
                Against::Ids(..) => Problem::Untagged,
            };
            self.findings.add(problem, self.line, String::new);
        }
        tags
    }

    /// What was probably meant by a tag that is none.
    fn hint_at(&mut self, tag: &str, classes: &Classes) {
        if self.findings.hints().len() >= MOST_HINTS {
            return;
        }
        let is_joined = |separator: &char| {
            tag.contains(*separator)
                && tag
                    .split(*separator)
                    .all(|part| part.is_empty() || classes.position(part).is_some())
        };
        if let Some(separator) = [',', ';', '|'].into_iter().find(is_joined) {
            self.findings.hint(|| format!("tags are separated by blanks, not by `{separator}`"));
        } else if let Some(near) = explain::nearest(tag, classes.names().iter().map(String::as_str))
        {
            self.findings.hint(|| format!("`{}`: did you mean `{near}`?", shown(tag)));
        }
    }
}
