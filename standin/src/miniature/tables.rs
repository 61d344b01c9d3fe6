//! A miniature's CSV files: labels, sample submission, solution.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::{DataFile, Image, leaf};
use kaggle_kit::competition::{Competition, Grouping, Labels, SplitSpec, SubmissionFormat};
use kaggle_kit::target::Classes;

/// Images that belong together.
const IN_A_GROUP: usize = 4;

/// The labels' table, where the spec has one.
pub(super) fn labels(
    competition: &Competition,
    classes: &Classes,
    train: &[Image],
) -> Result<Vec<DataFile>> {
    let Labels::Csv { file, id: Some(id), label, separator, .. } = &competition.target.labels
    else {
        return Ok(vec![]);
    };
    let text = if let Some(label) = label {
        let separator = separator.as_deref().unwrap_or(" ");
        let row =
            |image: &Image| vec![image.id().to_owned(), joined(classes, &image.target, separator)];
        csv([id.clone(), label.clone()], train.iter().map(row))?
    } else {
        let header = [id.clone()].into_iter().chain(classes.names().iter().cloned());
        let row = |image: &Image| {
            let marks = (0..classes.len()).map(|class| image.target.contains(&class));
            let marks = marks.map(|shown| u8::from(shown).to_string());
            [image.id().to_owned()].into_iter().chain(marks).collect()
        };
        csv(header, train.iter().map(row))?
    };
    Ok(vec![DataFile { path: file.to_string(), bytes: text.into_bytes() }])
}

/// The table of groups, where the spec has one: a group is a handful of images.
pub(super) fn groups(competition: &Competition, train: &[Image]) -> Result<Option<DataFile>> {
    let grouping = competition.split.as_ref().and_then(SplitSpec::grouping);
    let Some(Grouping::Table { file, id, column }) = grouping else { return Ok(None) };
    let group_of = |i: usize| format!("group-{}", i / IN_A_GROUP);
    let rows = train.iter().enumerate().map(|(i, image)| vec![group_of(i), image.id().to_owned()]);
    let text = csv([column.to_owned(), id.to_owned()], rows)?;
    Ok(Some(DataFile { path: file.to_string(), bytes: text.into_bytes() }))
}

/// What classes are called, where the spec names a JSON for it: what is drawn of each.
pub(super) fn class_names(competition: &Competition, classes: &Classes) -> Option<DataFile> {
    let file = competition.target.names.as_ref().filter(|file| file.ends_with(".json"))?;
    let names: BTreeMap<&str, &str> =
        classes.names().iter().map(String::as_str).zip(leaf::MARKS).collect();
    let bytes = serde_json::to_vec(&names).ok()?;
    Some(DataFile { path: file.to_string(), bytes })
}

/// The sample: every row the same and worth nothing.
pub(super) fn sample(
    competition: &Competition,
    classes: &Classes,
    solution: &[(String, Vec<usize>)],
) -> Result<String> {
    let ids = solution.iter().map(|(id, _)| id.clone());
    match &competition.submission {
        SubmissionFormat::ProbabilityOf { id, column, .. } => {
            csv([id.clone(), column.clone()], ids.map(|id| vec![id, "0.5".to_owned()]))
        }
        SubmissionFormat::ProbabilityPerClass { id, .. } => {
            let header = [id.clone()].into_iter().chain(classes.names().iter().cloned());
            let share = (1.0 / classes.len() as f64).to_string();
            csv(
                header,
                ids.map(|id| {
                    let mut row = vec![id];
                    row.resize(classes.len() + 1, share.clone());
                    row
                }),
            )
        }
        SubmissionFormat::Label { id, column, .. } | SubmissionFormat::TopK { id, column, .. } => {
            let first = names(classes, &[0]);
            csv([id.clone(), column.clone()], ids.map(|id| vec![id, first.clone()]))
        }
        SubmissionFormat::Numbers { .. }
        | SubmissionFormat::Long { .. }
        | SubmissionFormat::ScoredLabel { .. } => {
            bail!("nothing is drawn for `submission.{}`", competition.submission.name())
        }
        SubmissionFormat::TagList { id, column, .. } => {
            // A few tags that are often right, as in planet's own sample.
            let usual: Vec<usize> = frequent(classes.len(), solution);
            let tags = names(classes, &usual);
            csv([id.clone(), column.clone()], ids.map(|id| vec![id, tags.clone()]))
        }
    }
}

/// The answers: a class, a 0 or 1, or tags a row.
pub(super) fn solution(
    competition: &Competition,
    classes: &Classes,
    solution: &[(String, Vec<usize>)],
) -> Result<String> {
    let of_labels = competition.target.labels.label_column();
    let column = competition.submission.value_column().or(of_labels).unwrap_or("label");
    let header = [competition.submission.id_column().to_owned(), column.to_owned()];
    let answer = |target: &[usize]| match &competition.submission {
        SubmissionFormat::ProbabilityOf { class, .. } => {
            let is_it = target.iter().any(|&index| classes.names()[index] == *class);
            u8::from(is_it).to_string()
        }
        _ => names(classes, target),
    };
    csv(header, solution.iter().map(|(id, target)| vec![id.clone(), answer(target)]))
}

fn names(classes: &Classes, target: &[usize]) -> String {
    joined(classes, target, " ")
}

fn joined(classes: &Classes, target: &[usize], separator: &str) -> String {
    let names: Vec<&str> = target.iter().map(|&class| classes.names()[class].as_str()).collect();
    names.join(separator)
}

/// The classes of a third of the images or more; the most frequent one if there is none.
fn frequent(n_classes: usize, solution: &[(String, Vec<usize>)]) -> Vec<usize> {
    let count = |class: usize| solution.iter().filter(|(_, t)| t.contains(&class)).count();
    let often: Vec<usize> =
        (0..n_classes).filter(|&class| count(class) * 3 >= solution.len()).collect();
    if !often.is_empty() {
        return often;
    }
    (0..n_classes).max_by_key(|&class| count(class)).into_iter().collect()
}

fn csv(
    header: impl IntoIterator<Item = String>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().context("failed to write a table")?;
    String::from_utf8(bytes).context("failed to write a table")
}
