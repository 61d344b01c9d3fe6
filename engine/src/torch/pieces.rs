//! A batch in pieces, for batches larger than the memory: gradients add up to those of the whole.

use std::ops::Range;

/// The parts of `0..n` of which a batch is computed one after another; none is a single image, from
/// which a norm cannot learn.
pub(super) fn ranges(n: usize, pieces: usize) -> Vec<Range<usize>> {
    let size = n.div_ceil(pieces.max(1)).max(2);
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

/// How many pieces to try next, after so many were too large for the memory; none if the pieces are
/// as small as they get.
pub(super) fn more(n: usize, pieces: usize) -> Option<usize> {
    (n / (2 * pieces) >= 2).then_some(2 * pieces)
}

/// Whether an error says that a device's memory is full.
pub(super) fn is_out_of_memory(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.to_string().to_lowercase().contains("out of memory"))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn pieces_are_all_of_the_batch_and_never_a_single_image() {
        for n in 2..40 {
            for pieces in 1..20 {
                let ranges = ranges(n, pieces);
                assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, n));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert!(ranges.iter().all(|range| range.len() >= 2), "{n} {pieces}: {ranges:?}");
                assert!(ranges.len() <= pieces);
            }
        }
        assert_eq!(ranges(32, 4), [0..8, 8..16, 16..24, 24..32]);
    }

    #[test]
    fn pieces_are_halved_until_they_are_pairs() {
        assert_eq!((more(32, 1), more(32, 8), more(32, 16)), (Some(2), Some(16), None));
    }

    #[test]
    fn a_full_memory_is_seen_through_its_context() {
        let error = anyhow!("CUDA out of memory. Tried to allocate 20.00 MiB").context("step");
        assert!(is_out_of_memory(&error) && !is_out_of_memory(&anyhow!("shape mismatch")));
    }
}
