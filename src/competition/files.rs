//! Where images and tables lie in the data folder.

use std::collections::HashSet;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::pixels::Pixels;
use super::template::{CHANNEL, ID, Template};
use crate::relative::RelativePath;

/// The layout of the data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// Folders of training images, or templates of their paths (see [`Template`]).
    pub train: Vec<RelativePath>,
    /// The same for test images; folders that do not exist are passed over so long as one does.
    pub test: Vec<RelativePath>,
    /// The sample submission: its ids, their order, and its header.
    pub sample: RelativePath,
    /// What image files end with, without the dot; none: every format that is read.
    #[serde(default)]
    pub extension: OneOrMany<String>,
    /// What `{channel}` stands for in a template: each image is so many grey files.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Those of the channels that are used, in this order; none: all of them.
    #[serde(default, rename = "use")]
    pub used: Vec<String>,
    /// Where in rows of tables the images are.
    #[serde(default)]
    pub pixels: Option<Pixels>,
    /// Of DICOM: centre and width of each channel's window; none: that of each file.
    #[serde(default)]
    pub windows: Option<Vec<[f64; 2]>>,
    /// A table of the test images, whose columns templates and pooled answers may name.
    #[serde(default)]
    pub test_table: Option<RelativePath>,
    /// How many images Kaggle has, to compare with.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// What to tell a person when images are not among the files that Kaggle gave.
    #[serde(default)]
    pub if_missing: Option<String>,
}

/// How many images a competition has on Kaggle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Counts {
    pub train: usize,
    pub test: usize,
}

/// One value, or a list of some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrManyWritten<T>", into = "Vec<T>")]
#[serde(bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct OneOrMany<T>(pub Vec<T>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
enum OneOrManyWritten<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> From<OneOrManyWritten<T>> for OneOrMany<T> {
    fn from(written: OneOrManyWritten<T>) -> Self {
        Self(match written {
            OneOrManyWritten::One(one) => vec![one],
            OneOrManyWritten::Many(many) => many,
        })
    }
}

impl<T> From<OneOrMany<T>> for Vec<T> {
    fn from(OneOrMany(many): OneOrMany<T>) -> Self {
        many
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl Files {
    /// The channels of an image in the order that they are used in; none where an image is one file.
    pub fn used_channels(&self) -> &[String] {
        if self.used.is_empty() { &self.channels } else { &self.used }
    }

    /// The folders that some places are in, each once: a place itself, or what a template has in front of
    /// its first brace.
    pub fn folders_of(places: &[RelativePath]) -> Vec<RelativePath> {
        let mut folders: Vec<RelativePath> = Vec::new();
        for place in places {
            let folder = Template::folder_of(place);
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// Finds contradictions.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(!self.train.is_empty(), "`files.train` is empty: name a folder");
        ensure!(!self.test.is_empty(), "`files.test` is empty: name a folder");
        for extension in self.extension.iter() {
            ensure!(
                !extension.is_empty() && !extension.contains(['.', '/', '\\']),
                "`files.extension` is `{extension}`: give it without a dot, such as \"png\""
            );
        }
        let unique: HashSet<&String> = self.channels.iter().collect();
        ensure!(unique.len() == self.channels.len(), "`files.channels` names a channel twice");
        if let Some(channel) = self.used.iter().find(|channel| !self.channels.contains(channel)) {
            bail!("`files.use` names `{channel}`, which is none of `files.channels`");
        }
        for (field, places) in [("train", &self.train), ("test", &self.test)] {
            let twice = places.iter().enumerate().find(|(i, place)| places[..*i].contains(place));
            if let Some((_, place)) = twice {
                bail!(
                    "`files.{field}` names a folder twice: `{place}`\nhint: name each folder once, \
                     however it is written (`./{place}` is `{place}`)"
                );
            }
            for place in places {
                self.check_place(field, place)?;
            }
        }
        Ok(())
    }

    fn check_place(&self, field: &str, place: &RelativePath) -> Result<()> {
        let template = match Template::of(place) {
            Ok(template) => template,
            Err(fault) => bail!("`files.{field}` has `{place}`: {fault}"),
        };
        let names = |name: &str| template.as_ref().is_some_and(|t| t.fields().any(|f| f == name));
        if self.channels.is_empty() {
            ensure!(
                !names(CHANNEL),
                "`files.{field}` has `{place}`: say what `{{{CHANNEL}}}` stands for in `files.channels`, \
                 such as [\"red\", \"green\", \"blue\"]"
            );
        } else {
            ensure!(
                names(CHANNEL),
                "`files.{field}` has `{place}`: with `files.channels` it must tell where a channel is, such \
                 as `{}/{{{ID}}}_{{{CHANNEL}}}`",
                Template::folder_of(place)
            );
        }
        if field == "test"
            && self.test_table.is_none()
            && let Some(template) = &template
            && let Some(other) = template.fields().find(|f| *f != ID && *f != CHANNEL)
        {
            bail!(
                "`files.test` has `{place}`: name the table that has the column `{other}` for test images in \
                 `files.test-table`"
            );
        }
        Ok(())
    }
}
