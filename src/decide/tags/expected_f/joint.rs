//! A model of all tags of an image together, from the probability of each and the rules among them.
//!
//! The number of tags set is then a product of generating polynomials in `x^size`, a factor for
//! every tag or group (for independent tags the Poisson-binomial distribution). What the others
//! leave to a tag is the product without its factor: it is built from products before and after,
//! since dividing by the factor would be unstable.

use super::Scratch;
use crate::decide::tags::rules::{self, One, TagRules};

/// A model of how an image's tags hang together, from the rules among them.
///
/// - With the probability of a tag that stands alone it is the only one; everything else happens
///   in the rest of the cases, to which the other probabilities are related.
/// - Of an exactly-one group the probabilities are scaled to sum to one; of an at-most-one group
///   none is set with what is missing to one (they are scaled where they sum to more).
/// - A parent is at least as probable as its most probable child, and
///   `P(child | parent) = p_child / p_parent`.
/// - All else is independent.
#[derive(Clone, Debug)]
pub struct Joint {
    n_classes: usize,
    pub(super) alone: Vec<usize>,
    groups: Vec<Group>,
    /// What there is besides the tags that stand alone. A parent comes before its children, which
    /// follow it with their own ones; a group is one block.
    pub(super) blocks: Vec<Block>,
}

/// Tags of which at most one is set.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// One tag, or a group's members but for those that stand alone.
    pub(super) tags: Vec<usize>,
    /// Whether one of the tags is always set.
    pub(super) is_due: bool,
    /// The tag that is set wherever one of the block is.
    parent: Option<usize>,
    /// Where the block and its descendants end.
    pub(super) end: usize,
    /// Where the parent's descendants end; all blocks where there is no parent.
    parent_end: usize,
}

/// A group with its members that stand alone.
#[derive(Clone, Debug)]
struct Group {
    members: Vec<usize>,
    /// The members that do not stand alone.
    others: Vec<usize>,
    is_exactly: bool,
}

impl Joint {
    /// Tags that know nothing of one another.
    #[cfg(test)]
    pub(super) fn independent(n_classes: usize) -> Self {
        Self::of(&TagRules::default(), n_classes)
    }

    /// Tags that keep the rules.
    pub fn of(structure: &TagRules, n_classes: usize) -> Self {
        let group = |group: &rules::Group| Group {
            members: group.members.clone(),
            others: {
                let is_other = |tag: &usize| !structure.is_alone(*tag);
                group.members.iter().copied().filter(is_other).collect()
            },
            is_exactly: group.one == One::Exactly,
        };
        let mut joint = Self {
            n_classes,
            alone: structure.alone.clone(),
            groups: structure.groups.iter().map(group).collect(),
            blocks: Vec::new(),
        };
        for tag in 0..n_classes {
            let is_root = structure.parent(tag).is_none();
            if is_root && structure.group_of(tag).is_none() && !structure.is_alone(tag) {
                joint.plant(tag, structure);
            }
        }
        for group in &joint.groups {
            if !group.others.is_empty() {
                joint.blocks.push(Block::new(group.others.clone(), group.is_exactly, None));
                let end = joint.blocks.len();
                joint.blocks[end - 1].end = end;
            }
        }
        for at in 0..joint.blocks.len() {
            let is_parent = |block: &&Block| Some(block.tags[0]) == joint.blocks[at].parent;
            let parent = joint.blocks[..at].iter().find(is_parent);
            joint.blocks[at].parent_end = parent.map_or(joint.blocks.len(), |block| block.end);
        }
        joint
    }

    /// Adds the block of a tag and those of its descendants.
    fn plant(&mut self, tag: usize, structure: &TagRules) {
        let at = self.blocks.len();
        self.blocks.push(Block::new(vec![tag], false, structure.parent(tag)));
        for &(child, parent) in &structure.implies {
            if parent == tag {
                self.plant(child, structure);
            }
        }
        self.blocks[at].end = self.blocks.len();
    }
}

impl Block {
    fn new(tags: Vec<usize>, is_due: bool, parent: Option<usize>) -> Self {
        Self { tags, is_due, parent, end: 0, parent_end: 0 }
    }

    /// The probability that one of the block's tags is set where its parent is.
    fn probability(&self, given: &[f64]) -> f64 {
        if self.is_due {
            return 1.0;
        }
        self.tags.iter().map(|&tag| given[tag]).sum::<f64>().min(1.0)
    }
}

/// What is calculated of one image. The polynomials are `[blocks, blocks + 1]`, row-major; those
/// outside of a block are meant for its parent set.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// `[classes]`: the probability that a tag stands alone; of a block's tag, given its parent.
    given: Vec<f64>,
    /// A block with its descendants, times its later siblings with theirs.
    within: Vec<f64>,
    /// Earlier siblings with their descendants, parents, and what is outside of those.
    before: Vec<f64>,
    /// All but a block and its descendants.
    outside: Vec<f64>,
}

/// `out[i * classes + s - 1]` (`[classes, classes]`, row-major) becomes the probability that tag
/// `i` is set and `s` tags are set in all, for an image whose tags have the probabilities `row`
/// (`[classes]`).
pub fn p_is(row: &[f32], joint: &Joint, out: &mut [f64], scratch: &mut Scratch) {
    let n_classes = joint.n_classes;
    assert_eq!(row.len(), n_classes, "a probability for every class");
    assert_eq!(out.len(), n_classes * n_classes, "every class with every size");
    let room = &mut scratch.joint;
    let rest = conditionals(row, joint, &mut room.given);
    let n_blocks = joint.blocks.len();
    let stride = n_blocks + 1;
    for polynomials in [&mut room.within, &mut room.before, &mut room.outside] {
        polynomials.resize(n_blocks * stride, 0.0);
    }
    multiply_within(joint, room);
    multiply_outside(joint, room, rest);
    out.fill(0.0);
    for &tag in &joint.alone {
        out[tag * n_classes] = room.given[tag];
    }
    for (at, block) in joint.blocks.iter().enumerate() {
        let outside = &room.outside[at * stride..][..=n_blocks - (block.end - at)];
        let children = product(&room.within[(at + 1) * stride..], block.end - at - 1);
        for &tag in &block.tags {
            let out = &mut out[tag * n_classes..][..n_blocks];
            multiply(outside, children, room.given[tag], out);
        }
    }
}

