//! What the rows of the table say, before anybody looks for the images.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;

use super::super::finder::Finder;
use super::super::missing::{self, SHOWN};
use super::super::words;
use super::columns::Columns;
use super::rows::Rows;
use super::split_and_renamed;
use crate::competition::{Competition, RowPattern};
use crate::target::TargetKind;
use crate::term;

/// What the table says about one image.
pub(super) struct Entry<'r> {
    pub(super) id: Cow<'r, str>,
    /// The row, and its line.
    pub(super) row: usize,
    pub(super) line: u64,
    /// None where the row has no label.
    pub(super) said: Option<SaidOf>,
}

/// Labels or numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SaidOf {
    Labels(Vec<String>),
    Numbers(Vec<f64>),
}

/// Reads the rows, one entry each; of rows that are an image and a class, one an image, and how many of
/// these rows are there twice.
pub(super) fn read<'r>(
    competition: &Competition,
    rows: &'r Rows,
    columns: &Columns,
    finder: &mut Finder,
) -> Result<(Vec<Entry<'r>>, usize)> {
    if let Columns::Long(at, pattern) = columns {
        return Long { competition, rows, at: *at, pattern }.read(finder);
    }
    let mut entries = Vec::with_capacity(rows.table.rows.len());
    ensure!(
        !rows.table.rows.is_empty() || rows.without > 0,
        "`{}` has a header and no row\nhint: every labelled image has a row: write the table again, or \
         run `{} --force`",
        rows.table.path.display(),
        competition.command("fetch")
    );
    for (nth, (line, row)) in rows.table.rows.iter().enumerate() {
        let id = rows.id(nth);
        rows.table.check_ends(*line, &id)?;
        if id.is_empty() {
            bail!("{}: no id\nhint: give one, or delete the row", rows.table.place(*line));
        }
        let said = match columns {
            Columns::One(at) => {
                rows.table.check_ends(*line, &row[*at])?;
                label(competition, &row[*at])
            }
            Columns::PerClass(columns) => ones(competition, rows, *line, row, columns)?,
            Columns::Numbers(columns) => numbers(rows, *line, row, columns)?,
            Columns::Long(..) => None,
        };
        entries.push(Entry { id, row: nth, line: *line, said });
    }
    Ok((entries, 0))
}

/// The labels of a field. Without any, an image has no tags, or the row has no label.
fn label(competition: &Competition, field: &str) -> Option<SaidOf> {
    let labels = split_and_renamed(field, &competition.target);
    let is_none = labels.is_empty() && competition.target.kind != TargetKind::MultiLabel;
    (!is_none).then_some(SaidOf::Labels(labels))
}

fn numbers(
    rows: &Rows,
    line: u64,
    row: &StringRecord,
    columns: &[usize],
) -> Result<Option<SaidOf>> {
    let mut numbers = Vec::with_capacity(columns.len());
    for &at in columns {
        let field = &row[at];
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => numbers.push(number),
            _ if field.is_empty() || words::is_nothing(field) => return Ok(None),
            _ => bail!(
                "{}: `{}` in the column `{}` is no number\nhint: `target.kind = \"number\"` needs numbers; \
                 classes are \"single-label\"",
                rows.table.place(line),
                term::short(field, SHOWN),
                term::short(&rows.table.header[at], SHOWN)
            ),
        }
    }
    Ok(Some(SaidOf::Numbers(numbers)))
}

/// Whether a field says yes.
fn is_one(rows: &Rows, line: u64, field: &str, what: &str) -> Result<bool> {
    match field.parse::<f64>() {
        Ok(1.0) => Ok(true),
        Ok(0.0) => Ok(false),
        _ => bail!(
            "{}: `{}` {what}, where 0 or 1 is expected\nhint: without a `label` in \
             `target.labels.csv`, the columns of the classes say 1 for those that an image shows; with \
             `row`, the column `label` does",
            rows.table.place(line),
            term::short(field, SHOWN),
        ),
    }
}

/// The classes whose columns have a 1; without any, an image has no tags, or the row has no label.
fn ones(
    competition: &Competition,
    rows: &Rows,
    line: u64,
    row: &StringRecord,
    columns: &[(String, usize)],
) -> Result<Option<SaidOf>> {
    let mut labels: Vec<String> = Vec::new();
    if columns.iter().all(|(_, at)| row[*at].is_empty()) {
        return Ok(None);
    }
    for (class, at) in columns {
        let what = || format!("in the column `{}`", term::short(class, SHOWN));
        if is_one(rows, line, &row[*at], &what())? && !labels.contains(class) {
            labels.push(class.clone());
        }
    }
    of_ones(competition, rows, line, labels)
}

