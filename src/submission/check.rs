//! Reading a submission, with everything that is wrong with it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::findings::{Against, Findings, Problem};
use super::header::{self, Columns, shown};
use super::row::{RowReader, Rules};
use crate::competition::{Competition, SubmissionFormat};
use crate::dataset::SampleSubmission;
use crate::explain::{self, Bytes};
use crate::lines::{self, Lines};
use crate::target::Classes;

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
    /// None yet, of such columns.
    fn none(format: &SubmissionFormat, names: Vec<String>) -> Self {
        match format {
            SubmissionFormat::ProbabilityOf { .. } | SubmissionFormat::Long { .. } => {
                Self::Probability(Vec::new())
            }
            SubmissionFormat::TagList { .. }
            | SubmissionFormat::Label { .. }
            | SubmissionFormat::TopK { .. } => Self::Lists(Vec::new()),
            SubmissionFormat::ScoredLabel { .. } => Self::Scored(Vec::new()),
            SubmissionFormat::ProbabilityPerClass { .. } => {
                Self::PerClass { classes: names.into(), probabilities: Vec::new() }
            }
            SubmissionFormat::Numbers { .. } => {
                Self::Numbers { columns: names.into(), numbers: Vec::new() }
            }
        }
    }

    fn push(&mut self, row: &mut RowReader, at: &[usize], record: &StringRecord) {
        let field = || at.first().map_or("", |&at| &record[at]);
        match self {
            Self::Probability(p) => p.extend(at.iter().map(|&at| row.probability(at, record))),
            Self::PerClass { probabilities, .. } => row.probabilities(at, record, probabilities),
            Self::Lists(lists) => lists.push(row.list(field())),
            Self::Scored(scored) => scored.push(row.scored(at, record)),
            Self::Numbers { numbers, .. } => {
                numbers.extend(at.iter().map(|&at| row.number(at, record)));
            }
        }
    }
}

/// Checks a file against the sample before it is sent: an error tells all that is wrong with it,
/// else what is left are notes. Labels and tags must be among `classes`, where they are known: the
/// spec's, if `None` is given.
pub fn check(
    path: &Path,
    competition: &Competition,
    sample: &SampleSubmission,
    classes: Option<&Classes>,
) -> Result<Findings> {
    let named: Classes = competition.target.classes.clone().into();
    let classes = classes.or((!named.is_empty()).then_some(&named));
    let against = Against::Sample(sample, classes);
    let (_, findings) = read(&lines::read_table(path)?, competition, against);
    Ok(findings.ensure_fit(&format!("`{}`", path.display()), "the sample")?)
}

/// Reads a submission, and finds everything that is wrong with it; rows that cannot be read are
/// left out.
pub fn read(csv: &[u8], competition: &Competition, against: Against) -> (SubmissionFile, Findings) {
    let mut findings = Findings::default();
    let text = decode(csv, &mut findings);
    let csv = text.as_deref().unwrap_or_default();
    let mut lines = Lines::new(csv);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(csv);
    // A slice cannot fail to be read, and flexible rows cannot fail to be split.
    let header = reader.byte_headers().cloned().unwrap_or_default();
    let header: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let format = &competition.submission;
    let columns = match &text {
        Some(_) => header::check(&header, competition, against, &mut findings),
        None => None,
    };
    let Some(columns) = columns else {
        let rows = Rows::none(format, Vec::new());
        return (SubmissionFile { ids: Vec::new(), rows }, findings);
    };
    let Columns { id, values } = columns;
    let mut rows = Rows::none(format, values.iter().map(|&at| header[at].clone()).collect());
    let rules = Rules::of(competition, against);
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
        if let Some(id) = record.get(id) {
            met.push((line, id.to_owned()));
        }
        if record.len() != header.len() {
            findings
                .add(Problem::Columns, line, || format!("{}, not {}", record.len(), header.len()));
            continue;
        }
        ids.push(record[id].to_owned());
        let mut row = RowReader { line, header: &header, findings: &mut findings, rules: &rules };
        rows.push(&mut row, &values, &record);
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
