//! Finds the rules among tags in labels.
//!
//! A rule is more than a coincidence where its opposite would be expected too often: were tags
//! independent, the number of images that break it would be about Poisson, and none at all has the
//! probability `exp(-expected)`. That must be below one in a hundred, shared among all ordered
//! pairs of tags (Bonferroni). A few images may break a rule, as people label them.

use std::collections::BTreeMap;

use super::cover::largest_cover;
use super::{Group, One, Structure};

/// The share of a tag's images that may have another tag, which it is still said to exclude.
const EXCEPTIONS: f64 = 0.002;
/// The share of images that may have no member of an exactly-one group (one of planet's 40,479
/// has no weather).
const UNCOVERED: f64 = 0.001;
/// Tags with fewer images are not said to stand alone.
const MIN_ALONE: usize = 20;
/// The share of a tag's images that may miss a tag, which it is still said to imply.
const MISSES: f64 = 0.005;
/// Tags with fewer images are not said to imply another.
const MIN_CHILD: usize = 50;
/// A tag that nearly every image has is implied by chance.
const MAX_PARENT: f64 = 0.98;
/// How probable one false rule may be.
const ERROR: f64 = 0.01;

/// The rules that the labels `truth` (`[n, classes]`, row-major) keep.
///
/// Only exactly-one groups are looked for: that two rare tags never met says little about them, and
/// decides little.
pub fn find(truth: &[bool], n_classes: usize) -> Structure {
    let mut structure = Structure::default();
    if n_classes < 2 {
        return structure;
    }
    let all = Seen::in_labels(truth, n_classes);
    find_groups(&all, &mut structure);
    structure.alone = (0..n_classes).filter(|&tag| stands_alone(&all, &structure, tag)).collect();
    for group in &structure.groups {
        // Nothing could stand beside such a group, and the rule adds nothing to it.
        if group.members.iter().all(|tag| structure.alone.contains(tag)) {
            structure.alone.retain(|tag| !group.members.contains(tag));
        }
    }
    if !structure.alone.is_empty() {
        find_groups(&all.without(&structure.alone), &mut structure);
    }
    structure.implies = (0..n_classes)
        .filter_map(|child| nearest_parent(&all, &structure, child).map(|parent| (child, parent)))
        .collect();
    structure
}

/// Which tags were seen, and which together.
pub(super) struct Seen {
    pub(super) n_images: usize,
    pub(super) n_classes: usize,
    /// How many images have both tags, `[classes, classes]`; a tag's own number on the diagonal.
    together: Vec<usize>,
    /// The sets of tags and how many images have them, the most frequent first.
    pub(super) sets: Vec<(Vec<usize>, usize)>,
}

impl Seen {
    fn in_labels(truth: &[bool], n_classes: usize) -> Self {
        let mut sets: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for row in truth.chunks_exact(n_classes) {
            let tags = (0..n_classes).filter(|&tag| row[tag]).collect();
            *sets.entry(tags).or_default() += 1;
        }
        Self::of(sets.into_iter().collect(), n_classes)
    }

    fn of(mut sets: Vec<(Vec<usize>, usize)>, n_classes: usize) -> Self {
        sets.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
        let mut together = vec![0; n_classes * n_classes];
        for (tags, n) in &sets {
            for &a in tags {
                for &b in tags {
                    together[a * n_classes + b] += n;
                }
            }
        }
        Self { n_images: sets.iter().map(|&(_, n)| n).sum(), n_classes, together, sets }
    }

    /// The images that have none of `tags`.
    fn without(&self, tags: &[usize]) -> Self {
        let others = self.sets.iter().filter(|(set, _)| !set.iter().any(|tag| tags.contains(tag)));
        Self::of(others.cloned().collect(), self.n_classes)
    }

    fn both(&self, a: usize, b: usize) -> usize {
        self.together[a * self.n_classes + b]
    }

    fn n(&self, tag: usize) -> usize {
        self.both(tag, tag)
    }

    fn share(&self, tag: usize) -> f64 {
        self.n(tag) as f64 / self.n_images.max(1) as f64
    }

    /// Whether two tags (nearly) never meet.
    pub(super) fn excludes(&self, a: usize, b: usize) -> bool {
        self.both(a, b) as f64 <= EXCEPTIONS * self.n(a).min(self.n(b)) as f64
    }

    /// Whether that many images that break a rule would be expected by chance that seeing (nearly)
    /// none is none.
    fn is_no_chance(&self, expected: f64) -> bool {
        expected >= ((self.n_classes * (self.n_classes - 1)) as f64 / ERROR).ln()
    }
}

/// Adds the exactly-one groups, the one with the most images first.
fn find_groups(seen: &Seen, structure: &mut Structure) {
    let n_uncovered = (UNCOVERED * seen.n_images as f64).ceil() as usize;
    loop {
        // What members leave to one another is (nearly) all but their own images, so a member that
        // could have been with another often enough is one by more than chance.
        let candidates: Vec<bool> = (0..seen.n_classes)
            .map(|tag| {
                let is_free = structure.group_of(tag).is_none() && !structure.is_alone(tag);
                is_free && seen.is_no_chance(seen.n(tag) as f64 * (1.0 - seen.share(tag)))
            })
            .collect();
        let Some(members) = largest_cover(seen, &candidates, n_uncovered) else {
            return;
        };
        structure.groups.push(Group { members, one: One::Exactly });
        structure.groups.sort_by(|a, b| a.members.cmp(&b.members));
    }
}

/// Whether a tag (nearly) never has company, though tags outside of its group are frequent enough.
fn stands_alone(seen: &Seen, structure: &Structure, tag: usize) -> bool {
    let with_others: usize = seen
        .sets
        .iter()
        .filter(|(tags, _)| tags.len() > 1 && tags.contains(&tag))
        .map(|&(_, n)| n)
        .sum();
    let own_group = structure.group_of(tag);
    let expected: f64 = (0..seen.n_classes)
        .filter(|other| *other != tag && own_group.is_none_or(|own| !own.members.contains(other)))
        .map(|other| seen.n(tag) as f64 * seen.share(other))
        .sum();
    seen.n(tag) >= MIN_ALONE
        && with_others as f64 <= EXCEPTIONS * seen.n(tag) as f64
        && seen.is_no_chance(expected)
}

/// The rarest tag among those that `child` implies. Of two that imply one another the rarer is the
/// child, of equally frequent ones the later.
fn nearest_parent(seen: &Seen, structure: &Structure, child: usize) -> Option<usize> {
    let is_bound = |tag: usize| structure.group_of(tag).is_some() || structure.is_alone(tag);
    if is_bound(child) || seen.n(child) < MIN_CHILD {
        return None;
    }
    let rank = |tag: usize| (seen.n(tag), std::cmp::Reverse(tag));
    let is_parent = |&tag: &usize| {
        let misses = (seen.n(child) - seen.both(child, tag)) as f64;
        rank(tag) > rank(child)
            && !is_bound(tag)
            && misses <= MISSES * seen.n(child) as f64
            && seen.share(tag) <= MAX_PARENT
            && seen.is_no_chance(seen.n(child) as f64 * (1.0 - seen.share(tag)))
    };
    (0..seen.n_classes).filter(is_parent).min_by_key(|&tag| (seen.n(tag), tag))
}
