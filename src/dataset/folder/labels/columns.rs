//! Where in a row of the table its labels are.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use super::super::missing::SHOWN;
use super::super::table::{Table, header_text};
use super::rows;
use crate::competition::{Competition, Labels, RowPattern};
use crate::target::TargetKind;
use crate::term;

/// Where a row has its labels.
pub(super) enum Columns {
    /// In one column.
    One(usize),
    /// A column a class, with 0 or 1; of several columns that are called one class, one suffices.
    PerClass(Vec<(String, usize)>),
    /// A number each.
    Numbers(Vec<usize>),
    /// A row is an image and a class, and this column says 0 or 1.
    Long(usize, RowPattern),
}

/// Finds them; `of_sample` are the sample's columns of answers.
pub(super) fn find(
    competition: &Competition,
    table: &Table,
    of_sample: &[String],
) -> Result<Columns> {
    let target = &competition.target;
    let is_number = target.kind == TargetKind::Number;
    if let Some(label) = target.labels.label_column() {
        let at = rows::column(competition, table, label)?;
        return Ok(match &target.labels {
            Labels::Csv { row: Some(row), .. } => Columns::Long(at, row.clone()),
            _ if is_number => Columns::Numbers(vec![at]),
            _ => Columns::One(at),
        });
    }
    let names = if target.classes.is_empty() { of_sample } else { &target.classes };
    if is_number {
        let at = names.iter().map(|name| numbers_at(table, name, &target.rename));
        let at = at.collect::<Result<Vec<_>>>()?;
        ensure!(
            !at.is_empty(),
            "nothing tells which columns of `{}` are the numbers\nhint: name one in \
             `target.labels.{}.label`, or several in `target.classes`",
            table.path.display(),
            target.labels.name()
        );
        return Ok(Columns::Numbers(at));
    }
    // A sample with one column of answers has labels in it, not a class each.
    if let Some(column) = competition.submission.value_column()
        && !names.iter().all(|name| table.header.contains(name) && name != column)
        && let Some(at) = table.column(column)?
    {
        return Ok(Columns::One(at));
    }
    per_class(competition, table, names).map(Columns::PerClass)
}

/// Where a number has its column, under its own name or one that the spec renames to it.
fn numbers_at(table: &Table, name: &str, rename: &BTreeMap<String, String>) -> Result<usize> {
    let renamed = rename.iter().filter(|(_, to)| *to == name).map(|(from, _)| from.as_str());
    for name in renamed.chain([name]) {
        if let Some(at) = table.column(name)? {
            return Ok(at);
        }
    }
    bail!(
        "{}: no column for the number `{}`\n  found `{}`\nhint: name the column in `label`, or say with \
         `target.rename` what the table calls it: {{ theirs = \"{}\" }}",
        table.place(1),
        term::short(name, SHOWN),
        header_text(&table.header),
        term::short(name, SHOWN)
    )
}

/// Where each class has its column, under its own name or one that the spec renames to it.
fn per_class(
    competition: &Competition,
    table: &Table,
    classes: &[String],
) -> Result<Vec<(String, usize)>> {
    let rename = &competition.target.rename;
    ensure!(
        !classes.is_empty(),
        "nothing tells which columns of `{}` are classes\nhint: name them in `target.classes`, or \
         name the column of labels in `target.labels.csv`",
        table.path.display()
    );
    let mut columns = Vec::with_capacity(classes.len());
    for class in classes {
        let n = columns.len();
        for (from, _) in rename.iter().filter(|(_, to)| *to == class) {
            columns.extend(table.column(from)?.map(|at| (class.clone(), at)));
        }
        if !rename.contains_key(class) {
            columns.extend(table.column(class)?.map(|at| (class.clone(), at)));
        }
        ensure!(
            columns.len() > n,
            "{}: no column for the class `{}`\n  found `{}`\nhint: without a `label` in \
             `target.labels.csv`, every class has a column of its own",
            table.place(1),
            term::short(class, SHOWN),
            header_text(&table.header)
        );
    }
    Ok(columns)
}
