//! The ways to go from probabilities to tags.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decide::structure::Structure;

/// A way to go from probabilities to tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// One threshold for all tags, on probabilities as they are.
    Threshold,
    /// One threshold for all tags, on calibrated probabilities.
    CalibratedThreshold,
    /// `F* / (1 + beta^2)`, on calibrated probabilities.
    FixedPoint,
    /// A threshold a tag, on calibrated probabilities.
    ThresholdPerTag,
    /// The tags with the largest expected F, if tags are independent of one another.
    ExpectedF,
    /// The same, given what excludes and what implies what.
    ExpectedFGroups,
}

/// Which rows are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// Only such as an image can have.
    Possible,
    /// Also such as no image can have: two weathers, where either may be right. Recall counts more
    /// than precision for a beta above one, so naming both pays when in doubt.
    Any,
}

/// Which rows may be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowsWanted {
    /// Whichever score better on images that nothing has seen; possible ones where that is unknown.
    #[default]
    Auto,
    /// Possible ones only.
    Possible,
    /// Any.
    Any,
}

/// A method with the rows that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approach {
    /// How tags are chosen.
    pub method: Method,
    /// From which rows.
    pub rows: Rows,
}

impl Method {
    /// All of them, the one that others must beat first.
    pub const ALL: [Self; 6] = [
        Self::Threshold,
        Self::CalibratedThreshold,
        Self::FixedPoint,
        Self::ThresholdPerTag,
        Self::ExpectedF,
        Self::ExpectedFGroups,
    ];
    /// Those that are tried with possible rows besides.
    const OF_POSSIBLE: [Self; 2] = [Self::Threshold, Self::ExpectedFGroups];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::CalibratedThreshold => "calibrated-threshold",
            Self::FixedPoint => "fixed-point",
            Self::ThresholdPerTag => "threshold-per-tag",
            Self::ExpectedF => "expected-f",
            Self::ExpectedFGroups => "expected-f-groups",
        }
    }

    /// What it does, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Threshold => "one threshold",
            Self::CalibratedThreshold => "one threshold, calibrated",
            Self::FixedPoint => "F* / (1 + beta^2)",
            Self::ThresholdPerTag => "a threshold a tag",
            Self::ExpectedF => "expected F, independent",
            Self::ExpectedFGroups => "expected F, groups",
        }
    }

    /// Whether there is anything in it for these images.
    fn applies(self, structure: &Structure) -> bool {
        match self {
            Self::ExpectedFGroups => !structure.is_empty(),
            _ => true,
        }
    }
}

impl Approach {
    /// What is tried, the one to beat first; `only` is a method that is tried whether or not there
    /// is anything in it.
    pub fn all(structure: &Structure, rows: RowsWanted, only: Option<Method>) -> Vec<Self> {
        let applies = |method: &Method| method.applies(structure) || only == Some(*method);
        let methods: Vec<Method> = Method::ALL.into_iter().filter(applies).collect();
        let with = |rows: Rows| move |&method: &Method| Self { method, rows };
        if rows == RowsWanted::Possible && !structure.is_empty() {
            return methods.iter().map(with(Rows::Possible)).collect();
        }
        let mut all: Vec<Self> = methods.iter().map(with(Rows::Any)).collect();
        // Without rules every row is possible.
        if rows == RowsWanted::Auto && !structure.is_empty() {
            let is_tried =
                |method: &&Method| Method::OF_POSSIBLE.contains(method) || only == Some(**method);
            all.extend(methods.iter().filter(is_tried).map(with(Rows::Possible)));
        }
        all
    }
}

impl fmt::Display for Approach {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.method.title())
    }
}
