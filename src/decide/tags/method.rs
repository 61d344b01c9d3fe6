//! The ways to go from probabilities to tags.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to go from probabilities to tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// One threshold for all tags, on probabilities as they are.
    Threshold,
    /// A threshold a tag, on calibrated probabilities.
    ThresholdPerTag,
    /// The tags with the largest expected F, given what excludes and what implies what; all else is
    /// independent.
    ExpectedF,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// Only such as an image can have.
    Possible,
    /// Also such as no image can have: two weathers, where either may be right. Recall counts more
    /// than precision for a beta above one, so naming both pays when in doubt.
    #[default]
    Any,
}

/// What was tried: a method, and which rows it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    pub method: Method,
    pub rows: Rows,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Threshold, Self::ThresholdPerTag, Self::ExpectedF];
    /// Names of methods that are gone, and what is used instead.
    pub const GONE: [(&str, &str); 4] = [
        ("calibrated-threshold", "threshold-per-tag"),
        ("fixed-point", "threshold"),
        ("expected-f-groups", "expected-f"),
        ("expected-f-regressions", "expected-f"),
    ];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::ThresholdPerTag => "threshold-per-tag",
            Self::ExpectedF => "expected-f",
        }
    }

    /// What it does, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Threshold => "one threshold",
            Self::ThresholdPerTag => "a threshold a tag",
            Self::ExpectedF => "expected F",
        }
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.name().to_owned()
    }
}

impl TryFrom<String> for Method {
    type Error = String;

    /// A method by its name, as decisions keep it.
    fn try_from(name: String) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| match Self::GONE.iter().find(|(gone, _)| *gone == name) {
            Some(_) => format!(
                "the method `{name}` is gone\nhint: run `kaggle-kit decide` with the run's id: it \
                 decides anew"
            ),
            None => {
                format!("there is no method `{name}` but {}", Self::ALL.map(Self::name).join(", "))
            }
        })
    }
}

impl Rows {
    /// Names that are gone, and what is used instead.
    pub const GONE: [(&str, &str); 1] = [("auto", "any")];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.title())
    }
}
