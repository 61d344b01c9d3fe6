//! An affine map of pixels, bilinear, with the image reflected at its borders.

use std::ops::Range;

use crate::Symmetry;

/// A map of the plane: `x' = m[0] . (x, y, 1)`, `y' = m[1] . (x, y, 1)`. Pixel `i` covers
/// `[i, i + 1)`.
#[derive(Clone, Copy, Debug)]
pub struct Affine([[f64; 3]; 2]);

impl Affine {
    /// Adds `by`.
    pub fn shift(by: [f64; 2]) -> Self {
        Self([[1.0, 0.0, by[0]], [0.0, 1.0, by[1]]])
    }

    /// Stretches both ways.
    pub fn scale(by: [f64; 2]) -> Self {
        Self([[by[0], 0.0, 0.0], [0.0, by[1], 0.0]])
    }

    /// Adds `along[0]` times how far down a point is to where it is across, and `along[1]` times that to how
    /// far down.
    pub fn shear(along: [f64; 2]) -> Self {
        Self([[1.0, along[0], 0.0], [along[1], 1.0, 0.0]])
    }

    /// Turns around `centre`.
    pub fn rotation(radians: f64, centre: [f64; 2]) -> Self {
        let (sin, cos) = radians.sin_cos();
        let turn = Self([[cos, -sin, 0.0], [sin, cos, 0.0]]);
        Self::shift(centre.map(|c| -c)).then(turn).then(Self::shift(centre))
    }

    /// Goes from a pixel of a square under a symmetry to the one it shows.
    pub fn of_symmetry(symmetry: Symmetry, size: usize) -> Self {
        // Three corners of a square of two by two pixels tell the linear part.
        let at = |x, y| {
            let (x, y) = symmetry.source((x, y), 2);
            [x as f64, y as f64]
        };
        let (origin, right, down) = (at(0, 0), at(1, 0), at(0, 1));
        let middle = size as f64 / 2.0;
        let row = |axis: usize| {
            let (dx, dy) = (right[axis] - origin[axis], down[axis] - origin[axis]);
            [dx, dy, middle - (dx + dy) * middle]
        };
        Self([row(0), row(1)])
    }

    /// The map that does `self`, then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let [x, y] = self.0;
        Self(
            next.0.map(|[a, b, c]| {
                [a * x[0] + b * y[0], a * x[1] + b * y[1], a * x[2] + b * y[2] + c]
            }),
        )
    }

    /// Where a point goes.
    pub fn apply(&self, x: f64, y: f64) -> [f64; 2] {
        self.0.map(|[a, b, c]| a * x + b * y + c)
    }
}

/// Fills `out`, `[size, size, 3]`, with the pixels of `source`, `[height, width, 3]`, that
/// `to_source` leads to.
pub fn warp(
    source: &[u8],
    [width, height]: [usize; 2],
    to_source: &Affine,
    size: usize,
    out: &mut [u8],
) {
    // Positions have 16 fraction bits, of which the weights use the upper 8. A row starts from its
    // exact position, so that rounded steps cannot add up.
    const ONE: f64 = 65_536.0;
    let steps = to_source.0.map(|[along, ..]| (along * ONE).round() as i64);
    // Pairs that begin there, and the two bytes behind them, are in the picture.
    let ends = [width.saturating_sub(2), height.saturating_sub(1)].map(|end| (end as i64) << 16);
    for (y, row) in out.chunks_exact_mut(size * 3).enumerate() {
        let start = to_source.apply(0.5, y as f64 + 0.5);
        let start = start.map(|position| ((position - 0.5) * ONE).round() as i64);
        let [a, b] = [0, 1].map(|axis| within(start[axis], steps[axis], ends[axis], size));
        let inside = a.start.max(b.start)..a.end.min(b.end);
        let inside = inside.start..inside.end.max(inside.start);
        let (row, _) = row.as_chunks_mut();
        let mut at = start;
        let (before, rest) = row.split_at_mut(inside.start);
        let (within, after) = rest.split_at_mut(inside.len());
        let reflect = |at: [i64; 2]| reflected_pairs(source, at, [width, height]);
        fill(before, &mut at, steps, reflect);
        fill(within, &mut at, steps, |at| pairs(source, at, width));
        fill(after, &mut at, steps, reflect);
    }
}

/// Fills pixels one after the other, from `at` on in `steps`.
#[inline]
fn fill(
    pixels: &mut [[u8; 3]],
    at: &mut [i64; 2],
    steps: [i64; 2],
    pairs: impl Fn([i64; 2]) -> [u64; 2],
) {
    let [mut across, mut down] = *at;
    for pixel in pixels {
        let [upper, lower] = pairs([across >> 16, down >> 16]);
        let mixed = mix(upper, lower, weight(down), weight(across));
        let [red, green, blue, _] = mixed.to_le_bytes();
        *pixel = [red, green, blue];
        // Without the checks of a debug build, as below.
        across = across.wrapping_add(steps[0]);
        down = down.wrapping_add(steps[1]);
    }
    *at = [across, down];
}

/// Those of `n` positions `start`, `start + step`, ... that are in `0..end`.
fn within(start: i64, step: i64, end: i64, n: usize) -> Range<usize> {
    let clamp = |i: i64| i.clamp(0, n as i64) as usize;
    // The first place at which `start + i * step` is `bound` or beyond it.
    let reaches = |bound: i64| clamp((bound - start + step.abs() - 1).div_euclid(step.abs()));
    match step {
        0 if (0..end).contains(&start) => 0..n,
        0 => 0..0,
        1.. => reaches(0)..reaches(end),
        _ => {
            // The same walked backwards: at or below `bound`.
            let sinks = |bound: i64| clamp((start - bound + -step - 1).div_euclid(-step));
            sinks(end - 1)..sinks(-1)
        }
    }
}

