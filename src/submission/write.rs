//! Answers as a CSV in the sample's header, ids and order.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::Writer;

use super::check::read;
use super::digits::{Ends, write_number, write_probability};
use super::findings::{Against, Findings};
use super::long;
use crate::competition::{Competition, RowPattern, SubmissionFormat};
use crate::dataset::SampleSubmission;
use crate::fs;
use crate::lines;
use crate::metric::Serving;
use crate::table::Table;
use crate::target::{Answers, Classes, Said, TargetKind};
use crate::term;

/// Writes a submission; it gets its name only once it is whole and fits the sample. Gives what is
/// worth a word.
pub fn write(
    answers: &Answers,
    competition: &Competition,
    sample: &SampleSubmission,
    path: &Path,
) -> Result<Findings> {
    let csv = to_csv(answers, competition, sample)
        .with_context(|| format!("failed to write `{}`", path.display()))?;
    let (_, findings) = read(&csv, competition, Against::Sample(sample, Some(&answers.classes)));
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
    competition: &Competition,
    sample: &SampleSubmission,
) -> Result<Vec<u8>> {
    let format = &competition.submission;
    let Answers { ids, classes, said } = answers;
    let mut lines = Lines::new(sample)?;
    match (format, said) {
        (SubmissionFormat::ProbabilityOf { class, .. }, Said::Probabilities(rows)) => {
            let column = position(class, classes)?;
            let ends = ends(competition, Ends::Both);
            lines
                .numbers(ids, rows, &[column], |p, text| write_probability(p as f32, ends, text))?;
        }
        (SubmissionFormat::ProbabilityPerClass { .. }, Said::Probabilities(rows)) => {
            let columns = columns_of(&sample.columns(), classes)?;
            let usual = match competition.target.kind {
                TargetKind::MultiLabel => Ends::Both,
                _ => Ends::Lower,
            };
            let ends = ends(competition, usual);
            lines
                .numbers(ids, rows, &columns, |p, text| write_probability(p as f32, ends, text))?;
        }
        (SubmissionFormat::Long { row, .. }, Said::Probabilities(rows)) => {
            lines.long(ids, classes, row, rows, ends(competition, Ends::Both))?;
        }
        (SubmissionFormat::Numbers { .. }, Said::Numbers(rows)) => {
            // One number may be called otherwise in the table that it was learnt from.
            let columns = match sample.columns()[..] {
                [_] if classes.len() == 1 => vec![0],
                _ => columns_of(&sample.columns(), classes)?,
            };
            lines.numbers(ids, rows, &columns, write_number)?;
        }
        (
            SubmissionFormat::TagList { .. }
            | SubmissionFormat::Label { .. }
            | SubmissionFormat::TopK { .. },
            Said::Lists(lists),
        ) => {
            let separator = format.separator().unwrap_or(" ");
            lines.texts(ids, |row, text| {
                for (place, &class) in lists[row].iter().enumerate() {
                    text.extend_from_slice(if place > 0 { separator.as_bytes() } else { b"" });
                    text.extend_from_slice(classes.names()[class].as_bytes());
                }
            })?;
        }
        (SubmissionFormat::ScoredLabel { .. }, Said::Scored(scored)) => {
            lines.texts(ids, |row, text| {
                if let Some((class, sure)) = scored[row] {
                    text.extend_from_slice(classes.names()[class].as_bytes());
                    text.push(b' ');
                    write_number(sure, text);
                }
            })?;
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
    Ok(lines.csv.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

/// In which digits probabilities are written: those that lose nothing of a log loss, or all where
/// nothing but their order counts.
fn ends(competition: &Competition, usual: Ends) -> Ends {
    match competition.metric.family().serves {
        Serving::AsTheyAre => Ends::Everywhere,
        _ => usual,
    }
}

/// Lines in the sample's order.
struct Lines<'a> {
    csv: Writer<Vec<u8>>,
    sample: &'a SampleSubmission,
}

impl<'a> Lines<'a> {
    fn new(sample: &'a SampleSubmission) -> Result<Self> {
        let mut csv = Writer::from_writer(Vec::new());
        csv.write_record(&sample.header)?;
        Ok(Self { csv, sample })
    }

    /// A line: its id, and the other fields in their order.
    fn write<'f>(&mut self, id: &str, fields: impl IntoIterator<Item = &'f [u8]>) -> Result<()> {
        let mut at = 0;
        for field in fields {
            if at == self.sample.id_at {
                self.csv.write_field(id)?;
                at += 1;
            }
            self.csv.write_field(field)?;
            at += 1;
        }
        if at == self.sample.id_at {
            self.csv.write_field(id)?;
        }
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }

    /// A text an answer, which `put` writes of its row.
    fn texts(&mut self, ids: &[String], put: impl Fn(usize, &mut Vec<u8>)) -> Result<()> {
        let mut text = Vec::new();
        let sample = self.sample;
        for (id, row) in sample.ids.iter().zip(in_order(ids, &sample.ids)?) {
            text.clear();
            put(row, &mut text);
            self.write(id, [text.as_slice()])?;
        }
        Ok(())
    }

    /// Some of the columns of a table, in an order.
    fn numbers(
        &mut self,
        ids: &[String],
        rows: &Table<f64>,
        columns: &[usize],
        put: impl Fn(f64, &mut Vec<u8>),
    ) -> Result<()> {
        let sample = self.sample;
        let mut texts = vec![Vec::new(); columns.len()];
        for (id, row) in sample.ids.iter().zip(in_order(ids, &sample.ids)?) {
            for (text, &column) in texts.iter_mut().zip(columns) {
                text.clear();
                put(rows.row(row)[column], text);
            }
            self.write(id, texts.iter().map(Vec::as_slice))?;
        }
        Ok(())
    }

    /// A line an image and a class.
    fn long(
        &mut self,
        ids: &[String],
        classes: &Classes,
        pattern: &RowPattern,
        rows: &Table<f64>,
        ends: Ends,
    ) -> Result<()> {
        let sample = self.sample;
        let cut = |id: &'a String| {
            let found = pattern.split(id, classes.names());
            found.with_context(|| {
                format!("the sample: {}", long::unlike(id, pattern, classes.names()))
            })
        };
        let cells: Vec<(&str, usize)> = sample.ids.iter().map(cut).collect::<Result<_>>()?;
        let mut seen = HashSet::new();
        let images: Vec<String> = cells
            .iter()
            .filter(|(image, _)| seen.insert(*image))
            .map(|(image, _)| (*image).to_owned())
            .collect();
        let order = in_order(ids, &images)?;
        let places: HashMap<&str, usize> =
            images.iter().map(String::as_str).zip(order.iter().copied()).collect();
        let mut text = Vec::new();
        for (id, (image, class)) in sample.ids.iter().zip(cells) {
            text.clear();
            write_probability(rows.row(places[image])[class] as f32, ends, &mut text);
            self.write(id, [text.as_slice()])?;
        }
        Ok(())
    }
}

/// The place in `classes` of each of the sample's columns besides the id.
fn columns_of(names: &[String], classes: &Classes) -> Result<Vec<usize>> {
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
fn in_order(ids: &[String], wanted: &[String]) -> Result<Vec<usize>> {
    let rows: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    ensure!(rows.len() == ids.len(), "an image is predicted twice");
    let absent: Vec<&String> = wanted.iter().filter(|id| !rows.contains_key(id.as_str())).collect();
    if let Some(first) = absent.first() {
        bail!("{} of the sample not predicted, such as `{first}`", term::count(absent.len(), "id"));
    }
    ensure!(
        ids.len() == wanted.len(),
        "{} predicted that the sample does not have",
        term::count(ids.len() - wanted.len(), "image")
    );
    Ok(wanted.iter().map(|id| rows[id.as_str()]).collect())
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
