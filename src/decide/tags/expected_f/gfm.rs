//! General F-measure maximisation: of all sets of tags, or of all possible ones, that with the
//! largest expected F-beta.
//!
//! A set `h` of `k` tags is worth `sum over i in h of g_ik`, where `g_ik = sum over s of
//! (1 + b^2) p_is / (b^2 s + k)`: tags add up once the size is fixed, so the best set of a size is
//! that of its `k` largest, whatever the joint distribution (Dembczynski et al. 2011, Waegeman et
//! al. 2014). An image without any tag scores nothing whatever is predicted, and neither does an empty
//! set, which is therefore never chosen.

use super::{Joint, Scratch};

/// Sizes whose worth is calculated together.
const SIZES: usize = 8;

/// What a right tag is worth by the sizes of the set and of the truth, for one beta.
#[derive(Clone, Debug)]
pub struct Worth {
    n_classes: usize,
    /// `(1 + b^2) / (b^2 s + k)` at `[s - 1, k - 1]`, with whole numbers of [`SIZES`] a row.
    table: Vec<[f64; SIZES]>,
}

impl Worth {
    /// For F-beta among that many classes.
    pub fn new(n_classes: usize, beta: f64) -> Self {
        let b2 = beta * beta;
        let n_chunks = n_classes.div_ceil(SIZES);
        let chunk = |at: usize| {
            let (s, first) = (at / n_chunks + 1, at % n_chunks * SIZES + 1);
            std::array::from_fn(|k| (1.0 + b2) / (b2 * s as f64 + (first + k) as f64))
        };
        Self { n_classes, table: (0..n_classes * n_chunks).map(chunk).collect() }
    }

    fn chunks_a_row(&self) -> usize {
        self.n_classes.div_ceil(SIZES)
    }
}

/// What tags are worth in sets of some sizes, and a table of the best sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// `g_ik` of [`SIZES`] sizes for every tag.
    gains: Vec<[f64; SIZES]>,
    order: Vec<usize>,
    /// The most that some of the blocks from one on add to a set, by how many: `[blocks + 1, k + 1]`.
    most: Vec<f64>,
    /// The best tag of every block, and what it is worth.
    members: Vec<(usize, f64)>,
}

/// Writes to `out` the tags, in ascending order, with the largest expected F-beta of an image with
/// that `p_is` (`[classes, classes]`, see [`p_is`](super::p_is)). There is at least one.
pub fn best(p_is: &[f64], worth: &Worth, scratch: &mut Scratch, out: &mut Vec<usize>) {
    let Room { gains, order, .. } = &mut scratch.gfm;
    order.clear();
    order.extend(0..worth.n_classes);
    let mut record = f64::NEG_INFINITY;
    for_sizes(p_is, worth, gains, |k, gains, at| {
        if k > worth.n_classes || sum_of_all(gains, at) <= record {
            return false;
        }
        // Two sizes have nearly the same order, which makes it quick to sort.
        order.sort_unstable_by(|&a, &b| gains[b][at].total_cmp(&gains[a][at]).then(a.cmp(&b)));
        let expected: f64 = order[..k].iter().map(|&tag| gains[tag][at]).sum();
        if expected > record {
            record = expected;
            out.clear();
            out.extend_from_slice(&order[..k]);
        }
        true
    });
    out.sort_unstable();
}

/// Writes to `out` the tags, in ascending order, with the largest expected F-beta among rows that
/// keep the rules of `joint`; `p_is` may come from another model. There is at least one tag.
///
/// Exact for every kind of rule: for each size the best set is found by a dynamic programme over
/// blocks, where one that is left out is left out with its descendants.
pub fn best_possible(
    p_is: &[f64],
    worth: &Worth,
    joint: &Joint,
    scratch: &mut Scratch,
    out: &mut Vec<usize>,
) {
    let Room { gains, most, members, .. } = &mut scratch.gfm;
    out.clear();
    let mut record = f64::NEG_INFINITY;
    for_sizes(p_is, worth, gains, |k, gains, at| {
        if k == 1 {
            for &tag in &joint.alone {
                if gains[tag][0] > record {
                    record = gains[tag][0];
                    out.clear();
                    out.push(tag);
                }
            }
        }
        if k > joint.blocks.len() || sum_of_all(gains, at) <= record {
            return false;
        }
        members.clear();
        members.extend(joint.blocks.iter().map(|block| {
            let gain = |tag: &usize| (*tag, gains[*tag][at]);
            let better = |best: (usize, f64), next: (usize, f64)| {
                if next.1 > best.1 { next } else { best }
            };
            block.tags[1..].iter().map(gain).fold(gain(&block.tags[0]), better)
        }));
        let expected = most_by_count(joint, members, k, most);
        if expected > record {
            record = expected;
            out.clear();
            trace(joint, members, k, most, out);
        }
        true
    });
    out.sort_unstable();
}

