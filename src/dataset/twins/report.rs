//! What was found, in words.

use super::{Likeness, Twins};
use crate::dataset::sample::Sample;
use crate::term::{count, thousands};

/// How many groups or pairs a line names.
const SHOWN: usize = 3;

impl Twins {
    /// What a person should know, a line each; none where there is nothing to tell.
    pub fn lines(&self, train: &[Sample], test: &[Sample]) -> Vec<String> {
        let id = |i: usize| format!("`{}`", train[i].id);
        let mut lines = Vec::new();
        if !self.groups.is_empty() {
            lines.push(format!(
                "{} of {} training images show the same picture as another ({}: {}); they stay on \
                 one side of a split",
                thousands(self.groups.iter().map(Vec::len).sum()),
                thousands(train.len()),
                count(self.groups.len(), "group"),
                self.kinds()
            ));
        }
        if !self.conflicts.is_empty() {
            let ids = |&group: &usize| {
                let ids: Vec<String> =
                    self.groups[group].iter().take(SHOWN).map(|&i| id(i)).collect();
                ids.join(" and ")
            };
            let groups: Vec<String> = self.conflicts.iter().take(SHOWN).map(ids).collect();
            let n = count(self.conflicts.len(), "group");
            lines.push(format!(
                "{n} of one picture with different labels: {}",
                listed(groups, self.conflicts.len())
            ));
        }
        if !self.across.is_empty() {
            let pair = |&(i, j): &(usize, usize)| format!("`{}` is {}", test[j].id, id(i));
            let pairs: Vec<String> = self.across.iter().take(SHOWN).map(pair).collect();
            lines.push(format!(
                "{} of {} test images show a picture of the training set: {}",
                thousands(self.across.len()),
                thousands(test.len()),
                listed(pairs, self.across.len())
            ));
        }
        if self.least.is_none() {
            lines.push(
                "the pictures are too alike to tell twins by their looks: only equal pixels count"
                    .to_owned(),
            );
        }
        lines
    }

    /// `2 of equal files, 1 of similar pictures`.
    fn kinds(&self) -> String {
        let kinds = [
            (Likeness::SameFile, "of equal files"),
            (Likeness::SamePixels, "of equal pixels"),
            (Likeness::Similar, "of similar pictures"),
        ];
        let counts = kinds.into_iter().filter_map(|(kind, words)| {
            let n = self.likeness.iter().filter(|found| **found == kind).count();
            (n > 0).then(|| format!("{} {words}", thousands(n)))
        });
        counts.collect::<Vec<_>>().join(", ")
    }
}

/// What is shown of so many.
fn listed(mut shown: Vec<String>, n: usize) -> String {
    if n > shown.len() {
        shown.push(format!("and {} more", thousands(n - shown.len())));
    }
    shown.join(", ")
}
