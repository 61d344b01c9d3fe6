//! A batch in micro-batches, for batches larger than the memory: their gradients add up to those of
//! the whole.

use std::ops::Range;

/// The ranges of `0..n` that are computed one after another; none is a single image, from which a
/// norm cannot learn.
pub(super) fn ranges(n: usize, count: usize) -> Vec<Range<usize>> {
    let size = n.div_ceil(count.max(1)).max(2);
    let mut ranges: Vec<Range<usize>> =
        (0..n).step_by(size).map(|start| start..(start + size).min(n)).collect();
    if ranges.len() > 1 && ranges.last().is_some_and(|last| last.len() == 1) {
        ranges.pop();
        if let Some(last) = ranges.last_mut() {
            last.end = n;
        }
    }
    ranges
}

/// How many to try next, after `count` were too large for the memory; none if they are as small as
/// they get.
pub(super) fn more(n: usize, count: usize) -> Option<usize> {
    (n / (2 * count) >= 2).then_some(2 * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micro_batches_are_all_of_the_batch_and_never_a_single_image() {
        for n in 2..40 {
            for count in 1..20 {
                let ranges = ranges(n, count);
                assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, n));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert!(ranges.iter().all(|range| range.len() >= 2), "{n} {count}: {ranges:?}");
                assert!(ranges.len() <= count);
            }
        }
        assert_eq!(ranges(32, 4), [0..8, 8..16, 16..24, 24..32]);
    }

    #[test]
    fn micro_batches_are_halved_until_they_are_pairs() {
        assert_eq!((more(32, 1), more(32, 8), more(32, 16)), (Some(2), Some(16), None));
    }
}
