//! Which images must not be parted: learnt from and judged by at once.

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::labels::Labels;
use super::pattern::Pattern;
use crate::relative::RelativePath;

/// What `group` begins with where it is written in DICOM files.
const DICOM: &str = "dicom:";

/// `[split]`: which images stay together when some are held out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SplitSpec {
    /// A column: those with the same value stay together; of the table of labels, unless `file` is given.
    /// `dicom:PatientID` is what DICOM files say themselves.
    pub group: Option<String>,
    /// Another table that has the column.
    pub file: Option<RelativePath>,
    /// Its column of ids.
    pub id: Option<String>,
    /// A pattern on ids: those in which the same is found stay together.
    pub pattern: Option<Pattern>,
}

/// What tells which images stay together.
#[derive(Clone, Copy, Debug)]
pub enum Grouping<'s> {
    /// A column of the table of labels.
    Column(&'s str),
    /// A column of another table, with its column of ids.
    Table { file: &'s RelativePath, id: &'s str, column: &'s str },
    /// The capture `group` of an id, or the first, or all that matches.
    Pattern(&'s Pattern),
    /// An attribute of DICOM files.
    Dicom(&'s str),
}

impl SplitSpec {
    /// What tells; none where the fields contradict one another.
    pub fn grouping(&self) -> Option<Grouping<'_>> {
        let Self { group, file, id, pattern } = self;
        match (group.as_deref(), file, id.as_deref(), pattern) {
            (None, None, None, Some(pattern)) => Some(Grouping::Pattern(pattern)),
            (Some(column), Some(file), Some(id), None) => {
                Some(Grouping::Table { file, id, column })
            }
            (Some(column), None, None, None) => Some(match column.strip_prefix(DICOM) {
                Some(attribute) => Grouping::Dicom(attribute),
                None => Grouping::Column(column),
            }),
            _ => None,
        }
    }

    /// Finds contradictions.
    pub(super) fn check(&self, labels: &Labels) -> Result<()> {
        let Self { group, file, id, pattern } = self;
        ensure!(
            group.is_some() != pattern.is_some(),
            "`[split]` needs either `group`, a column, or `pattern`, a regular expression on ids"
        );
        ensure!(
            file.is_some() == id.is_some(),
            "`split.file` and `split.id` belong together: a table, and its column of ids"
        );
        ensure!(
            file.is_none() || pattern.is_none(),
            "`split.pattern` is about ids: leave out `split.file`, or give a `group` in place of it"
        );
        if let Some(Grouping::Column(column)) = self.grouping() {
            ensure!(
                !labels.tables().is_empty(),
                "`split.group` is `{column}`, a column of the table of labels, and there is none: name the \
                 table in `split.file` and its column of ids in `split.id`"
            );
        }
        ensure!(
            group.as_deref() != Some("") && group.as_deref() != Some(DICOM),
            "`split.group` names no column"
        );
        Ok(())
    }
}
