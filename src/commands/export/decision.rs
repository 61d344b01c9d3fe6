//! A run's decision as `model.py` makes it: one of the rules that follow from a row alone.

use serde_json::{Value, json};

use crate::decide::Decision;
use crate::decide::answers::Rule;
use crate::decide::tags::rules::One;
use crate::decide::tags::{By, Fitted, NamedRules, Rows, Settings, TagDecision};
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
    if tags.classes != *classes {
        return Err("its tags are decided in another order");
    }
    if tags.structure != NamedRules::default() || tags.fitted.by == By::Expected {
        let settings = tags.settings().map_err(|_| "its rules among tags make no sense")?;
        return Ok(rule_among_tags(&settings, &tags.fitted));
    }
    let curves = &tags.fitted.calibration;
    match &tags.fitted.by {
        By::Above(threshold) => Ok(json!({ "above": {
            "threshold": threshold, "never-empty": true, "calibration": curves } })),
        By::AboveEach(thresholds) => Ok(json!({ "above-each": {
            "thresholds": thresholds, "never-empty": true, "calibration": curves } })),
        // Decided together, above.
        By::Expected => Err("its tags are those with the largest expected F"),
    }
}

/// Tags that are decided together: by what they are expected to score, or by rules among them.
pub(super) fn rule_among_tags(settings: &Settings, fitted: &Fitted) -> Value {
    let groups = settings.structure.groups.iter();
    let groups =
        groups.map(|of| json!({ "members": of.members, "exactly-one": of.one == One::Exactly }));
    json!({ "tags": {
        "by": match &fitted.by {
            By::Above(threshold) => json!({ "above": threshold }),
            By::AboveEach(thresholds) => json!({ "above-each": thresholds }),
            By::Expected => json!({ "expected-f": settings.beta }),
        },
        "calibration": fitted.calibration,
        "only-possible": fitted.rows == Rows::Possible,
        "groups": groups.collect::<Vec<_>>(),
        "alone": settings.structure.alone,
        "implies": settings.structure.implies,
    } })
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