fn of_ones(
    competition: &Competition,
    rows: &Rows,
    line: u64,
    labels: Vec<String>,
) -> Result<Option<SaidOf>> {
    let is_multi = competition.target.kind == TargetKind::MultiLabel;
    ensure!(
        is_multi || labels.len() < 2,
        "{}: {} classes have a 1: {}\nhint: an image of several classes needs `target.kind = \
         \"multi-label\"`",
        rows.table.place(line),
        labels.len(),
        missing::first_three(&labels.iter().map(String::as_str).collect::<Vec<_>>())
    );
    Ok((is_multi || !labels.is_empty()).then_some(SaidOf::Labels(labels)))
}

/// Rows that are an image and a class.
struct Long<'a, 'r> {
    competition: &'a Competition,
    rows: &'r Rows,
    /// The column of 0 and 1.
    at: usize,
    pattern: &'a RowPattern,
}

impl<'r> Long<'_, 'r> {
    fn read(&self, finder: &mut Finder) -> Result<(Vec<Entry<'r>>, usize)> {
        let Self { competition, rows, pattern, .. } = self;
        let target = &competition.target;
        // The classes that are known, the longest first; what is not named in the spec is learnt.
        let mut known: Vec<String> = target.rename.keys().chain(&target.classes).cloned().collect();
        let may_learn = target.classes.is_empty();
        let mut entries: Vec<Entry> = Vec::new();
        let mut of_id: HashMap<String, usize> = HashMap::new();
        let mut said: HashMap<(usize, usize), (bool, u64)> = HashMap::new();
        let (mut doubled, mut ones): (usize, Vec<Vec<usize>>) = (0, Vec::new());
        for (nth, (line, row)) in rows.table.rows.iter().enumerate() {
            let text = rows.id(nth).into_owned();
            let found = match pattern.split(&text, &known) {
                Some((id, class)) => Some((id.to_owned(), class)),
                None if may_learn => {
                    let cut = pattern.cuts(&text).into_iter().find(|(id, _)| finder.has(id));
                    cut.map(|(id, class)| {
                        known.push(class.to_owned());
                        (id.to_owned(), known.len() - 1)
                    })
                }
                None => None,
            };
            let (id, class) = found.with_context(|| self.unknown(*line, &text))?;
            let entry = match of_id.entry(id) {
                Place::Occupied(entry) => *entry.get(),
                Place::Vacant(entry) => {
                    let id = Cow::Owned(entry.key().clone());
                    entries.push(Entry { id, row: nth, line: *line, said: None });
                    ones.push(Vec::new());
                    *entry.insert(entries.len() - 1)
                }
            };
            let field = &row[self.at];
            if field.is_empty() {
                continue;
            }
            let is_one =
                is_one(rows, *line, field, &format!("for `{}`", term::short(&text, SHOWN)))?;
            if let Some(&(before, first)) = said.get(&(entry, class)) {
                ensure!(
                    before == is_one,
                    "{}: `{}` is {}, and {} on line {first}\nhint: keep one of the two rows",
                    rows.table.place(*line),
                    term::short(&text, SHOWN),
                    u8::from(is_one),
                    u8::from(before)
                );
                doubled += 1;
                continue;
            }
            said.insert((entry, class), (is_one, *line));
            entries[entry].said = Some(SaidOf::Labels(Vec::new()));
            if is_one {
                ones[entry].push(class);
            }
        }
        for (entry, ones) in entries.iter_mut().zip(ones) {
            let labels = ones.into_iter().map(|class| target.renamed(&known[class]).to_owned());
            if entry.said.is_some() {
                entry.said = of_ones(competition, rows, entry.line, labels.collect())?;
            }
        }
        Ok((entries, doubled))
    }

    fn unknown(&self, line: u64, text: &str) -> String {
        let hint = if self.competition.target.classes.is_empty() {
            "no image has the first part for its name; name all classes in `target.classes`, if only some \
             are here"
        } else {
            "`target.classes` must name every class of the table"
        };
        format!(
            "{}: `{}` is no image and class, as in `{}`\nhint: {hint}",
            self.rows.table.place(line),
            term::short(text, SHOWN),
            self.pattern
        )
    }
}
