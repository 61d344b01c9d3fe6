//! What about the labels and images of a folder a person should look at before hours of training.

use super::labels::{LabelSource, Labelled};
use super::words;
use crate::competition::{Competition, Labels};
use crate::target::{Classes, TargetKind};
use crate::term;

/// How many names or pairs a warning tells.
const NAMED: usize = 5;
/// How many lines of the table a warning names.
const LINES: usize = 3;
/// Characters of a name that are shown.
const SHOWN: usize = 60;

/// Where the classes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// The spec's `target.classes`.
    Spec,
    /// The sample submission's columns.
    Sample,
    /// The labels that occur.
    Labels,
}

impl Vocabulary {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spec => "`target.classes`",
            Self::Sample => "the sample's columns",
            Self::Labels => "the labels",
        }
    }
}

/// The labelled images with the places of their labels in the vocabulary.
pub(super) struct Labelling<'a> {
    pub(super) competition: &'a Competition,
    pub(super) images: &'a [Labelled],
    pub(super) targets: Vec<&'a [usize]>,
    pub(super) classes: &'a Classes,
    pub(super) vocabulary: Vocabulary,
}

impl Labelling<'_> {
    /// Everything doubtful about the labels, a sentence each.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut counts = vec![0; self.classes.len()];
        for &class in self.targets.iter().flat_map(|target| target.iter()) {
            counts[class] += 1;
        }
        let mut doubts = self.without_images(&counts);
        if self.vocabulary == Vocabulary::Labels {
            doubts.extend(self.joined());
            doubts.extend(self.nothing(&counts));
            doubts.extend(self.alike(&counts));
        }
        doubts.extend(self.unknown_in_groups());
        doubts
    }

    fn names(&self) -> &[String] {
        self.classes.names()
    }

    /// Classes that no image shows, and one that all show.
    fn without_images(&self, counts: &[usize]) -> Vec<String> {
        let name = |class: usize| format!("`{}`", term::short(&self.names()[class], SHOWN));
        let n_images = self.targets.len();
        let mut doubts = Vec::new();
        let absent: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] == 0).collect();
        if !absent.is_empty() {
            let (verb, n) = (if absent.len() == 1 { "has" } else { "have" }, absent.len());
            let noun = match self.competition.target.kind {
                TargetKind::SingleLabel => "classes",
                TargetKind::MultiLabel => "tags",
                TargetKind::Ordinal => "levels",
                TargetKind::Number => "columns",
            };
            doubts.push(format!(
                "{n} of {} {noun} {verb} no training image: {}",
                term::thousands(counts.len()),
                listed(absent.iter().map(|&class| name(class)).collect())
            ));
        }
        let is_single = self.competition.target.kind == TargetKind::SingleLabel;
        if let Some(class) = counts.iter().position(|&n| n == n_images && is_single) {
            doubts.push(format!(
                "all {} are `{}`: there is nothing to tell apart",
                term::count(n_images, "training image"),
                term::short(&self.names()[class], SHOWN)
            ));
        }
        doubts
    }

    /// Tags that look like several in one.
    fn joined(&self) -> Option<String> {
        if let Labels::Csv { separator: Some(_), .. } = &self.competition.target.labels {
            return None;
        }
        let separator = words::joined_by(self.images.iter().map(|image| image.labels.as_slice()))?;
        let with = |name: &&String| name.contains(separator);
        let example = self.names().iter().find(with).cloned().unwrap_or_default();
        let hint = match &self.competition.target.labels {
            Labels::Csv { .. } => format!(
                "if `{separator}` separates tags, say `separator = \"{separator}\"` in \
                 `target.labels.csv`"
            ),
            Labels::FileName { .. } | Labels::Folder {} => {
                "tags are separated by blanks".to_owned()
            }
        };
        Some(format!(
            "most labels hold a `{separator}`, such as `{}`, which is taken for one tag: {hint}",
            term::short(&example, SHOWN)
        ))
    }

    /// Tags that pandas writes for empty cells.
    fn nothing(&self, counts: &[usize]) -> Option<String> {
        let found: Vec<String> = (0..counts.len())
            .filter(|&class| words::is_nothing(&self.names()[class]))
            .map(|class| self.counted(class, counts))
            .collect();
        if found.is_empty() {
            return None;
        }
        Some(format!(
            "{} {} tags here, but pandas writes such words for empty cells: correct the labels, or \
             name all tags in `target.classes` if it is meant",
            listed(found.clone()),
            if found.len() == 1 { "is one of the" } else { "are" }
        ))
    }

    /// Tags that are probably two spellings of one.
    fn alike(&self, counts: &[usize]) -> Vec<String> {
        let act = "correct the labels, or name all tags in `target.classes` if it is meant";
        let mut doubts = Vec::new();
        let same = words::same_but_for_case(self.names());
        if !same.is_empty() {
            let set = |places: &Vec<usize>| {
                let names: Vec<String> =
                    places.iter().map(|&place| self.counted(place, counts)).collect();
                names.join(" and ")
            };
            doubts.push(format!(
                "tags that differ in upper and lower case or signs alone: {}: {act}",
                listed(same.iter().map(set).collect())
            ));
        }
        let together = |a: usize, b: usize| {
            same.iter().any(|places| places.contains(&a) && places.contains(&b))
        };
        let slips: Vec<String> = words::slips(self.names(), counts)
            .into_iter()
            .filter(|&(rare, usual)| !together(rare, usual))
            .map(|(rare, usual)| {
                format!("{} and {}", self.counted(rare, counts), self.counted(usual, counts))
            })
            .collect();
        if !slips.is_empty() {
            doubts.push(format!("tags that differ in one letter: {}: {act}", listed(slips)));
        }
        doubts
    }

    /// A tag with how many images have it, and where the table says so if they are few.
    fn counted(&self, class: usize, counts: &[usize]) -> String {
        let lines: Vec<String> = self
            .images
            .iter()
            .zip(&self.targets)
            .filter(|(_, target)| target.contains(&class))
            .filter_map(|(image, _)| match image.source {
                LabelSource::Line(line) => Some(line.to_string()),
                LabelSource::Path => None,
            })
            .take(LINES + 1)
            .collect();
        let lines = match lines.len() {
            0 => String::new(),
            1 => format!(", line {}", lines[0]),
            n if n <= LINES => format!(", lines {}", lines.join(", ")),
            _ => format!(", from line {}", lines[0]),
        };
        let n = term::count(counts[class], "image");
        format!("`{}` ({n}{lines})", term::short(&self.names()[class], SHOWN))
    }

    /// Rules about tags some of which there are not.
    fn unknown_in_groups(&self) -> Option<String> {
        let mut unknown: Vec<String> = Vec::new();
        for name in self.competition.target.groups.names() {
            let told = format!("`{}`", term::short(name, SHOWN));
            if self.classes.position(name).is_none() && !unknown.contains(&told) {
                unknown.push(told);
            }
        }
        if unknown.is_empty() {
            return None;
        }
        let names = listed(unknown);
        Some(format!("`target.groups` leaves out what no training image has: {names}"))
    }
}

/// The first few, and how many follow.
fn listed(names: Vec<String>) -> String {
    let n_more = names.len().saturating_sub(NAMED);
    let shown: Vec<String> = names.into_iter().take(NAMED).collect();
    if n_more == 0 { shown.join(", ") } else { format!("{} and {n_more} more", shown.join(", ")) }
}
