//! Which tags shut one another out, stand alone or bring another: what rows of tags are possible.
//!
//! Planet's images have exactly one weather, and those called cloudy have no other tag. Such rules are
//! told by a spec; they say which rows may be submitted ([`TagRules::repair`]) and how tags hang
//! together when the expected score of a row is calculated (`super::expected_f`).

/// Rules among tags, which are told by their class index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagRules {
    /// Sets of tags that exclude one another; no tag is in two of them.
    pub groups: Vec<Group>,
    /// Tags that stand without any other, even of an exactly-one group; each may be a member of a
    /// group.
    pub alone: Vec<usize>,
    /// `(child, parent)`: where the child is, the parent is too. A forest of tags that are in no
    /// group and not alone.
    pub implies: Vec<(usize, usize)>,
}

/// Tags that exclude one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In ascending order, at least two.
    pub members: Vec<usize>,
    /// Whether a row may do without any.
    pub one: One,
}

/// How many members of a group a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum One {
    /// One, but where a tag stands alone that is no member.
    Exactly,
    /// One or none.
    AtMost,
}

impl TagRules {
    /// The rules in ascending order, or what is wrong with them.
    pub fn new(
        mut groups: Vec<Group>,
        mut alone: Vec<usize>,
        mut implies: Vec<(usize, usize)>,
        n_classes: usize,
    ) -> Result<Self, String> {
        for group in &mut groups {
            group.members.sort_unstable();
        }
        groups.sort_by(|a, b| a.members.cmp(&b.members));
        alone.sort_unstable();
        implies.sort_unstable();
        let structure = Self { groups, alone, implies };
        structure.check(n_classes)?;
        Ok(structure)
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.alone.is_empty() && self.implies.is_empty()
    }

    /// Whether an image may have these tags and no others.
    pub fn admits(&self, tags: &[usize]) -> bool {
        if tags.iter().any(|&tag| self.is_alone(tag)) {
            return tags.len() == 1;
        }
        let groups_agree = self.groups.iter().all(|group| {
            let n = tags.iter().filter(|tag| group.members.contains(tag)).count();
            n == 1 || (n == 0 && group.one == One::AtMost)
        });
        let has = |tag| tags.contains(&tag);
        groups_agree && self.implies.iter().all(|&(child, parent)| !has(child) || has(parent))
    }

    /// Adds to `tags` the most probable member of every exactly-one group that has none there, by
    /// the probabilities `row` (`[classes]`). A tag that stands alone needs no such member, and is
    /// none where other tags are.
    pub fn complete(&self, tags: &mut Vec<usize>, row: &[f32]) {
        for group in self.groups.iter().filter(|group| group.one == One::Exactly) {
            if tags.iter().any(|&tag| group.members.contains(&tag) || self.is_alone(tag)) {
                continue;
            }
            let fits = |tag: &usize| tags.is_empty() || !self.is_alone(*tag);
            if let Some(tag) = most_probable(group.members.iter().copied().filter(fits), row) {
                insert(tags, tag);
            }
        }
    }

    /// Makes the row possible with the probabilities `row` (`[classes]`). A tag that should stand
    /// alone does if it is the most probable of its group, or of all where it is in none, and else
    /// goes; of several members of a group the most probable stays; groups are
    /// [completed](Self::complete); a child brings its parent.
    pub fn repair(&self, tags: &mut Vec<usize>, row: &[f32]) {
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > 1 && tags.iter().any(|&tag| self.is_alone(tag)) {
            let alone = || tags.iter().copied().filter(|&tag| self.is_alone(tag));
            let leader = most_probable(alone().filter(|&tag| self.leads(tag, row)), row);
            let all_alone = alone().count() == tags.len();
            let stays = leader.or_else(|| most_probable(alone(), row).filter(|_| all_alone));
            tags.retain(|&tag| stays.map_or(!self.is_alone(tag), |stays| tag == stays));
        }
        for group in &self.groups {
            let present = tags.iter().copied().filter(|tag| group.members.contains(tag));
            let stays = most_probable(present, row);
            tags.retain(|tag| stays == Some(*tag) || !group.members.contains(tag));
        }
        self.complete(tags, row);
        for at in 0..tags.len() {
            let mut tag = tags[at];
            while let Some(parent) = self.parent(tag) {
                tags.push(parent);
                tag = parent;
            }
        }
        tags.sort_unstable();
        tags.dedup();
    }

