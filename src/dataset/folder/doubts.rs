//! What about the labels and images of a folder a person should look at before hours of training.

use super::found::{Found, GroupsFound};
use super::labels::{LabelSource, Labelled, LabelledImages};
use super::words;
use crate::competition::{Competition, Labels};
use crate::dataset::sample::Sample;
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
        if self.competition.target.kind == TargetKind::Number {
            return self.out_of_range().into_iter().collect();
        }
        let mut counts = vec![0; self.classes.len()];
        for &class in self.targets.iter().flat_map(|target| target.iter()) {
            counts[class] += 1;
        }
        let mut doubts = self.without_images(&counts);
        doubts.extend(self.never_unknown(&counts));
        if self.vocabulary == Vocabulary::Labels {
            doubts.extend(self.joined());
            doubts.extend(self.nothing(&counts));
            doubts.extend(self.alike(&counts));
            doubts.extend(self.many());
        }
        doubts.extend(self.never_renamed());
        doubts.extend(self.unknown_in_groups());
        doubts
    }

    /// An answer for what is none of the classes, of which no image tells when to give it.
    fn never_unknown(&self, counts: &[usize]) -> Option<String> {
        let unknown = self.competition.target.unknown.as_ref()?;
        let n = self.classes.position(unknown).map_or(0, |class| counts[class]);
        (n == 0).then(|| {
            format!(
                "no training image is `{0}` (`target.unknown`), so nothing tells when to answer it: no answer \
                 will be `{0}`",
                term::short(unknown, SHOWN)
            )
        })
    }

    /// Numbers that the spec says cannot be.
    fn out_of_range(&self) -> Option<String> {
        let [low, high] = self.competition.target.range?;
        let numbers =
            self.images.iter().flat_map(|image| image.numbers.iter().map(move |n| (image, *n)));
        let mut beyond = numbers.filter(|(_, number)| !(low..=high).contains(number)).peekable();
        let (image, number) = *beyond.peek()?;
        Some(format!(
            "outside of `target.range` ({low} to {high}): {}, such as {number} of `{}`",
            term::count(beyond.count(), "number"),
            term::short(&image.id, SHOWN)
        ))
    }

    /// As many classes as numbers have values.
    fn many(&self) -> Option<String> {
        let (n_classes, n_images) = (self.classes.len(), self.images.len());
        let kind = self.competition.target.kind;
        if !kind.has_one_class() || 3 * n_classes <= n_images || n_classes < 10 {
            return None;
        }
        let numbers = self.names().iter().filter(|name| name.parse::<f64>().is_ok()).count();
        let hint = if numbers == n_classes {
            "are they numbers? then say `target.kind = \"number\"`"
        } else {
            "is the right column named as `label`?"
        };
        Some(format!(
            "{} classes for {}: {hint}",
            term::thousands(n_classes),
            term::count(n_images, "training image")
        ))
    }

    /// Renamed labels that no image has.
    fn never_renamed(&self) -> Option<String> {
        let rename = &self.competition.target.rename;
        let never: Vec<String> = rename
            .iter()
            .filter(|(_, to)| {
                let at = self.classes.position(to);
                at.is_none_or(|at| !self.targets.iter().any(|target| target.contains(&at)))
            })
            .map(|(from, _)| format!("`{}`", term::short(from, SHOWN)))
            .collect();
        (!never.is_empty())
            .then(|| format!("`target.rename` names what no training image has: {}", listed(never)))
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
        if self.competition.target.labels.separator().is_some() {
            return None;
        }
        let separator = words::joined_by(self.images.iter().map(|image| image.labels.as_slice()))?;
        let with = |name: &&String| name.contains(separator);
        let example = self.names().iter().find(with).cloned().unwrap_or_default();
        let hint = match &self.competition.target.labels {
            labels @ (Labels::Csv { .. } | Labels::Json { .. }) => format!(
                "if `{separator}` separates tags, say `separator = \"{separator}\"` in \
                 `target.labels.{}`",
                labels.name()
            ),
            Labels::FileName { .. } | Labels::Folder {} | Labels::Record { .. } => {
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

/// Images without any tag.
pub(super) fn without_tags(kind: TargetKind, train: &[Sample]) -> usize {
    if kind != TargetKind::MultiLabel {
        return 0;
    }
    train.iter().filter(|sample| sample.target.is_empty()).count()
}

/// A word on labels that are floats in the table and whole numbers elsewhere.
pub(super) fn note_of_floats(labelled: &LabelledImages, classes: &Classes) -> Option<String> {
    let labels = labelled.images.iter().flat_map(|image| &image.labels);
    let mut floats = labels.filter(|label| classes.position(label).is_none());
    let first = floats.next()?;
    let meant = &classes.names()[classes.meant_by(first)?];
    Some(format!("labels such as `{first}` are taken for `{meant}`"))
}

/// Images that no table names: how a table that was cut short shows itself.
pub(super) fn left_out(competition: &Competition, found: &Found) -> Vec<String> {
    let files = &competition.files;
    let mut warnings = Vec::new();
    if let (Some(table), 1..) = (&found.labels, found.skipped) {
        warnings.push(format!(
            "{} without a label in `{}`: left out",
            term::count(found.skipped, "row"),
            table.name
        ));
    }
    if let Some(GroupsFound { from, alone: alone @ 1.., example, .. }) = &found.groups {
        warnings.push(format!(
            "{from} tells no group of {}, such as `{}`: each may be parted from all others",
            term::count(*alone, "training image"),
            example.as_deref().unwrap_or_default()
        ));
    }
    if let Some(GroupsFound { from, groups: 0 | 1, .. }) = &found.groups {
        warnings.push(format!(
            "{from} is the same for all training images: none of them can be held out"
        ));
    }
    if let (Some(table), 1..) = (&found.labels, found.unlabelled) {
        warnings.push(format!(
            "{} of {} in `{}` have no row in `{}` and are left out: is the table whole?",
            term::thousands(found.unlabelled),
            term::count(found.unlabelled + found.labelled, "image"),
            files.train.join("`, `"),
            table.name
        ));
    }
    if found.unlisted > 0 {
        warnings.push(format!(
            "{} of {} in `{}` have no row in `{}` and are left out: is it the right sample?",
            term::thousands(found.unlisted),
            term::count(found.unlisted + found.test_images, "image"),
            files.test.join("`, `"),
            found.sample.name
        ));
    }
    warnings
}
