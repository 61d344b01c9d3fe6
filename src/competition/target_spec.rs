//! What an image is labelled with.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::labels::Labels;
use crate::relative::RelativePath;
use crate::target::TargetKind;

/// What an image is labelled with, and where the labels are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TargetSpec {
    pub kind: TargetKind,
    pub labels: Labels,
    /// The classes in order, where the data do not tell: else they are the sample's columns
    /// (`probability-per-class`) or the sorted labels of the training images. For numbers, their columns.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Which tags exclude or imply one another, where that is not to be found in the labels.
    #[serde(default)]
    pub groups: TagGroups,
    /// What a number may be, both ends included.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// What labels are called from there on; several may become one. For numbers, what their columns are.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// The answer where none of the other classes is likely; no training image need have it.
    #[serde(default)]
    pub unknown: Option<String>,
    /// A file of names for reports: JSON of labels and names, a list of records, or a CSV.
    #[serde(default)]
    pub names: Option<RelativePath>,
}

/// Which tags exclude or imply one another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TagGroups {
    /// Groups of which an image has exactly one tag.
    pub exclusive: Vec<Vec<String>>,
    /// Groups of which an image has one tag or none.
    pub at_most_one: Vec<Vec<String>>,
    /// Tags that stand without any other.
    pub alone: Vec<String>,
    /// A tag and another that is always there with it.
    pub implies: Vec<[String; 2]>,
    /// Whether the images at hand may lack some of these tags, which are then left out; without it,
    /// a name that no image has is an error.
    pub may_be_absent: bool,
}

impl TagGroups {
    /// Every name in them, in order.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let groups = self.exclusive.iter().chain(&self.at_most_one).flatten();
        groups.chain(&self.alone).chain(self.implies.iter().flatten())
    }
}

impl TargetSpec {
    /// What a label is called from here on.
    pub fn renamed<'n>(&'n self, label: &'n str) -> &'n str {
        self.rename.get(label).map_or(label, String::as_str)
    }

    /// Finds contradictions; `listed` is what the upload has between blanks, where it has lists.
    pub(super) fn check(&self, listed: Option<&str>) -> Result<()> {
        let Self { kind, labels, classes, .. } = self;
        let unique: HashSet<_> = classes.iter().collect();
        ensure!(unique.len() == classes.len(), "`target.classes` names a class twice");
        let blank = |name: &&String| name.is_empty() || name.trim() != name.as_str();
        if let Some(name) = classes.iter().find(blank) {
            bail!("`target.classes` has `{name}`: a name neither begins nor ends with a blank");
        }
        if let Some(noun) = listed
            && let Some(name) = classes.iter().find(|name| name.contains(char::is_whitespace))
        {
            bail!("`target.classes` has `{name}`: {noun} of an upload are separated by blanks");
        }
        labels.check(*kind)?;
        self.check_groups()?;
        self.check_words()
    }

    fn check_groups(&self) -> Result<()> {
        let Self { kind, classes, groups, .. } = self;
        ensure!(
            *groups == TagGroups::default() || *kind == TargetKind::MultiLabel,
            "`target.groups` needs `target.kind = \"multi-label\"`"
        );
        if !classes.is_empty()
            && !groups.may_be_absent
            && let Some(name) = groups.names().find(|name| !classes.contains(*name))
        {
            bail!("`target.groups` names `{name}`, which is none of `target.classes`");
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let Self { kind, classes, range, rename, unknown, .. } = self;
        if let Some([low, high]) = range {
            ensure!(*kind == TargetKind::Number, "`target.range` needs `target.kind = \"number\"`");
            ensure!(
                low < high && low.is_finite() && high.is_finite(),
                "`target.range` is [{low}, {high}]: give the least and the largest number, such as [0, 100]"
            );
        }
        let blank = |name: &&String| name.is_empty() || name.trim() != name.as_str();
        if let Some(name) = rename.values().chain(unknown).find(blank) {
            bail!("`target` has the name `{name}`: a name neither begins nor ends with a blank");
        }
        if !classes.is_empty()
            && let Some((from, to)) = rename.iter().find(|(_, to)| !classes.contains(to))
        {
            bail!("`target.rename` makes `{to}` of `{from}`, which is none of `target.classes`");
        }
        ensure!(
            unknown.is_none() || *kind == TargetKind::SingleLabel,
            "`target.unknown` needs `target.kind = \"single-label\"`"
        );
        ensure!(
            *kind != TargetKind::Ordinal || classes.len() != 1,
            "`target.classes` has one level: there is nothing to tell apart"
        );
        Ok(())
    }
}