/// How much the pixel after a position weighs, in 256ths.
#[inline]
fn weight(position: i64) -> u64 {
    (position >> 8 & 255) as u64
}

/// The upper and the lower pair of pixels at a place in the picture: eight bytes of each, of which six
/// count.
#[inline]
fn pairs(source: &[u8], [left, top]: [i64; 2], width: usize) -> [u64; 2] {
    let at = (top as usize).wrapping_mul(width).wrapping_add(left as usize).wrapping_mul(3);
    [at, at.wrapping_add(width.wrapping_mul(3))].map(|at| {
        let bytes = source.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    })
}

/// The pixel between two pairs of pixels, each six bytes `r g b r g b`; weights are those of the lower
/// pair and of the right pixels. Bytes that go together are computed together, in one number.
#[inline]
fn mix(upper: u64, lower: u64, lower_weight: u64, right_weight: u64) -> u32 {
    // Bytes 0 2 4 and 1 3 5, each in sixteen bits of its own.
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let even = blend(upper & EVEN, lower & EVEN, lower_weight);
    let odd = blend(upper >> 8 & EVEN, lower >> 8 & EVEN, lower_weight);
    // Byte 3 is three behind byte 0, byte 5 behind byte 2, byte 4 behind byte 1.
    let red_and_blue = blend(even, odd >> 16, right_weight);
    let green = blend(odd, even >> 32, right_weight);
    (red_and_blue & 0x00ff_00ff | (green & 0xff) << 8) as u32
}

/// `first` and `second` in the shares `256 - weight` and `weight`, rounded, in each sixteen bits:
/// 255 times 256 fits there, and so does that plus a half.
#[inline]
fn blend(first: u64, second: u64, weight: u64) -> u64 {
    const HALF: u64 = 0x0080_0080_0080_0080;
    const LOW: u64 = 0x00ff_00ff_00ff_00ff;
    // The checks of a debug build would cost more than the sums that they check.
    let sum = first.wrapping_mul(256_u64.wrapping_sub(weight));
    let sum = sum.wrapping_add(second.wrapping_mul(weight)).wrapping_add(HALF);
    sum >> 8 & LOW
}

/// The upper and the lower pair of pixels at a position near the border, or beyond it.
fn reflected_pairs(source: &[u8], [left, top]: [i64; 2], [width, height]: [usize; 2]) -> [u64; 2] {
    [top, top + 1].map(|row| {
        let row = reflected(row, height) * width;
        let [a, b] = [left, left + 1].map(|column| (row + reflected(column, width)) * 3);
        let [a, b] = [a, b].map(|at| [source[at], source[at + 1], source[at + 2]]);
        u64::from_le_bytes([a[0], a[1], a[2], b[0], b[1], b[2], 0, 0])
    })
}

/// `... 2 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...`
fn reflected(position: i64, n: usize) -> usize {
    let n = n as i64;
    let folded = position.rem_euclid(2 * n);
    folded.min(2 * n - 1 - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size: usize) -> Vec<u8> {
        (0..size * size * 3).map(|i| (i * 37 % 251) as u8).collect()
    }

    #[test]
    fn symmetries_as_warps_are_exact() {
        let pixels = picture(5);
        for symmetry in Symmetry::ALL {
            let (mut expected, mut warped) = (vec![0; 75], vec![0; 75]);
            symmetry.apply(&pixels, 5, &mut expected);
            warp(&pixels, [5, 5], &Affine::of_symmetry(symmetry, 5), 5, &mut warped);
            assert_eq!(warped, expected, "{symmetry:?}");
        }
    }

    #[test]
    fn quarter_turns_agree_with_rotations() {
        let pixels = picture(6);
        let (mut by_angle, mut by_turn) = (vec![0; 108], vec![0; 108]);
        let quarter = Affine::rotation(-std::f64::consts::FRAC_PI_2, [3.0, 3.0]);
        warp(&pixels, [6, 6], &quarter, 6, &mut by_angle);
        Symmetry::ALL[1].apply(&pixels, 6, &mut by_turn);
        assert_eq!(by_angle, by_turn);
    }

    #[test]
    fn borders_are_mirrors() {
        let indices: Vec<usize> = (-3..7).map(|position| reflected(position, 3)).collect();
        assert_eq!(indices, [2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(reflected(-5, 1), 0);
    }

    #[test]
    fn positions_inside_are_those_that_are() {
        for step in -7..8 {
            for start in -20..20 {
                let inside = within(start, step, 9, 12);
                let found: Vec<i64> =
                    (0..12).filter(|i| (0..9).contains(&(start + i * step))).collect();
                let found = found
                    .first()
                    .map_or(0..0, |&first| first as usize..*found.last().unwrap() as usize + 1);
                assert!(inside == found || inside.is_empty() && found.is_empty(), "{start} {step}");
            }
        }
    }

    #[test]
    fn half_a_pixel_is_the_mean_of_two() {
        let pixels = [10, 10, 10, 20, 20, 20, 10, 10, 10, 20, 20, 20];
        let mut out = [0; 12];
        warp(&pixels, [2, 2], &Affine::shift([0.5, 0.0]), 2, &mut out);
        assert_eq!(out, [15, 15, 15, 20, 20, 20, 15, 15, 15, 20, 20, 20]);
    }
}
