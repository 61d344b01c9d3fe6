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
            unknown: competition.target.unknown.clone(),
            range: competition.target.range,
            ..Self::default()
        })
    }

    pub(super) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"
title = "Whales"
slug = "whales"
metric = "map@5"
[files]
train = ["train"]
test = ["test"]
sample = "sample.csv"
[target]
kind = "single-label"
unknown = "new_whale"
[target.labels.csv]
file = "train.csv"
id = "Image"
label = "Id"
[submission.top-k]
id = "Image"
column = "Id"
"#;

    #[test]
    fn what_a_spec_says_is_gone_by() {
        let classes: Classes = ["a", "new_whale"].map(str::to_owned).to_vec().into();
        let of = |spec: &str| {
            let competition = Competition::parse("mine", spec, "mine.toml").unwrap();
            Options::of(&competition, &classes).unwrap()
        };
        let whales = of(SPEC);
        assert_eq!(whales.unknown(), Some("new_whale"));
        assert_eq!((whales.form, whales.range), (Some(Form::Ranking), None));
        let pets = SPEC
            .replace("map@5", "rmse")
            .replace("single-label", "number")
            .replace("unknown = \"new_whale\"", "range = [1, 100]")
            .replace("[submission.top-k]", "[submission.numbers]")
            .replace("column = \"Id\"\n", "");
        let pets = of(&pets);
        assert_eq!((pets.form, pets.range), (Some(Form::Numbers), Some([1.0, 100.0])));
    }
}
