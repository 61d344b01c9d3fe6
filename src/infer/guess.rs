//! A spec as it was guessed, field by field, with what each rests on.

use super::pictures::Pictures;
use crate::target::TargetKind;

/// Everything that `new` writes, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    pub title: String,
    pub slug: String,
    pub metric: String,
    /// It takes no CSV but notebooks.
    pub is_notebook: bool,
    pub train: Vec<String>,
    pub test: Vec<String>,
    pub sample: String,
    pub test_table: Option<String>,
    pub channels: Vec<String>,
    /// Of DICOM alone: pictures are known by what is in them.
    pub extension: Option<String>,
    pub pixels: Option<PixelTable>,
    pub kind: TargetKind,
    pub classes: Vec<String>,
    pub rename: Vec<(String, String)>,
    pub unknown: Option<String>,
    pub range: Option<(f64, f64)>,
    pub names: Option<String>,
    pub labels: LabelsIn,
    pub split: Option<Split>,
    /// Where they are not just upright.
    pub pictures: Option<Pictures>,
    pub submission: Submission,
    /// What a fetch would find, as far as it can be seen.
    pub found: Found,
    pub notes: Vec<Note>,
    pub questions: Vec<Question>,
}

/// Counts of what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Images with a label.
    pub train: Option<usize>,
    /// Test images.
    pub test: Option<usize>,
    /// Rows of the sample.
    pub rows: usize,
    /// Different labels.
    pub labels: Option<usize>,
}

/// Pictures in a table.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelTable {
    /// `pixel*`; empty where planes are named.
    pub columns: String,
    pub planes: Vec<String>,
    pub shape: Vec<usize>,
    pub range: Option<(f64, f64)>,
}

/// A kind of target as specs write it.
pub fn word_of(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::SingleLabel => "single-label",
        TargetKind::MultiLabel => "multi-label",
        TargetKind::Ordinal => "ordinal",
        TargetKind::Number => "number",
    }
}

/// Where the labels are.
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub enum LabelsIn {
    Table {
        file: String,
        is_json: bool,
        id: Option<String>,
        label: Option<String>,
        separator: Option<String>,
        is_long: bool,
        /// The table of images, its column of images, and that of the ids of the labels.
        photos: Option<[String; 3]>,
    },
    #[default]
    Folder,
    FileName {
        separator: String,
    },
    Pattern(String),
    Record {
        id: String,
        label: String,
    },
}

/// What keeps images together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    Group { column: String, table: Option<(String, String)> },
    Pattern(String),
}

/// The shape of an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    pub shape: Shape,
    pub id: String,
    /// None where the sample's columns are the classes or the numbers.
    pub column: Option<String>,
    /// The class that a probability is of.
    pub class: Option<String>,
    /// What stands between tags, where it is no blank.
    pub separator: Option<String>,
    /// Whether an answer is for several images.
    pub is_pooled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    #[default]
    Label,
    TopK,
    Numbers,
    Long,
    ScoredLabel,
    TagList,
    ProbabilityOf,
    ProbabilityPerClass,
}

impl Shape {
    pub fn word(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::TopK => "top-k",
            Self::Numbers => "numbers",
            Self::Long => "long",
            Self::ScoredLabel => "scored-label",
            Self::TagList => "tag-list",
            Self::ProbabilityOf => "probability-of",
            Self::ProbabilityPerClass => "probability-per-class",
        }
    }
}

/// Why a field is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// As in the spec: `files.test`.
    pub field: &'static str,
    pub why: String,
    /// Whether the data leave no other reading; else it is a guess, which is said.
    pub is_sure: bool,
}

/// Something that the data do not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The option that answers it beforehand: `metric` for `--metric`.
    pub flag: &'static str,
    pub text: String,
    /// Answers that fit, the likeliest first; others may be typed.
    pub choices: Vec<String>,
}

impl Guess {
    pub(super) fn note(&mut self, field: &'static str, is_sure: bool, why: impl Into<String>) {
        self.notes.retain(|note| note.field != field);
        self.notes.push(Note { field, why: why.into(), is_sure });
    }

    pub(super) fn ask(
        &mut self,
        flag: &'static str,
        text: impl Into<String>,
        choices: Vec<String>,
    ) {
        self.questions.push(Question { flag, text: text.into(), choices });
    }

    /// What a field rests on.
    pub fn why(&self, field: &str) -> Option<&Note> {
        self.notes.iter().find(|note| note.field == field)
    }
}

/// What a person said beforehand, or was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub title: Option<String>,
    pub slug: Option<String>,
    pub metric: Option<String>,
    pub kind: Option<TargetKind>,
    /// A path in the listing.
    pub sample: Option<String>,
    /// A column of the label table.
    pub label: Option<String>,
    /// A column, or `none`.
    pub group: Option<String>,
    /// A class, or `none`.
    pub unknown: Option<String>,
    /// The class that a probability, or a 1, is of.
    pub positive: Option<String>,
    /// How many classes there are, or their names between commas.
    pub classes: Option<String>,
    /// A folder of test images, where there are several.
    pub images: Option<String>,
    /// How the pictures were taken.
    pub pictures: Option<Pictures>,
    pub is_notebook: bool,
}

/// The answer that says that there is nothing of the kind.
pub const NONE: &str = "none";
