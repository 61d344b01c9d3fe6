//! A run's decision as `model.py` makes it: one of the rules that follow from a row alone.

use serde_json::{Value, json};

use crate::decide::Decision;
use crate::decide::answers::Rule;
use crate::decide::tags::{By, NamedRules, TagDecision};
use crate::target::{Answers, Classes, Said};

/// A decision in JSON.
#[derive(Debug, PartialEq)]
pub(super) struct Portable {
    pub(super) rule: Value,
    /// What is answered where no class is likely.
    pub(super) unknown: Option<String>,
    /// Why the rule is none: what the network says is handed on.
    pub(super) why_not: Option<String>,
}

impl Portable {
    pub(super) fn of(decision: &Decision, classes: &Classes) -> Self {
        let rule = match decision {
            Decision::Calibration(of) => {
                Ok(json!({ "softened": { "temperature": of.temperature, "clip": of.epsilon } }))
            }
            Decision::Tags(tags) => rule_of_tags(tags, classes),
            Decision::Answers(answers) => Ok(json!(answers.rule)),
        };
        let unknown = match decision {
            Decision::Answers(answers) => answers.unknown.clone(),
            _ => None,
        };
        let why_not = rule.as_ref().err().map(|&why| {
            format!("{why}, which `model.py` does not do: it hands on probabilities; `kaggle-kit predict <run> <photos>` answers")
        });
        let rule = rule.unwrap_or_else(|_| json!(Rule::AsTheyAre {}));
        Self { rule, unknown, why_not }
    }
}

fn rule_of_tags(tags: &TagDecision, classes: &Classes) -> Result<Value, &'static str> {
    if tags.structure != NamedRules::default() {
        return Err("its tags follow rules about which exclude and imply which");
    }
    if tags.classes != *classes {
        return Err("its tags are decided in another order");
    }
    let curves = &tags.fitted.calibration;
    match &tags.fitted.by {
        By::Above(threshold) => Ok(json!({ "above": {
            "threshold": threshold, "never-empty": true, "calibration": curves } })),
        By::AboveEach(thresholds) => Ok(json!({ "above-each": {
            "thresholds": thresholds, "never-empty": true, "calibration": curves } })),
        By::Expected => Err("its tags are those with the largest expected F"),
    }
}

/// Answers, a picture each, in the form of `model.py`'s.
pub(super) fn rows(answers: &Answers) -> Vec<Value> {
    let name = |class: &usize| &answers.classes.names()[*class];
    match &answers.said {
        Said::Probabilities(rows) | Said::Numbers(rows) => {
            rows.rows().map(|row| json!(row)).collect()
        }
        Said::Lists(lists) => {
            lists.iter().map(|list| json!(list.iter().map(name).collect::<Vec<_>>())).collect()
        }
        Said::Scored(scored) => {
            scored.iter().map(|of| json!(of.map(|(class, p)| json!([name(&class), p])))).collect()
        }
    }
}