/// From the last block to the first: `room.within`.
fn multiply_within(joint: &Joint, room: &mut Room) {
    let stride = joint.blocks.len() + 1;
    for (at, block) in joint.blocks.iter().enumerate().rev() {
        let (own, later) = room.within.split_at_mut((at + 1) * stride);
        let children = product(later, block.end - at - 1);
        let siblings =
            product(&later[(block.end - at - 1) * stride..], block.parent_end - block.end);
        let own = &mut own[at * stride..][..=block.parent_end - at];
        times_block(siblings, block.probability(&room.given), children, own);
    }
}

/// From the first block to the last: `room.before` and `room.outside`. All of it happens in the
/// `rest` of the cases.
fn multiply_outside(joint: &Joint, room: &mut Room, rest: f64) {
    let n_blocks = joint.blocks.len();
    let stride = n_blocks + 1;
    if let Some(first) = room.before.first_mut() {
        *first = rest;
    }
    for (at, block) in joint.blocks.iter().enumerate() {
        let p = block.probability(&room.given);
        let children = product(&room.within[(at + 1) * stride..], block.end - at - 1);
        let siblings = product(&room.within[block.end * stride..], block.parent_end - block.end);
        let (before, later) = room.before.split_at_mut((at + 1) * stride);
        let before = &before[at * stride..][..=n_blocks - (block.parent_end - at)];
        let outside = &mut room.outside[at * stride..][..=n_blocks - (block.end - at)];
        multiply(before, siblings, 1.0, outside);
        if block.end < block.parent_end {
            let next = &mut later[(block.end - at - 1) * stride..];
            times_block(before, p, children, &mut next[..before.len() + children.len()]);
        }
        if at + 1 < block.end {
            // Before the first child is the block itself, set, and all outside of it.
            later[0] = 0.0;
            multiply(outside, &[1.0], p, &mut later[1..=outside.len()]);
        }
    }
}

/// The product of `n_blocks` blocks, which the first row of `rows` has where there are any.
fn product(rows: &[f64], n_blocks: usize) -> &[f64] {
    if n_blocks == 0 { &[1.0] } else { &rows[..=n_blocks] }
}

/// Fills `given`, and tells the probability that no tag stands alone.
fn conditionals(row: &[f32], joint: &Joint, given: &mut Vec<f64>) -> f64 {
    given.clear();
    given.extend(row.iter().map(|&p| f64::from(p).clamp(0.0, 1.0)));
    for group in &joint.groups {
        scale_to_one(given, &group.members, group.is_exactly);
    }
    scale_to_one(given, &joint.alone, false);
    let rest = (1.0 - joint.alone.iter().map(|&tag| given[tag]).sum::<f64>()).max(0.0);
    let share = |p: f64| if rest > 0.0 { (p / rest).min(1.0) } else { p };
    for block in &joint.blocks {
        for &tag in &block.tags {
            given[tag] = share(given[tag]);
        }
    }
    for group in &joint.groups {
        let sum: f64 = group.others.iter().map(|&tag| given[tag]).sum();
        if group.is_exactly && sum == 0.0 {
            for &tag in &group.others {
                given[tag] = 1.0 / group.others.len() as f64;
            }
        }
        scale_to_one(given, &group.others, group.is_exactly);
    }
    // Children come after their parents: from the last block to the first all ancestors are raised,
    // and each tag is divided by its parent before that is divided by its own.
    let tags =
        || joint.blocks.iter().rev().filter_map(|block| Some((block.tags[0], block.parent?)));
    for (tag, parent) in tags() {
        given[parent] = given[parent].max(given[tag]);
    }
    for (tag, parent) in tags() {
        given[tag] = if given[parent] > 0.0 { given[tag] / given[parent] } else { 0.0 };
    }
    rest
}

/// Scales the probabilities of `tags` so that they sum to one; those that sum to less only if
/// `fill`, and none that are all zero.
fn scale_to_one(given: &mut [f64], tags: &[usize], fill: bool) {
    let sum: f64 = tags.iter().map(|&tag| given[tag]).sum();
    if sum > 1.0 || (fill && sum > 0.0) {
        for &tag in tags {
            given[tag] /= sum;
        }
    }
}

/// `out = a (1 - p + p x b)`: the sizes `a` and those of a block that is set with probability `p`,
/// and then has the sizes `b` below it.
fn times_block(a: &[f64], p: f64, b: &[f64], out: &mut [f64]) {
    out[0] = 0.0;
    multiply(a, b, p, &mut out[1..]);
    for (to, from) in out.iter_mut().zip(a) {
        *to += (1.0 - p) * from;
    }
}

/// `out = scale a b`, for polynomials.
fn multiply(a: &[f64], b: &[f64], scale: f64, out: &mut [f64]) {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    out.fill(0.0);
    for (at, x) in short.iter().enumerate() {
        let x = scale * x;
        for (to, y) in out[at..].iter_mut().zip(long) {
            *to += x * y;
        }
    }
}
