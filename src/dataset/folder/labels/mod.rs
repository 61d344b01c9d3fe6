//! The training images and what they are labelled with: from a table, from file names, or from
//! folders. `table.rs` reads tables, `target.rs` finds labels in the vocabulary.

mod table;
mod target;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::found::FilesFound;
use super::images::{self, Images};
use super::index::{self, ImageFile};
use super::table::Table;
use crate::competition::{Competition, Labels, TargetSpec};
use crate::target::{Classes, TargetKind};

/// A training image with its labels as they are written.
pub(super) struct Labelled {
    pub(super) id: String,
    pub(super) path: PathBuf,
    /// One class, or any number of tags.
    pub(super) labels: Vec<String>,
    pub(super) source: LabelSource,
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
    pub(super) path: PathBuf,
    /// As the spec names it.
    pub(super) name: String,
    pub(super) header: Vec<String>,
    pub(super) rows: usize,
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
}

/// Reads labels and joins them with the images on disk. `columns` are the classes that have columns of
/// their own, where the spec names no column of labels.
pub(super) fn read(
    competition: &Competition,
    folder: &Path,
    columns: &[String],
) -> Result<LabelledImages> {
    let kind = competition.target.kind;
    match &competition.target.labels {
        Labels::Csv { .. } => {
            table::read(competition, folder, columns, images::train(competition, folder)?)
        }
        Labels::FileName { separator } => {
            let Images { images, files } = images::train(competition, folder)?;
            let label = |image: &ImageFile| match image.id.split_once(separator.as_str()) {
                Some((label, _)) if !label.is_empty() => Ok(label.to_owned()),
                _ => bail!(
                    "no label before a `{separator}` in the name of `{}`\nhint: move the file away, \
                     or change `target.labels.file-name` in the spec",
                    image.path.display()
                ),
            };
            let labels = images.iter().map(label).collect::<Result<Vec<String>>>()?;
            Ok(of_paths(Images { images, files }, labels, kind))
        }
        Labels::Folder {} => {
            let (images, labels) = images::train_by_folder(competition, folder)?;
            Ok(of_paths(images, labels, kind))
        }
    }
}

fn of_paths(images: Images, labels: Vec<String>, kind: TargetKind) -> LabelledImages {
    let labelled = |(ImageFile { id, path }, label): (ImageFile, String)| Labelled {
        id,
        path,
        labels: split(&label, kind, None),
        source: LabelSource::Path,
    };
    LabelledImages {
        images: images.images.into_iter().zip(labels).map(labelled).collect(),
        table: None,
        unlabelled: Vec::new(),
        files: images.files,
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
        (TargetKind::MultiLabel, None) => owned(&mut text.split_whitespace()),
        (TargetKind::MultiLabel, Some(separator)) => {
            owned(&mut text.split(separator).map(str::trim))
        }
    }
}

impl LabelledImages {
    /// The distinct labels in byte order: the vocabulary of a competition that names none.
    pub(super) fn vocabulary(&self) -> Classes {
        vocabulary(self.images.iter().flat_map(|image| image.labels.iter().cloned()))
    }
}

/// The classes that the table of labels names, in byte order, without a look at any image; the
/// spec's, if it names them, and none where there is no table.
pub fn tags(competition: &Competition, folder: &Path) -> Result<Option<Classes>> {
    let TargetSpec { classes, labels, kind, .. } = &competition.target;
    if !classes.is_empty() {
        return Ok(Some(classes.clone().into()));
    }
    let Labels::Csv { file, label: Some(label), separator, .. } = labels else { return Ok(None) };
    let Some(path) = index::find_file(folder, file) else { return Ok(None) };
    let table = Table::read(&path)?;
    let Some(at) = table.column(label)? else { return Ok(None) };
    let rows = table.rows.iter();
    Ok(Some(vocabulary(rows.flat_map(|(_, row)| split(&row[at], *kind, separator.as_deref())))))
}

/// The distinct labels in byte order.
fn vocabulary(labels: impl Iterator<Item = String>) -> Classes {
    let names: std::collections::BTreeSet<String> = labels.collect();
    names.into_iter().collect::<Vec<String>>().into()
}
