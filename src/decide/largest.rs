//! The likeliest class, or the likeliest few: nothing is to be fitted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::run::checked::{Fault, finite, hold};

/// How many of the likeliest classes are answered, and what that scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Largest {
    /// The most classes an image.
    pub k: usize,
    /// The score on held-out images.
    pub score: f64,
}

impl Largest {
    pub(super) fn check(&self) -> Result<(), Fault> {
        hold(self.k > 0, "k", || "is 0: it must be 1 or more".to_owned())?;
        finite("score", self.score)
    }
}

impl fmt::Display for Largest {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.k {
            1 => write!(f, "the likeliest class"),
            k => write!(f, "the {k} likeliest classes"),
        }
    }
}