/// The expected F-beta of calling an image `tags`.
#[cfg(test)]
pub(super) fn expected(p_is: &[f64], worth: &Worth, tags: &[usize]) -> f64 {
    let Some(k) = tags.len().checked_sub(1) else {
        return 0.0;
    };
    let (chunk, at) = (k / SIZES, k % SIZES);
    let of_tag = |tag: &usize| {
        let rows = worth.table.chunks_exact(worth.chunks_a_row());
        let row = &p_is[tag * worth.n_classes..][..worth.n_classes];
        row.iter().zip(rows).map(|(p, row)| p * row[chunk][at]).sum::<f64>()
    };
    tags.iter().map(of_tag).sum()
}

/// Calls `visit` with every size `k = 1, 2, ...`, with what tags are worth and at which place for
/// that size, for as long as it says true.
fn for_sizes(
    p_is: &[f64],
    worth: &Worth,
    gains: &mut Vec<[f64; SIZES]>,
    mut visit: impl FnMut(usize, &[[f64; SIZES]], usize) -> bool,
) {
    let n_classes = worth.n_classes;
    assert_eq!(p_is.len(), n_classes * n_classes, "every class with every size");
    let n_chunks = worth.chunks_a_row();
    for chunk in 0..n_chunks {
        gains.clear();
        gains.extend(p_is.chunks_exact(n_classes).map(|row| {
            let mut gain = [0.0; SIZES];
            for (p, worth) in row.iter().zip(worth.table.chunks_exact(n_chunks)) {
                for (gain, worth) in gain.iter_mut().zip(&worth[chunk]) {
                    *gain += p * worth;
                }
            }
            gain
        }));
        for at in 0..SIZES {
            if !visit(chunk * SIZES + at + 1, gains, at) {
                return;
            }
        }
    }
}

/// What all tags together would be worth: no set of the size is worth more, and no larger one,
/// since a tag is worth the less the more are named.
fn sum_of_all(gains: &[[f64; SIZES]], at: usize) -> f64 {
    gains.iter().map(|gains| gains[at]).sum()
}

/// Fills `most`, and tells the largest worth of `k` blocks that keep the rules.
fn most_by_count(joint: &Joint, members: &[(usize, f64)], k: usize, most: &mut Vec<f64>) -> f64 {
    let stride = k + 1;
    let n_blocks = joint.blocks.len();
    most.clear();
    most.resize((n_blocks + 1) * stride, f64::NEG_INFINITY);
    most[n_blocks * stride] = 0.0;
    for (from, block) in joint.blocks.iter().enumerate().rev() {
        for count in 0..=k {
            let with = count.checked_sub(1).map_or(f64::NEG_INFINITY, |others| {
                members[from].1 + most[(from + 1) * stride + others]
            });
            let without =
                if block.is_due { f64::NEG_INFINITY } else { most[block.end * stride + count] };
            most[from * stride + count] = with.max(without);
        }
    }
    most[k]
}

/// Adds the tags of the blocks that are worth the most.
fn trace(joint: &Joint, members: &[(usize, f64)], k: usize, most: &[f64], out: &mut Vec<usize>) {
    let stride = k + 1;
    let (mut from, mut count) = (0, k);
    while from < joint.blocks.len() {
        let with = count.checked_sub(1).map_or(f64::NEG_INFINITY, |others| {
            members[from].1 + most[(from + 1) * stride + others]
        });
        if with > f64::NEG_INFINITY && with == most[from * stride + count] {
            out.push(members[from].0);
            from += 1;
            count -= 1;
        } else {
            from = joint.blocks[from].end;
        }
    }
}
