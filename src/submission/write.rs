//! Answers as a CSV in the sample's header, ids and order.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::Writer;

use super::check::{Against, read};
use crate::competition::SubmissionFormat;
use crate::dataset::SampleSubmission;
use crate::fs;
use crate::target::{Answers, Classes, Predictions};
use crate::term;

/// Writes a submission; it gets its name only once it is whole and fits the sample.
pub fn write(
    answers: &Answers,
    format: &SubmissionFormat,
    sample: &SampleSubmission,
    path: &Path,
) -> Result<()> {
    let csv = to_csv(answers, format, sample)
        .with_context(|| format!("failed to write `{}`", path.display()))?;
    let (Answers::Probabilities(Predictions { classes, .. }) | Answers::Tags { classes, .. }) =
        answers;
    let (_, findings) = read(&csv, format, Against::Sample(sample, Some(classes)));
    findings.ensure_fit(&format!("`{}`", path.display()), "the sample")?;
    fs::write_atomic(path, csv)
}

/// A submission's bytes.
pub fn to_csv(
    answers: &Answers,
    format: &SubmissionFormat,
    sample: &SampleSubmission,
) -> Result<Vec<u8>> {
    let mut csv = Writer::from_writer(Vec::new());
    csv.write_record(&sample.header)?;
    match (format, answers) {
        (SubmissionFormat::ProbabilityOf { class, .. }, Answers::Probabilities(predictions)) => {
            let column = position(class, &predictions.classes)?;
            write_probabilities(&mut csv, predictions, &[column], sample)?;
        }
        (SubmissionFormat::ProbabilityPerClass { .. }, Answers::Probabilities(predictions)) => {
            let columns = columns_of(sample, &predictions.classes)?;
            write_probabilities(&mut csv, predictions, &columns, sample)?;
        }
        (SubmissionFormat::TagList { .. }, Answers::Tags { ids, classes, tags }) => {
            for (id, row) in sample.ids.iter().zip(in_order(ids, sample)?) {
                let names: Vec<&str> =
                    tags[row].iter().map(|&tag| classes.names()[tag].as_str()).collect();
                csv.write_record([id, names.join(" ").as_str()])?;
            }
        }
        (SubmissionFormat::TagList { .. }, Answers::Probabilities(_)) => {
            bail!("the competition wants tags, but there are only probabilities")
        }
        (_, Answers::Tags { .. }) => {
            bail!("the competition wants probabilities, but there are only tags")
        }
    }
    Ok(csv.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn write_probabilities(
    csv: &mut Writer<Vec<u8>>,
    predictions: &Predictions,
    columns: &[usize],
    sample: &SampleSubmission,
) -> Result<()> {
    let n_classes = predictions.classes.len();
    let mut text = String::new();
    for (id, row) in sample.ids.iter().zip(in_order(&predictions.ids, sample)?) {
        csv.write_field(id)?;
        let row = &predictions.probabilities[row * n_classes..][..n_classes];
        for &column in columns {
            write_shortest(row[column], &mut text);
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

/// Makes `text` a probability in as few digits as matter: six significant ones of `p` or, above one
/// half, of `1 - p`, so far as single precision holds them; no zeros at the end, no exponent.
fn write_shortest(p: f32, text: &mut String) {
    text.clear();
    let p = f64::from(p);
    let digits = |small: f64| 5 - small.max(1e-12).log10().floor() as i32;
    let decimals = if p < 0.5 { digits(p) } else { digits(1.0 - p).min(7) };
    let one = 10f64.powi(decimals);
    let scaled = (p * one).round();
    // A string takes whatever is written to it.
    let _ = if scaled > 0.0 && scaled < one {
        write!(text, "0.{:0width$}", scaled as u64, width = decimals as usize)
    } else if scaled == 0.0 || scaled == one {
        write!(text, "{}", scaled / one)
    } else {
        // No probability: written as it is, for the check to find.
        write!(text, "{p}")
    };
    if text.starts_with("0.") {
        text.truncate(text.trim_end_matches('0').len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_written_short() {
        let mut written = String::new();
        for (p, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.0 - f32::EPSILON / 2.0, "0.9999999"),
            (f32::NAN, "NaN"),
            (1.5, "1.5"),
            (-0.25, "-0.25"),
            (0.5, "0.5"),
            (0.1, "0.1"),
            (0.99, "0.99"),
            (0.995, "0.995"),
            (1.0 - 1e-6, "0.999999"),
            (1.0e-6, "0.000001"),
            (0.012_345_678, "0.0123457"),
            (1.0 / 3.0, "0.333333"),
            (2.0 / 3.0, "0.666667"),
            (1.234_567e-9, "0.00000000123457"),
        ] {
            write_shortest(p, &mut written);
            assert_eq!(written, text, "{p}");
        }
    }
}