    /// Whether the tag stands without any other.
    pub fn is_alone(&self, tag: usize) -> bool {
        self.alone.contains(&tag)
    }

    /// The tag that `child` brings.
    pub fn parent(&self, child: usize) -> Option<usize> {
        self.implies.iter().find(|&&(tag, _)| tag == child).map(|&(_, parent)| parent)
    }

    /// The group that the tag is in.
    pub fn group_of(&self, tag: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.members.contains(&tag))
    }

    /// Whether the tag is the most probable of its group, or of all if it is in none.
    fn leads(&self, tag: usize, row: &[f32]) -> bool {
        let best = match self.group_of(tag) {
            Some(group) => most_probable(group.members.iter().copied(), row),
            None => most_probable(0..row.len(), row),
        };
        best == Some(tag)
    }

    fn check(&self, n_classes: usize) -> Result<(), String> {
        let members = self.groups.iter().flat_map(|group| &group.members).copied();
        let ends = self.implies.iter().flat_map(|&(child, parent)| [child, parent]);
        if let Some(tag) =
            members.chain(self.alone.iter().copied()).chain(ends).find(|&tag| tag >= n_classes)
        {
            return Err(format!("there is no tag {tag} among {n_classes}"));
        }
        let mut is_member = vec![false; n_classes];
        for group in &self.groups {
            if group.members.len() < 2 {
                return Err("a group needs at least two tags".to_owned());
            }
            for &tag in &group.members {
                if std::mem::replace(&mut is_member[tag], true) {
                    return Err(format!("tag {tag} is in two groups, or in one of them twice"));
                }
            }
            let all_alone = group.members.iter().all(|&tag| self.is_alone(tag));
            if group.one == One::Exactly && all_alone {
                return Err("every tag of an exactly-one group stands alone, \
                            which leaves nothing to the other tags"
                    .to_owned());
            }
        }
        let twice = |pair: &&[usize]| pair[0] == pair[1];
        if let Some([tag, ..]) = self.alone.windows(2).find(twice) {
            return Err(format!("tag {tag} stands alone twice"));
        }
        let mut n_parents = vec![0; n_classes];
        for &(child, parent) in &self.implies {
            n_parents[child] += 1;
            if n_parents[child] > 1 {
                return Err(format!("tag {child} implies two others; name the nearer one alone"));
            }
            for tag in [child, parent] {
                if is_member[tag] || self.is_alone(tag) {
                    return Err(format!(
                        "tag {tag} is in a group or stands alone, and so implies nothing \
                         and is implied by nothing"
                    ));
                }
            }
        }
        for &(child, _) in &self.implies {
            // A way up that is longer than there are rules goes round.
            let mut ancestor = Some(child);
            for _ in 0..=self.implies.len() {
                ancestor = ancestor.and_then(|tag| self.parent(tag));
            }
            if ancestor.is_some() {
                return Err(format!("tag {child} implies itself in the end"));
            }
        }
        Ok(())
    }
}

/// The most probable tag, the first of equals.
fn most_probable(tags: impl Iterator<Item = usize>, row: &[f32]) -> Option<usize> {
    tags.reduce(|best, tag| if row[tag] > row[best] { tag } else { best })
}

/// Puts a tag into its place among others in ascending order.
fn insert(tags: &mut Vec<usize>, tag: usize) {
    if let Err(at) = tags.binary_search(&tag) {
        tags.insert(at, tag);
    }
}

#[cfg(test)]
pub(in crate::decide) mod tests;
