//! The training images and what they are labelled with: from a table, from file names, or from folders.
//!
//! `rows.rs` opens tables, `columns.rs` says where in a row its labels are, `entries.rs` reads them,
//! `join.rs` finds the images, `target.rs` the labels in the vocabulary, `paths.rs` is for labels without
//! a table.

mod columns;
mod entries;
mod join;
mod paths;
mod rows;
mod target;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::found::FilesFound;
use super::index::{self, ImageFile};
use super::json;
use super::table::Table;
use crate::competition::{Competition, Labels, TargetSpec};
use crate::convert;
use crate::target::{Classes, TargetKind};

/// A training image with its labels as they are written, or with its numbers.
pub(super) struct Labelled {
    pub(super) id: String,
    pub(super) path: PathBuf,
    /// Files of further channels.
    pub(super) planes: Vec<PathBuf>,
    /// One class, or any number of tags.
    pub(super) labels: Vec<String>,
    pub(super) numbers: Vec<f64>,
    pub(super) source: LabelSource,
    /// The rows of the table that are about it.
    pub(super) rows: Vec<usize>,
}

/// Where a label comes from.
#[derive(Clone, Copy)]
pub(super) enum LabelSource {
    /// A line of the table.
    Line(u64),
    /// The image's own path.
    Path,
}

/// The table that labels come from.
pub(super) struct LabelTable {
    pub(super) table: Table,
    /// As the spec names it.
    pub(super) name: String,
}

/// The labelled training images of a competition.
pub(super) struct LabelledImages {
    pub(super) images: Vec<Labelled>,
    /// None where file names or folders are the labels.
    pub(super) table: Option<LabelTable>,
    /// Images without a label: they are left out.
    pub(super) unlabelled: Vec<ImageFile>,
    /// The files in the training folders.
    pub(super) files: Vec<FilesFound>,
    /// Rows of the table without a label: they are left out.
    pub(super) skipped: usize,
    /// Rows that say the same as another.
    pub(super) doubled: usize,
    /// Rows that say more about the image of another: an image has the tags of all its rows.
    pub(super) merged: usize,
}

/// Reads labels and joins them with the images on disk. `columns` are the sample's columns of answers.
pub(super) fn read(
    competition: &Competition,
    folder: &Path,
    columns: &[String],
) -> Result<LabelledImages> {
    match &competition.target.labels {
        Labels::Csv { .. } | Labels::Json { .. } | Labels::Record { .. } => {
            join::read(competition, folder, columns)
        }
        Labels::FileName { .. } | Labels::Folder {} => paths::read(competition, folder),
    }
}

/// The labels that a text is: one class, or the tags between blanks or whatever else separates them.
fn split(text: &str, kind: TargetKind, separator: Option<&str>) -> Vec<String> {
    let owned = |parts: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    match (kind, separator) {
        (TargetKind::SingleLabel | TargetKind::Ordinal | TargetKind::Number, _) => {
            owned(&mut std::iter::once(text))
        }
        (TargetKind::MultiLabel, _) if text.contains(json::LIST) => {
            owned(&mut text.split(json::LIST).map(str::trim))
        }
        (TargetKind::MultiLabel, None) => owned(&mut text.split_whitespace()),
        (TargetKind::MultiLabel, Some(separator)) => {
            owned(&mut text.split(separator).map(str::trim))
        }
    }
}

/// The same under the names that the spec gives labels.
fn split_and_renamed(text: &str, target: &TargetSpec) -> Vec<String> {
    let mut labels = split(text, target.kind, target.labels.separator());
    for label in &mut labels {
        if let Some(renamed) = target.rename.get(label.as_str()) {
            label.clone_from(renamed);
        }
    }
    labels
}

impl LabelledImages {
    /// The distinct labels: the vocabulary of a competition that names none. Levels go by their numbers,
    /// all others in byte order.
    pub(super) fn vocabulary(&self, kind: TargetKind) -> Classes {
        let labels = self.images.iter().flat_map(|image| image.labels.iter().cloned());
        vocabulary(labels, kind)
    }
}

/// The classes that the table of labels names, in order, without a look at any image; the spec's, if it
/// names them, and none where there is no table or no column of labels.
pub fn tags(competition: &Competition, folder: &Path) -> Result<Option<Classes>> {
    let target = &competition.target;
    if !target.classes.is_empty() {
        return Ok(Some(target.classes.clone().into()));
    }
    let is_row = matches!(&target.labels, Labels::Csv { row: Some(_), .. });
    let (Some(label), false) = (target.labels.label_column(), is_row) else { return Ok(None) };
    let tables = target.labels.tables();
    let Some(file) = tables.first() else { return Ok(None) };
    let converted = convert::table(competition, folder, file);
    let Some(path) = converted.or_else(|| index::find_file(folder, file)) else { return Ok(None) };
    let table = Table::open(&path)?;
    let Some(at) = table.column(label)? else { return Ok(None) };
    let labels = table.rows.iter().flat_map(|(_, row)| split_and_renamed(&row[at], target));
    Ok(Some(vocabulary(labels, target.kind)))
}

fn vocabulary(labels: impl Iterator<Item = String>, kind: TargetKind) -> Classes {
    let names: BTreeSet<String> = labels.collect();
    let mut names: Vec<String> = names.into_iter().collect();
    if kind == TargetKind::Ordinal {
        let number = |name: &String| name.parse::<f64>().unwrap_or(f64::INFINITY);
        names.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    names.into()
}
