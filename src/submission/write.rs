//! Answers as a CSV in the sample's header, ids and order.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::Writer;

use super::check::read;
use super::digits::{Ends, write_probability};
use super::findings::{Against, Findings};
use crate::competition::SubmissionFormat;
use crate::dataset::SampleSubmission;
use crate::fs;
use crate::lines;
use crate::table::Table;
use crate::target::{Answers, Classes, Said};
use crate::term;

/// Writes a submission; it gets its name only once it is whole and fits the sample. Gives what is
/// worth a word.
pub fn write(
    answers: &Answers,
    format: &SubmissionFormat,
    sample: &SampleSubmission,
    path: &Path,
) -> Result<Findings> {
    let csv = to_csv(answers, format, sample)
        .with_context(|| format!("failed to write `{}`", path.display()))?;
    let (_, findings) = read(&csv, format, Against::Sample(sample, Some(&answers.classes)));
    let notes = findings.ensure_fit(&format!("`{}`", path.display()), "the sample")?;
    let header = header_of(&csv).to_owned();
    fs::write_named(path, csv, "submission of this kind", |start| header_of(start) == header)?;
    Ok(notes)
}

/// The first line, however an editor has left it.
fn header_of(csv: &[u8]) -> &[u8] {
    let line = csv.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    lines::without_mark(line)
}

/// A submission's bytes.
pub fn to_csv(
    answers: &Answers,
    format: &SubmissionFormat,
    sample: &SampleSubmission,
) -> Result<Vec<u8>> {
    let mut csv = Writer::from_writer(Vec::new());
    csv.write_record(&sample.header)?;
    let Answers { ids, classes, said } = answers;
    match (format, said) {
        (SubmissionFormat::ProbabilityOf { class, .. }, Said::Probabilities(rows)) => {
            let column = position(class, classes)?;
            write_probabilities(&mut csv, ids, rows, &[column], Ends::Both, sample)?;
        }
        (SubmissionFormat::ProbabilityPerClass { .. }, Said::Probabilities(rows)) => {
            let columns = columns_of(sample, classes)?;
            write_probabilities(&mut csv, ids, rows, &columns, Ends::Lower, sample)?;
        }
        (
            SubmissionFormat::TagList { .. }
            | SubmissionFormat::Label { .. }
            | SubmissionFormat::TopK { .. },
            Said::Lists(lists),
        ) => {
            for (id, row) in sample.ids.iter().zip(in_order(ids, sample)?) {
                let names: Vec<&str> =
                    lists[row].iter().map(|&class| classes.names()[class].as_str()).collect();
                csv.write_record([id, names.join(" ").as_str()])?;
            }
        }
        (_, said) => bail!(
            "`submission.{}` is not made of {}",
            format.name(),
            match said {
                Said::Probabilities(_) => "probabilities",
                Said::Lists(_) => "classes",
                Said::Scored(_) => "classes with a confidence",
                Said::Numbers(_) => "numbers",
            }
        ),
    }
    Ok(csv.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn write_probabilities(
    csv: &mut Writer<Vec<u8>>,
    ids: &[String],
    rows: &Table<f64>,
    columns: &[usize],
    ends: Ends,
    sample: &SampleSubmission,
) -> Result<()> {
    let mut text = Vec::new();
    for (id, row) in sample.ids.iter().zip(in_order(ids, sample)?) {
        csv.write_field(id)?;
        let row = rows.row(row);
        for &column in columns {
            text.clear();
            write_probability(row[column] as f32, ends, &mut text);
            csv.write_field(&text)?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    Ok(())
}

/// The place in `classes` of each of the sample's columns after the id.
fn columns_of(sample: &SampleSubmission, classes: &Classes) -> Result<Vec<usize>> {
    let names = sample.header.get(1..).unwrap_or_default();
    let columns: Vec<usize> =
        names.iter().map(|name| position(name, classes)).collect::<Result<_>>()?;
    let absent = classes.names().iter().find(|class| !names.contains(class));
    if let Some(class) = absent {
        bail!("the sample submission has no column for the class `{class}`");
    }
    Ok(columns)
}

fn position(class: &str, classes: &Classes) -> Result<usize> {
    classes.position(class).with_context(|| {
        format!("the sample submission wants the class `{class}`, which is not predicted")
    })
}

/// The row of each of the sample's ids among `ids`.
fn in_order(ids: &[String], sample: &SampleSubmission) -> Result<Vec<usize>> {
    let rows: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    ensure!(rows.len() == ids.len(), "an image is predicted twice");
    let absent: Vec<&String> =
        sample.ids.iter().filter(|id| !rows.contains_key(id.as_str())).collect();
    if let Some(first) = absent.first() {
        bail!("{} of the sample not predicted, such as `{first}`", term::count(absent.len(), "id"));
    }
    ensure!(
        ids.len() == sample.ids.len(),
        "{} predicted that the sample does not have",
        term::count(ids.len() - sample.ids.len(), "image")
    );
    Ok(sample.ids.iter().map(|id| rows[id.as_str()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_known_however_an_editor_leaves_it() {
        for csv in ["id,label", "id,label\n1,2\n", "\u{feff}id,label\r\n1,2\r\n"] {
            assert_eq!(header_of(csv.as_bytes()), b"id,label");
        }
        assert_eq!(header_of(b""), b"");
    }
}
