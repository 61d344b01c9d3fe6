//! The first line of a submission: which column is which, and what is wrong with them.

use super::findings::{Against, Findings, Problem};
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::target::{Classes, TargetKind};
use crate::term;

/// Where a row has its id; all other columns that count.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) id: usize,
    pub(super) values: Vec<usize>,
}

/// Finds what is wrong with the header; `None` if the rows below it cannot be told apart.
pub(super) fn check(
    header: &[String],
    competition: &Competition,
    against: Against,
    findings: &mut Findings,
) -> Option<Columns> {
    let format = &competition.submission;
    let id = format.id_column();
    let value = format.value_column();
    let expected: Option<Vec<&str>> = match (against, value) {
        (Against::Sample(sample, _), _) => Some(sample.header.iter().map(String::as_str).collect()),
        // In whichever order.
        (Against::Ids(..), Some(value)) if header.first().is_some_and(|name| name == value) => {
            Some(vec![value, id])
        }
        (Against::Ids(..), Some(value)) => Some(vec![id, value]),
        (Against::Ids(..), None) => None,
    };
    if let Some(expected) = &expected {
        compare(header, expected, findings);
    } else {
        let (Against::Ids(_, known) | Against::Sample(_, known)) = against;
        columns(header, competition, known, findings);
    }
    let find = |name: &str| header.iter().position(|column| column == name);
    let id = find(id).unwrap_or(0);
    let values = match value {
        None => (0..header.len()).filter(|&column| column != id).collect(),
        Some(_) if header.len() == 2 => vec![1 - id],
        Some(value) => find(value).into_iter().collect(),
    };
    if values.is_empty() && findings.errors().next().is_none() {
        // It is the sample's own header, and that has nothing but ids.
        findings.add(Problem::Header, 1, || {
            format!("`{}` has no column besides the ids", shortened(header))
        });
    }
    (!values.is_empty()).then_some(Columns { id, values })
}

/// Finds how a header differs from the one that is expected.
fn compare(header: &[String], expected: &[&str], findings: &mut Findings) {
    if header == expected {
        return;
    }
    if header.len() < 3 || expected.len() < 3 {
        let expected: Vec<String> = expected.iter().map(|&name| name.to_owned()).collect();
        findings.add(Problem::Header, 1, || {
            format!("`{}`, expected `{}`", shortened(header), shortened(&expected))
        });
        return hint(header, findings);
    }
    for name in expected.iter().filter(|&name| !header.iter().any(|found| found == name)) {
        findings.add(Problem::MissingColumn, None, || format!("`{}`", shown(name)));
    }
    for name in header.iter().filter(|&name| !expected.contains(&name.as_str())) {
        findings.add(Problem::UnknownColumn, 1, || format!("`{}`", shown(name)));
    }
    repeated(header, findings);
    if findings.errors().next().is_none() {
        let differing = header.iter().zip(expected).position(|(a, b)| a != b).unwrap_or_default();
        findings.add(Problem::Header, 1, || {
            let [found, expected] = [&header[differing], expected[differing]].map(shown);
            format!("column {} is `{found}`, expected `{expected}`", differing + 1)
        });
    }
    hint(header, findings);
}

/// Checks a header of classes or numbers in any order, which are these where they are known.
fn columns(
    header: &[String],
    competition: &Competition,
    known: Option<&Classes>,
    findings: &mut Findings,
) {
    let id = competition.submission.id_column();
    let (noun, fewest) = match (&competition.submission, competition.target.kind) {
        (SubmissionFormat::Numbers { .. }, _) => ("number", 1),
        // One tag may be all that is asked about; one class would be nothing to tell apart.
        (_, TargetKind::MultiLabel) => ("class", 1),
        _ => ("class", 2),
    };
    if header.len() <= fewest || !header.iter().any(|column| column == id) {
        findings.add(Problem::Header, 1, || {
            format!("`{}`, expected `{id}` and one column a {noun}", shortened(header))
        });
        return hint(header, findings);
    }
    if let Some(known) = known {
        for name in known.names().iter().filter(|&name| !header.contains(name)) {
            findings.add(Problem::MissingColumn, None, || format!("`{}`", shown(name)));
        }
        let is_unknown = |name: &&String| *name != id && known.position(name).is_none();
        for name in header.iter().filter(is_unknown) {
            findings.add(Problem::UnknownColumn, 1, || format!("`{}`", shown(name)));
        }
    }
    repeated(header, findings);
}

fn repeated(header: &[String], findings: &mut Findings) {
    let mut sorted: Vec<&String> = header.iter().collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2).filter(|pair| pair[0] == pair[1]) {
        findings.add(Problem::RepeatedColumn, 1, || format!("`{}`", shown(pair[0])));
    }
}

/// What a person has probably done.
fn hint(header: &[String], findings: &mut Findings) {
    if header.is_empty() {
        return findings.hint(|| "the file is empty".to_owned());
    }
    if let Some(slip) = explain::slip(header) {
        findings.hint(|| slip.in_own_file().to_owned());
    }
}

/// A header as one short line, whatever file it is the first line of.
fn shortened(header: &[String]) -> String {
    shown(header.join(","))
}

/// A text of the file as one short line that a terminal can take.
pub(super) fn shown(text: impl AsRef<str>) -> String {
    term::short(text.as_ref(), 80)
}
