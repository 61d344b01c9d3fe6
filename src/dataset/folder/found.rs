//! What was found in a data folder, told once before training: files, rows, labels, vocabulary, and
//! what a person should look at. The terminal, `--json` and a run's page show this one value.

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
    /// Labelled images without any tag.
    pub without_tags: usize,
    /// The sample submission; its rows are the images to predict.
    pub sample: TableFound,
    /// Test images that the sample does not name: they are left out.
    pub unlisted: usize,
    pub classes: usize,
    /// Where the classes come from, as in `the labels`.
    pub vocabulary: String,
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
        add("labelled images".to_owned(), self.labelled, "");
        add("images without a row".to_owned(), self.unlabelled, LEFT_OUT);
        add("labelled without a tag".to_owned(), self.without_tags, "");
        add(format!("rows in {}", self.sample.name), self.sample.rows, "each has its image");
        add("test images without a row".to_owned(), self.unlisted, LEFT_OUT);
        add("classes".to_owned(), self.classes, &format!("from {}", self.vocabulary));
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
        let text = toml::to_string(&found).unwrap();
        assert_eq!(toml::from_str::<Found>(&text).unwrap(), found);
    }
}
