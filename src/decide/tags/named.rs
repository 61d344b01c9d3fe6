//! Rules among tags by their names, as people and files tell them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::competition::TagGroups;
use crate::decide::structure::{self, Group, One, Structure};
use crate::target::{Classes, tagged};

/// Rules among tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedStructure {
    /// Groups of which an image has exactly one.
    pub exclusive: Vec<Vec<String>>,
    /// Groups of which an image has one or none.
    pub at_most_one: Vec<Vec<String>>,
    /// Tags that stand without any other.
    pub alone: Vec<String>,
    /// A tag and another that is always there with it.
    pub implies: Vec<[String; 2]>,
}

/// The rules that training labels show, each kind of them replaced by what a spec says of it;
/// `targets` are class indices, a list an image.
pub fn structure<'a>(
    told: &TagGroups,
    classes: &Classes,
    targets: impl IntoIterator<Item = &'a [usize]>,
) -> Result<Structure> {
    let truth = tagged(targets, classes.len());
    let found = NamedStructure::of(&structure::find(&truth, classes.len()), classes);
    let TagGroups { exclusive, at_most_one, alone, implies } = told.clone();
    let merged = NamedStructure {
        exclusive: exclusive.unwrap_or(found.exclusive),
        at_most_one: at_most_one.unwrap_or(found.at_most_one),
        alone: alone.unwrap_or(found.alone),
        implies: implies.unwrap_or(found.implies),
    };
    merged.resolve(classes).context("`target.groups` does not make sense")
}

impl NamedStructure {
    /// The names of a structure's tags.
    pub fn of(structure: &Structure, classes: &Classes) -> Self {
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
    pub fn resolve(&self, classes: &Classes) -> Result<Structure> {
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
        Structure::new(groups, alone, implies, classes.len()).map_err(anyhow::Error::msg)
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
    let near = classes
        .names()
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
