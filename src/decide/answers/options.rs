//! What a decision is to go by that the predictions do not tell.

use anyhow::Result;

use super::Way;
use crate::competition::Competition;
use crate::decide::tags::calibrate::Kind;
use crate::decide::tags::rules::TagRules;
use crate::decide::tags::{Method, Rows, rules_of_spec};
use crate::metric::Form;
use crate::target::Classes;

/// What a decision is to go by.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which tags exclude and imply one another.
    pub structure: TagRules,
    /// Which rows of tags may be answered.
    pub rows: Rows,
    /// How probabilities of tags are calibrated, for the mean of F-beta.
    pub calibration: Kind,
    /// The method that decides about tags, whatever others score.
    pub only: Option<Method>,
    /// The same of other answers.
    pub only_way: Option<Way>,
    /// What is answered where none of the classes is likely.
    pub unknown: Option<String>,
    /// What a number may be, from one to the other.
    pub range: Option<[f64; 2]>,
    /// What an answer is; where it is not told, the first that the metric takes.
    pub form: Option<Form>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            structure: TagRules::default(),
            rows: Rows::default(),
            calibration: Kind::Platt,
            only: None,
            only_way: None,
            unknown: None,
            range: None,
            form: None,
        }
    }
}

impl Options {
    /// What a competition says, for a model of these classes.
    pub fn of(competition: &Competition, classes: &Classes) -> Result<Self> {
        Ok(Self {
            structure: rules_of_spec(&competition.target.groups, classes)?,
            form: Some(competition.submission.form()),
            ..Self::default()
        })
    }

    pub(super) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }
}
