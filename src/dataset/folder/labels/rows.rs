//! The rows that labels are in: a CSV, JSON in one file or several, or a table of images joined with the
//! labels of what they belong to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail};
use csv::StringRecord;

use super::super::missing::{self, SHOWN};
use super::super::table::{Table, header_text};
use crate::competition::{Competition, Labels, Photos, RECORDS};
use crate::explain;
use crate::term;

/// A table of labels, and where its rows have their ids.
pub(super) struct Rows {
    pub(super) table: Table,
    /// As the spec names it.
    pub(super) name: String,
    /// None where rows are numbered from 1.
    id_at: Option<usize>,
    /// Images that belong to nothing that has a label: they are not among the rows.
    pub(super) without: usize,
}

impl Rows {
    /// Opens the table of a competition that has one.
    pub(super) fn open(competition: &Competition, folder: &Path) -> Result<Self> {
        match &competition.target.labels {
            Labels::Csv { file, id, photos, .. } => {
                let table = Table::read(&missing::find_table(competition, folder, file)?)?;
                let id_at = id.as_deref().map(|id| column(competition, &table, id)).transpose()?;
                let name = file.to_string();
                let (Some(photos), Some(of)) = (photos, id_at) else {
                    return Ok(Self { table, name, id_at, without: 0 });
                };
                let of_images = missing::find_table(competition, folder, &photos.file)?;
                let (table, id_at, without) = joined(&table, of, Table::read(&of_images)?, photos)?;
                Ok(Self { table, name, id_at: Some(id_at), without })
            }
            Labels::Json { file, id, .. } => {
                let mut all: Option<Table> = None;
                for name in file.iter() {
                    let path = missing::find_table(competition, folder, name)?;
                    let table = Table::open(&path)?;
                    match &mut all {
                        Some(all) => all.append(table),
                        None => all = Some(table),
                    }
                }
                let Some(table) = all else {
                    bail!("`target.labels.json.file` is empty: name a file")
                };
                let id_at = Some(column(competition, &table, id)?);
                Ok(Self { table, name: file.join(", "), id_at, without: 0 })
            }
            Labels::Record { id, .. } => {
                let table = Table::read(&missing::find_table(competition, folder, RECORDS)?)?;
                let id_at = Some(column(competition, &table, id)?);
                Ok(Self { table, name: RECORDS.to_owned(), id_at, without: 0 })
            }
            Labels::FileName { .. } | Labels::Folder {} => {
                bail!("`{}` has its labels in no table", competition.name)
            }
        }
    }

    /// What a row is about.
    pub(super) fn id(&self, row: usize) -> Cow<'_, str> {
        match self.id_at {
            Some(at) => Cow::Borrowed(&self.table.rows[row].1[at]),
            None => Cow::Owned((row + 1).to_string()),
        }
    }
}

/// Where a column of the spec is.
pub(super) fn column(competition: &Competition, table: &Table, name: &str) -> Result<usize> {
    if let Some(at) = table.column(name)? {
        return Ok(at);
    }
    let labels = &competition.target.labels;
    let id = match labels {
        Labels::Csv { id, .. } => id.as_deref(),
        labels => labels.id_column(),
    };
    let label = labels.label_column().unwrap_or("<class>,<class>,...");
    let expected = id.map_or(label.to_owned(), |id| format!("{id},{label}"));
    let same = |column: &&String| column.to_lowercase() == name.to_lowercase();
    let hint = if let Some(slip) = explain::slip(&table.header) {
        slip.in_table()
    } else if let Some(same) = table.header.iter().find(same) {
        format!("the spec says `{name}`, the table `{same}`: give the table's name in the spec")
    } else if let Some(hint) = one_hot_hint(&competition.target.classes, &table.header) {
        hint
    } else {
        format!(
            "run `{}`, or change `target.labels.{}` in the spec",
            competition.command("fetch"),
            labels.name()
        )
    };
    bail!(
        "{}: the header is not that of `{}`\n  expected `{expected}`\n  found    `{}`\nhint: {hint}",
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

/// A row an image, with the columns of what it belongs to; where the images' ids are, and how many images
/// belong to nothing in the table.
fn joined(
    labels: &Table,
    of_labels: usize,
    mut images: Table,
    photos: &Photos,
) -> Result<(Table, usize, usize)> {
    let id_at = images.named(&photos.id, "target.labels.csv.photos.id")?;
    let of_at = images.named(&photos.of, "target.labels.csv.photos.of")?;
    let mut of_id: HashMap<&str, &(u64, StringRecord)> = HashMap::new();
    for row in &labels.rows {
        if let Some(first) = of_id.insert(&row.1[of_labels], row)
            && first.1 != row.1
        {
            bail!(
                "{}: `{}` is also on line {}, with something else\nhint: keep one of the two rows",
                labels.place(row.0),
                term::short(&row.1[of_labels], SHOWN),
                first.0
            );
        }
    }
    let added: Vec<usize> = (0..labels.header.len())
        .filter(|&at| !images.header.contains(&labels.header[at]))
        .collect();
    let n = images.rows.len();
    let rows = std::mem::take(&mut images.rows);
    images.rows = rows
        .into_iter()
        .filter_map(|(line, mut row)| {
            let (_, found) = of_id.get(&row[of_at])?;
            for &at in &added {
                row.push_field(&found[at]);
            }
            Some((line, row))
        })
        .collect();
    images.header.extend(added.iter().map(|&at| labels.header[at].clone()));
    let without = n - images.rows.len();
    Ok((images, id_at, without))
}
