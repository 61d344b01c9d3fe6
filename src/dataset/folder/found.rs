//! What was found in a data folder, told once before training: files, rows, labels, vocabulary, and
//! what a person should look at. The terminal, `--json` and a run's page show this one value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::term;

/// What was found in a data folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// The files in the folders of images, training images first.
    pub files: Vec<FilesFound>,
    /// The table of labels, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<TableFound>,
    /// Training images with a label.
    pub labelled: usize,
    /// Training images without one: they are left out.
    pub unlabelled: usize,
    /// Rows of the table without a label: they are left out.
    #[serde(default)]
    pub skipped: usize,
    /// Rows of the table that say the same as another.
    #[serde(default)]
    pub doubled: usize,
    /// Rows that give the image of another further tags.
    #[serde(default)]
    pub merged: usize,
    /// The channels of an image that are files of their own.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Which training images stay together, where the spec says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsFound>,
    /// Labelled images without any tag.
    pub without_tags: usize,
    /// The sample submission; its rows are the images to predict.
    pub sample: TableFound,
    /// The images that the sample's rows are about.
    #[serde(default)]
    pub test_images: usize,
    /// Test images that the sample does not name: they are left out.
    pub unlisted: usize,
    pub classes: usize,
    /// Where the classes come from, as in `the labels`.
    pub vocabulary: String,
    /// The class that is answered where none of the others is likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// What classes are called in reports, where the spec says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// What else is worth knowing.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a person should do something about, or decide that it is right.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Files of one ending in a folder of images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FilesFound {
    /// As the spec names it.
    pub folder: String,
    /// In lower case, without the dot; empty where files have none.
    pub ending: String,
    pub files: usize,
    /// Whether they are the images.
    pub used: bool,
}

/// Training images that must not be parted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupsFound {
    /// What tells, in words.
    pub from: String,
    /// How many groups there are, those of one image included.
    pub groups: usize,
    /// Images that belong to none, and one of them.
    pub alone: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// A table, every row of which has its image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TableFound {
    /// As the spec names it.
    pub name: String,
    pub rows: usize,
}

impl Found {
    /// Lines of a table: what, how many, and a word on it. What there is none of has no line.
    pub fn rows(&self) -> Vec<[String; 3]> {
        const LEFT_OUT: &str = "left out";
        let mut rows: Vec<[String; 3]> = Vec::new();
        let mut add = |what: String, n: usize, word: &str| {
            if n > 0 {
                rows.push([what, term::thousands(n), word.to_owned()]);
            }
        };
        for FilesFound { folder, ending, files, used } in &self.files {
            let ending = match ending.as_str() {
                "" => "files without an ending".to_owned(),
                ending => format!(".{}", term::short(ending, 20)),
            };
            add(format!("{folder}: {ending}"), *files, if *used { "" } else { LEFT_OUT });
        }
        if let Some(TableFound { name, rows }) = &self.labels {
            add(format!("rows in {name}"), *rows, "each has its image");
        }
        add("rows without a label".to_owned(), self.skipped, LEFT_OUT);
        add("rows that are there twice".to_owned(), self.doubled, "count once");
        add("rows with further tags of an image".to_owned(), self.merged, "all count");
        add("labelled images".to_owned(), self.labelled, "");
        add("images without a row".to_owned(), self.unlabelled, LEFT_OUT);
        add("labelled without a tag".to_owned(), self.without_tags, "");
        add("files an image".to_owned(), self.channels.len(), &self.channels.join(", "));
        if let Some(GroupsFound { from, groups, .. }) = &self.groups {
            add("groups that stay together".to_owned(), *groups, &format!("by {from}"));
        }
        add(format!("rows in {}", self.sample.name), self.sample.rows, "each has its image");
        if self.test_images != self.sample.rows {
            add("test images".to_owned(), self.test_images, "for these rows");
        }
        add("test images without a row".to_owned(), self.unlisted, LEFT_OUT);
        let unknown = match &self.unknown {
            Some(unknown) => format!("; `{}` where none is likely", term::short(unknown, 40)),
            None => String::new(),
        };
        add("classes".to_owned(), self.classes, &format!("from {}{unknown}", self.vocabulary));
        rows
    }

    /// The table and the notes as lines for a terminal. (Warnings are for [`term::warn`].)
    pub fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let width = rows.iter().map(|[_, n, _]| n.len()).max().unwrap_or_default();
        let cells: Vec<Vec<String>> = rows
            .into_iter()
            .map(|[what, n, word]| vec![format!("   {what}"), format!("{n:>width$}"), word])
            .collect();
        let table = term::table(&["   found", &" ".repeat(width), ""], &cells);
        let notes = self.notes.iter().map(|note| format!("   {note}"));
        table.lines().map(str::to_owned).chain(notes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_what_there_is() {
        let files = |folder: &str, ending: &str, files, used| FilesFound {
            folder: folder.to_owned(),
            ending: ending.to_owned(),
            files,
            used,
        };
        let found = Found {
            files: vec![files("train", "png", 1200, true), files("train", "", 2, false)],
            labels: Some(TableFound { name: "train.csv".to_owned(), rows: 1150 }),
            labelled: 1150,
            unlabelled: 50,
            sample: TableFound { name: "sample.csv".to_owned(), rows: 6 },
            test_images: 6,
            classes: 2,
            vocabulary: "the labels".to_owned(),
            notes: vec!["labels such as `0.0` are taken for `0`".to_owned()],
            ..Found::default()
        };
        assert_eq!(
            found.lines(),
            [
                "   found",
                "   train: .png                     1,200",
                "   train: files without an ending      2  left out",
                "   rows in train.csv               1,150  each has its image",
                "   labelled images                 1,150",
                "   images without a row               50  left out",
                "   rows in sample.csv                  6  each has its image",
                "   classes                             2  from the labels",
                "   labels such as `0.0` are taken for `0`",
            ]
        );
        let more = Found {
            skipped: 3,
            doubled: 2,
            merged: 1,
            channels: vec!["red".to_owned(), "green".to_owned()],
            groups: Some(GroupsFound {
                from: "`patient` of train.csv".to_owned(),
                groups: 30,
                ..GroupsFound::default()
            }),
            test_images: 12,
            unknown: Some("new_whale".to_owned()),
            ..found.clone()
        };
        let lines = more.lines().join("\n");
        for line in [
            "rows without a label                    3  left out",
            "rows that are there twice               2  count once",
            "files an image                          2  red, green",
            "groups that stay together              30  by `patient` of train.csv",
            "test images                            12  for these rows",
            "from the labels; `new_whale` where none is likely",
        ] {
            assert!(lines.contains(line), "{lines}");
        }
        let text = toml::to_string(&more).unwrap();
        assert_eq!(toml::from_str::<Found>(&text).unwrap(), more);
        let text = toml::to_string(&found).unwrap();
        assert_eq!(toml::from_str::<Found>(&text).unwrap(), found);
    }
}
