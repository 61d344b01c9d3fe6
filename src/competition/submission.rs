//! The shape of the upload.

use serde::{Deserialize, Serialize};

use super::pattern::RowPattern;
use crate::metric::Form;

/// The shape of the upload. With `pool`, its ids are a column of `files.test-table`, and an answer is for
/// all images that have it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum SubmissionFormat {
    /// `id,label`: the probability of one class.
    ProbabilityOf {
        id: String,
        column: String,
        /// The class that it is the probability of.
        class: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,class,class,...`: a probability a class, columns in the sample's order.
    ProbabilityPerClass {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,tags`: the tags separated by spaces, or by `separator`.
    TagList {
        id: String,
        column: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        separator: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,label`: one class.
    Label {
        id: String,
        column: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,labels`: the likeliest classes, best first, separated by spaces.
    TopK {
        id: String,
        column: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,number,...`: a number a column, as the sample has them.
    Numbers {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id_class,probability`: a row an image and class; `row` says how ids are made of the two.
    Long {
        id: String,
        column: String,
        row: RowPattern,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
    /// `id,label confidence`: one class and how sure it is, or nothing.
    ScoredLabel {
        id: String,
        column: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Pool>,
    },
}

/// How what is said about several images becomes one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    Mean,
    Max,
}

impl SubmissionFormat {
    pub fn id_column(&self) -> &str {
        match self {
            Self::ProbabilityOf { id, .. }
            | Self::ProbabilityPerClass { id, .. }
            | Self::TagList { id, .. }
            | Self::Label { id, .. }
            | Self::TopK { id, .. }
            | Self::Numbers { id, .. }
            | Self::Long { id, .. }
            | Self::ScoredLabel { id, .. } => id,
        }
    }

    /// The column of answers, where there is one.
    pub fn value_column(&self) -> Option<&str> {
        match self {
            Self::ProbabilityOf { column, .. }
            | Self::TagList { column, .. }
            | Self::Label { column, .. }
            | Self::TopK { column, .. }
            | Self::Long { column, .. }
            | Self::ScoredLabel { column, .. } => Some(column),
            Self::ProbabilityPerClass { .. } | Self::Numbers { .. } => None,
        }
    }

    /// What stands between the tags of an upload, where it is no blank.
    pub fn separator(&self) -> Option<&str> {
        match self {
            Self::TagList { separator, .. } => separator.as_deref(),
            _ => None,
        }
    }

    /// How the images of an answer become one, where it is for several.
    pub fn pool(&self) -> Option<Pool> {
        match self {
            Self::ProbabilityOf { pool, .. }
            | Self::ProbabilityPerClass { pool, .. }
            | Self::TagList { pool, .. }
            | Self::Label { pool, .. }
            | Self::TopK { pool, .. }
            | Self::Numbers { pool, .. }
            | Self::Long { pool, .. }
            | Self::ScoredLabel { pool, .. } => *pool,
        }
    }

    /// The table's name in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProbabilityOf { .. } => "probability-of",
            Self::ProbabilityPerClass { .. } => "probability-per-class",
            Self::TagList { .. } => "tag-list",
            Self::Label { .. } => "label",
            Self::TopK { .. } => "top-k",
            Self::Numbers { .. } => "numbers",
            Self::Long { .. } => "long",
            Self::ScoredLabel { .. } => "scored-label",
        }
    }

    /// What an answer is.
    pub fn form(&self) -> Form {
        match self {
            Self::ProbabilityOf { .. } | Self::ProbabilityPerClass { .. } | Self::Long { .. } => {
                Form::Probabilities
            }
            Self::TagList { .. } => Form::Tags,
            Self::Label { .. } => Form::Label,
            Self::TopK { .. } => Form::Ranking,
            Self::Numbers { .. } => Form::Numbers,
            Self::ScoredLabel { .. } => Form::ScoredLabel,
        }
    }
}
