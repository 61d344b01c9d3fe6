//! The search for an exactly-one group: tags that exclude one another and together cover (nearly)
//! every image.
//!
//! An exact cover, found by depth-first search (Knuth 2000, "Dancing links", arXiv cs/0011047, has
//! the idea): the most frequent set of tags that is not covered yet must be by one of its own tags,
//! or be given up. Images have few tags, so there are few ways to go.

use super::find::Seen;

/// Label sets looked at before the search is content with what it has; planet takes some thousands.
const MAX_STEPS: usize = 20_000_000;

/// At least two of the candidate tags that exclude one another and leave at most `n_uncovered`
/// images without any; of several such groups the one that leaves the fewest.
pub(super) fn largest_cover(
    seen: &Seen,
    candidates: &[bool],
    n_uncovered: usize,
) -> Option<Vec<usize>> {
    let mut search = Search { seen, candidates, limit: n_uncovered, best: None, n_steps: 0 };
    search.go_on(0, &mut Vec::new(), 0);
    let mut members = search.best?;
    members.sort_unstable();
    Some(members)
}

struct Search<'a> {
    seen: &'a Seen,
    candidates: &'a [bool],
    /// More images without a member are of no interest.
    limit: usize,
    best: Option<Vec<usize>>,
    n_steps: usize,
}

impl Search<'_> {
    /// `members` cover the label sets before `from`, but for `n_given_up` images.
    fn go_on(&mut self, from: usize, members: &mut Vec<usize>, n_given_up: usize) {
        let sets = &self.seen.sets;
        let is_open = |(tags, _): &(Vec<usize>, usize)| !tags.iter().any(|t| members.contains(t));
        let next = sets[from..].iter().position(is_open).map(|steps| from + steps);
        self.n_steps += next.unwrap_or(sets.len()) - from + 1;
        let better = n_given_up < self.limit || (n_given_up == self.limit && self.best.is_none());
        if !better || self.n_steps > MAX_STEPS {
            return;
        }
        let Some(at) = next else {
            if members.len() > 1 {
                self.limit = n_given_up;
                self.best = Some(members.clone());
            }
            return;
        };
        let (tags, n) = &sets[at];
        for &tag in tags {
            let fits = self.candidates[tag] && members.iter().all(|&m| self.seen.excludes(m, tag));
            if fits {
                members.push(tag);
                self.go_on(at + 1, members, n_given_up);
                members.pop();
            }
        }
        self.go_on(at + 1, members, n_given_up + n);
    }
}
