//! What a split may move: an image, or several that stay together.

use super::strata::Strata;
use crate::dataset::sets::Sets;

/// Images that stay on one side.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Their indices, sorted.
    pub(super) members: Vec<usize>,
    /// How many of them have each class that occurs.
    pub(super) counts: Vec<(usize, usize)>,
}

impl Unit {
    fn new(members: Vec<usize>, strata: &Strata) -> Self {
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for &class in members.iter().flat_map(|&i| strata.of(i)) {
            match counts.iter_mut().find(|(known, _)| *known == class) {
                Some((_, n)) => *n += 1,
                None => counts.push((class, 1)),
            }
        }
        Self { members, counts }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn has(&self, class: usize) -> bool {
        self.counts.iter().any(|(known, _)| *known == class)
    }

    /// The class that most of the images have, the first of equals.
    pub(super) fn class(&self) -> Option<usize> {
        let most = self.counts.iter().map(|(_, n)| *n).max()?;
        self.counts.iter().find(|(_, n)| *n == most).map(|(class, _)| *class)
    }
}

/// The units in the order of their first images; groups that share an image become one.
pub(super) fn units(strata: &Strata, groups: &[Vec<usize>]) -> Vec<Unit> {
    let mut sets = Sets::new(strata.len());
    for group in groups {
        for pair in group.windows(2) {
            sets.join(pair[0], pair[1]);
        }
    }
    sets.members().into_iter().map(|members| Unit::new(members, strata)).collect()
}

/// How many images of all have each class.
pub(super) fn totals(units: &[Unit], n_classes: usize) -> Vec<usize> {
    let mut totals = vec![0; n_classes];
    for &(class, n) in units.iter().flat_map(|unit| &unit.counts) {
        totals[class] += n;
    }
    totals
}
