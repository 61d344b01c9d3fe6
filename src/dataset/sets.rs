//! Disjoint sets: which things belong together, when it is learnt pair by pair.

/// Sets over `0..n`, each known by one of its members (union-find with path halving).
#[derive(Clone, Debug)]
pub(super) struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    /// Everything by itself.
    pub(super) fn new(n: usize) -> Self {
        Self { parent: (0..n).collect() }
    }

    /// The set that holds `i`, by its smallest member.
    pub(super) fn find(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// Makes one set of the two that hold `a` and `b`.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        // The smaller index leads: which pairs were learnt first does not show in the result.
        self.parent[a.max(b)] = a.min(b);
    }

    /// The members of every set, sorted, the sets by their first members.
    pub(super) fn members(mut self) -> Vec<Vec<usize>> {
        let n = self.parent.len();
        let mut of_leader = vec![Vec::new(); n];
        for i in 0..n {
            of_leader[self.find(i)].push(i);
        }
        of_leader.retain(|members| !members.is_empty());
        of_leader
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_in_any_order_is_one_set() {
        let mut sets = Sets::new(6);
        for (a, b) in [(5, 3), (4, 1), (3, 1), (3, 5)] {
            sets.join(a, b);
        }
        assert_eq!(sets.find(4), 1);
        assert_eq!(sets.members(), [vec![0], vec![1, 3, 4, 5], vec![2]]);
    }
}
