//! Rules among tags by their names, as people and files tell them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::rules::{Group, One, TagRules};
use crate::competition::TagGroups;
use crate::explain;
use crate::target::Classes;

/// From this likeness on, a name that is no tag's is one misspelt.
const MISSPELT: f64 = 0.6;

/// Rules among tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedRules {
    /// Groups of which an image has exactly one.
    pub exclusive: Vec<Vec<String>>,
    /// Groups of which an image has one or none.
    pub at_most_one: Vec<Vec<String>>,
    /// Tags that stand without any other.
    pub alone: Vec<String>,
    /// A tag and another that is always there with it.
    pub implies: Vec<[String; 2]>,
}

/// The rules that a spec tells. Tags that no training image has are left out of them; a name that
/// is nearly a tag's is a mistake.
pub fn rules_of_spec(told: &TagGroups, classes: &Classes) -> Result<TagRules> {
    let TagGroups { exclusive, at_most_one, alone, implies, may_be_absent: _ } = told.clone();
    let named = NamedRules { exclusive, at_most_one, alone, implies };
    named.of_known(classes).resolve(classes).context("`target.groups` does not make sense")
}

impl NamedRules {
    /// What is left without names of no class, but for those that look misspelt.
    fn of_known(mut self, classes: &Classes) -> Self {
        let is_absent = |name: &String| {
            let likeness = |class: &String| explain::likeness(name, class);
            classes.position(name).is_none()
                && !classes.names().iter().any(|class| likeness(class) > MISSPELT)
        };
        for groups in [&mut self.exclusive, &mut self.at_most_one] {
            groups.retain_mut(|names| {
                let n = names.len();
                names.retain(|name| !is_absent(name));
                names.len() == n || names.len() > 1
            });
        }
        self.alone.retain(|name| !is_absent(name));
        self.implies.retain(|pair| !pair.iter().any(is_absent));
        self
    }

    /// The names of a structure's tags.
    pub fn of(structure: &TagRules, classes: &Classes) -> Self {
        let name = |&tag: &usize| classes.names()[tag].clone();
        let groups = |one: One| -> Vec<Vec<String>> {
            let of_kind = structure.groups.iter().filter(|group| group.one == one);
            of_kind.map(|group| group.members.iter().map(name).collect()).collect()
        };
        Self {
            exclusive: groups(One::Exactly),
            at_most_one: groups(One::AtMost),
            alone: structure.alone.iter().map(name).collect(),
            implies: structure.implies.iter().map(|(a, b)| [name(a), name(b)]).collect(),
        }
    }

    /// The structure, its tags by their places in `classes`.
    pub fn resolve(&self, classes: &Classes) -> Result<TagRules> {
        let place = |name: &String| {
            let known = classes.position(name);
            known.with_context(|| format!("there is no tag `{name}`{}", nearest(name, classes)))
        };
        let group = |(names, one): (&Vec<String>, One)| -> Result<Group> {
            let members = names.iter().map(place).collect::<Result<Vec<usize>>>()?;
            Ok(Group { members, one })
        };
        let exactly = self.exclusive.iter().map(|names| (names, One::Exactly));
        let at_most = self.at_most_one.iter().map(|names| (names, One::AtMost));
        let groups = exactly.chain(at_most).map(group).collect::<Result<_>>()?;
        let alone = self.alone.iter().map(place).collect::<Result<_>>()?;
        let pair = |[a, b]: &[String; 2]| Ok((place(a)?, place(b)?));
        let implies = self.implies.iter().map(pair).collect::<Result<_>>()?;
        TagRules::new(groups, alone, implies, classes.len()).map_err(anyhow::Error::msg)
    }

    /// A line for each rule, those of one parent on one line.
    pub fn lines(&self) -> Vec<String> {
        let group = |what: &str, names: &Vec<String>| format!("{what} {}", names.join(", "));
        let exactly = self.exclusive.iter().map(|names| group("exactly one of", names));
        let at_most = self.at_most_one.iter().map(|names| group("at most one of", names));
        let mut lines: Vec<String> = exactly.chain(at_most).collect();
        if !self.alone.is_empty() {
            lines.push(format!("{} without any other tag", self.alone.join(", ")));
        }
        let parents: BTreeSet<&String> = self.implies.iter().map(|[_, parent]| parent).collect();
        for parent in parents {
            let of_parent = self.implies.iter().filter(|[_, other]| other == parent);
            let children: Vec<&str> = of_parent.map(|[child, _]| child.as_str()).collect();
            lines.push(format!("{} only with {parent}", children.join(", ")));
        }
        lines
    }
}

fn nearest(name: &str, classes: &Classes) -> String {
    let near = explain::nearest(name, classes.names().iter().map(String::as_str));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
