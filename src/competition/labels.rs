//! Where the training labels are.

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::files::OneOrMany;
use super::pattern::{Pattern, RowPattern};
use crate::relative::RelativePath;
use crate::target::TargetKind;

/// Where the training labels are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Labels {
    /// A table with a row an image.
    Csv {
        file: RelativePath,
        /// The column of ids; left out, rows are numbered from 1.
        id: Option<String>,
        /// The column of labels; left out, those of the sample's columns of answers: a class each, with 0
        /// or 1, or numbers.
        label: Option<String>,
        /// What stands between the tags of a row; blanks if left out.
        separator: Option<String>,
        /// Where a row is an image and a class, what its id is made of; `label` is then 0 or 1.
        row: Option<RowPattern>,
        /// Where the labels are those of several images: which images these are.
        photos: Option<Photos>,
    },
    /// JSON in the manner of COCO (`images` and `annotations`), or a list of records.
    Json {
        /// One file, or several that are read one after the other.
        file: OneOrMany<RelativePath>,
        /// The field of ids.
        id: String,
        label: Option<String>,
        separator: Option<String>,
    },
    /// A part of the file name: what stands before the first separator (`cat.0.jpg`), or the capture
    /// `label` of a pattern.
    FileName {
        /// Usually `.`.
        separator: Option<String>,
        pattern: Option<Pattern>,
    },
    /// The folder an image lies in: `train/cat/0.jpg`.
    Folder {},
    /// Features of `TFRecords`, which hold the images as well.
    Record { id: String, label: Option<String> },
}

/// A table of images, each with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Photos {
    pub file: RelativePath,
    /// The column of the images' ids.
    pub id: String,
    /// The column of what they belong to: an id of the table of labels.
    pub of: String,
}

impl Labels {
    /// The tables that they are read from.
    pub fn tables(&self) -> Vec<&RelativePath> {
        match self {
            Self::Csv { file, photos, .. } => {
                [file].into_iter().chain(photos.as_ref().map(|photos| &photos.file)).collect()
            }
            Self::Json { file, .. } => file.iter().collect(),
            Self::FileName { .. } | Self::Folder {} | Self::Record { .. } => Vec::new(),
        }
    }

    /// The column of labels, where the spec names one.
    pub fn label_column(&self) -> Option<&str> {
        match self {
            Self::Csv { label, .. } | Self::Json { label, .. } | Self::Record { label, .. } => {
                label.as_deref()
            }
            Self::FileName { .. } | Self::Folder {} => None,
        }
    }

    /// The column of the images' ids, where there is one.
    pub fn id_column(&self) -> Option<&str> {
        match self {
            Self::Csv { photos: Some(photos), .. } => Some(&photos.id),
            Self::Csv { id, .. } => id.as_deref(),
            Self::Json { id, .. } | Self::Record { id, .. } => Some(id),
            Self::FileName { .. } | Self::Folder {} => None,
        }
    }

    /// What stands between tags, where it is no blank.
    pub fn separator(&self) -> Option<&str> {
        match self {
            Self::Csv { separator, .. } | Self::Json { separator, .. } => separator.as_deref(),
            Self::FileName { .. } | Self::Folder {} | Self::Record { .. } => None,
        }
    }

    /// The word of their table in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Json { .. } => "json",
            Self::FileName { .. } => "file-name",
            Self::Folder {} => "folder",
            Self::Record { .. } => "record",
        }
    }

    /// Finds contradictions.
    pub(super) fn check(&self, kind: TargetKind) -> Result<()> {
        let name = self.name();
        match self {
            Self::Csv { label, separator, .. } | Self::Json { label, separator, .. } => {
                ensure!(
                    separator.as_deref() != Some(""),
                    "`target.labels.{name}.separator` is empty: give what stands between"
                );
                ensure!(
                    separator.is_none() || (kind == TargetKind::MultiLabel && label.is_some()),
                    "`separator` is between the tags of a `label`: it needs `label` and `target.kind = \
                     \"multi-label\"`"
                );
            }
            Self::FileName { separator, pattern } => {
                ensure!(
                    separator.as_deref() != Some(""),
                    "`target.labels.file-name.separator` is empty: give what stands between"
                );
                ensure!(
                    separator.is_some() != pattern.is_some(),
                    "`target.labels.file-name` needs either a `separator`, such as \".\", or a `pattern`, \
                     such as '^(?<label>[a-z]+)_'"
                );
                ensure!(
                    pattern.as_ref().is_none_or(|pattern| pattern.names("label")),
                    "`target.labels.file-name.pattern` needs a capture `label`, such as \
                     '^(?<label>[a-z]+)_'"
                );
            }
            Self::Folder {} | Self::Record { .. } => {}
        }
        if let Self::Csv { label, row, photos, id, .. } = self {
            ensure!(
                row.is_none() || (label.is_some() && id.is_some()),
                "`target.labels.csv.row` needs `id`, the column of such rows, and `label`, that of their 0 \
                 and 1"
            );
            ensure!(
                row.is_none() || photos.is_none(),
                "`target.labels.csv` has `row` and `photos`: only one of them can be"
            );
            ensure!(
                photos.is_none() || id.is_some(),
                "`target.labels.csv.photos` needs `id`, the column of what images belong to"
            );
            ensure!(
                row.is_none() || matches!(kind, TargetKind::SingleLabel | TargetKind::MultiLabel),
                "`target.labels.csv.row` needs `target.kind = \"multi-label\"` or \"single-label\""
            );
        }
        if !matches!(self, Self::Csv { .. } | Self::Json { .. } | Self::Record { .. }) {
            ensure!(
                kind != TargetKind::Number,
                "`target.kind = \"number\"` needs a table: `target.labels.csv` or `json`"
            );
        }
        Ok(())
    }
}
