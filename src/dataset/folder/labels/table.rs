//! Labels in a table, joined with images by their ids.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::super::images::Images;
use super::super::index::{Asked, ByName};
use super::super::missing::{self, SHOWN};
use super::super::table::{Table, header_text};
use super::{LabelSource, LabelTable, Labelled, LabelledImages, split};
use crate::competition::{Competition, Labels};
use crate::explain;
use crate::target::TargetKind;
use crate::term;

/// Where a row has its labels.
enum Columns {
    /// In one column, with what stands between several.
    One(usize, Option<String>),
    /// A column a class, with its name.
    PerClass(Vec<(String, usize)>),
}

/// Reads the table and joins its rows with the images; `columns` are the classes that have columns of
/// their own, where the spec names no column of labels.
pub(super) fn read(
    competition: &Competition,
    folder: &Path,
    columns: &[String],
    images: Images,
) -> Result<LabelledImages> {
    let Labels::Csv { file, id, label, separator } = &competition.target.labels else {
        bail!("`{}` has its labels in no table", competition.name)
    };
    let path = missing::find_table(competition, folder, file)?;
    let table = Table::read(&path)?;
    let id_at = column(competition, &table, id)?;
    let places = match label {
        Some(label) => Columns::One(column(competition, &table, label)?, separator.clone()),
        None => Columns::PerClass(per_class(&table, columns)?),
    };
    let mut by_name = ByName::new(images.images);
    let mut lines: HashMap<&str, u64> = HashMap::with_capacity(table.rows.len());
    let mut labelled = Vec::with_capacity(table.rows.len());
    let mut without = Vec::new();
    ensure!(
        !table.rows.is_empty(),
        "`{}` has a header and no row\nhint: every labelled image has a row: write the table again, or \
         run `{} --force`",
        table.path.display(),
        competition.command("fetch")
    );
    for (line, row) in &table.rows {
        let id = &row[id_at];
        table.check_ends(*line, id)?;
        if id.is_empty() {
            bail!("{}: no id\nhint: give one, or delete the row", table.place(*line));
        }
        if let Some(first) = lines.insert(id, *line) {
            bail!(
                "{}: id `{}` is also on line {first}\nhint: keep one of the two rows",
                table.place(*line),
                term::short(id, SHOWN)
            );
        }
        let path = match by_name.take(id, *line) {
            Asked::Image(image) => image.path.clone(),
            Asked::Again(first) => bail!(
                "{}: `{}` is the image of line {first} as well\nhint: keep one of the two rows",
                table.place(*line),
                term::short(id, SHOWN)
            ),
            Asked::Unknown => {
                without.push(id);
                continue;
            }
        };
        let labels = match &places {
            Columns::One(at, separator) => {
                table.check_ends(*line, &row[*at])?;
                split(&row[*at], competition.target.kind, separator.as_deref())
            }
            Columns::PerClass(columns) => ones(competition, &table, *line, row, columns)?,
        };
        let (id, source) = (id.to_owned(), LabelSource::Line(*line));
        labelled.push(Labelled { id, path, labels, source });
    }
    if !without.is_empty() {
        bail!(absent(competition, &table, &without, &by_name));
    }
    Ok(LabelledImages {
        images: labelled,
        unlabelled: by_name.left(),
        files: images.files,
        table: Some(LabelTable {
            name: file.to_string(),
            rows: table.rows.len(),
            path: table.path,
            header: table.header,
        }),
    })
}

/// Where a column of the spec is.
fn column(competition: &Competition, table: &Table, name: &str) -> Result<usize> {
    if let Some(at) = table.column(name)? {
        return Ok(at);
    }
    let Labels::Csv { id, label, .. } = &competition.target.labels else {
        bail!("`{}` has its labels in no table", competition.name)
    };
    let label = label.as_deref().unwrap_or("<class>,<class>,...");
    let same = |column: &&String| column.to_lowercase() == name.to_lowercase();
    let hint = if let Some(slip) = explain::slip(&table.header) {
        slip.in_table()
    } else if let Some(same) = table.header.iter().find(same) {
        format!("the spec says `{name}`, the table `{same}`: give the table's name in the spec")
    } else if let Some(hint) = one_hot_hint(&competition.target.classes, &table.header) {
        hint
    } else {
        format!("run `{}`, or change `target.labels.csv` in the spec", competition.command("fetch"))
    };
    bail!(
        "{}: the header is not that of `{}`\n  expected `{id},{label}`\n  found    `{}`\nhint: \
         {hint}",
        table.place(1),
        competition.name,
        header_text(&table.header)
    )
}

/// What to do where a table has a column a class, but the spec names one column of labels.
pub(super) fn one_hot_hint(classes: &[String], header: &[String]) -> Option<String> {
    let all = classes.len() > 1 && classes.iter().all(|class| header.contains(class));
    all.then(|| {
        "the table has one column a class (one-hot): leave `label` out of `target.labels.csv` in the \
         spec"
            .to_owned()
    })
}

/// Where each class has its column.
fn per_class(table: &Table, classes: &[String]) -> Result<Vec<(String, usize)>> {
    ensure!(
        !classes.is_empty(),
        "nothing tells which columns of `{}` are classes\nhint: name them in `target.classes`, or \
         name the column of labels in `target.labels.csv`",
        table.path.display()
    );
    let mut columns = Vec::with_capacity(classes.len());
    for class in classes {
        let Some(at) = table.column(class)? else {
            bail!(
                "{}: no column for the class `{}`\n  found `{}`\nhint: without a `label` in \
                 `target.labels.csv`, every class has a column of its own",
                table.place(1),
                term::short(class, SHOWN),
                header_text(&table.header)
            );
        };
        columns.push((class.clone(), at));
    }
    Ok(columns)
}

/// The classes whose columns have a 1.
fn ones(
    competition: &Competition,
    table: &Table,
    line: u64,
    row: &csv::StringRecord,
    columns: &[(String, usize)],
) -> Result<Vec<String>> {
    let mut labels = Vec::new();
    for (class, at) in columns {
        match row[*at].parse::<f64>() {
            Ok(1.0) => labels.push(class.clone()),
            Ok(0.0) => {}
            _ => bail!(
                "{}: `{}` in the column `{}`, where 0 or 1 is expected\nhint: without a `label` in \
                 `target.labels.csv`, the columns of the classes say 1 for those that an image shows",
                table.place(line),
                term::short(&row[*at], SHOWN),
                term::short(class, SHOWN)
            ),
        }
    }
    ensure!(
        competition.target.kind == TargetKind::MultiLabel || labels.len() < 2,
        "{}: {} classes have a 1: {}\nhint: an image of several classes needs `target.kind = \
         \"multi-label\"`",
        table.place(line),
        labels.len(),
        missing::first_three(&labels.iter().map(String::as_str).collect::<Vec<_>>())
    );
    Ok(labels)
}

/// What to say about ids of a table that no image has.
fn absent(competition: &Competition, table: &Table, without: &[&str], images: &ByName) -> String {
    let hint = match explain::change(without, images.ids()) {
        Some(change) => change.in_table("the images"),
        None => format!("run `{}` again, or delete their rows", competition.command("fetch")),
    };
    format!(
        "{} of the {} images in `{}` are not in `{}`: {}\nhint: {hint}",
        without.len(),
        table.rows.len(),
        table.path.display(),
        competition.files.train.join("`, `"),
        missing::first_three(without)
    )
}
