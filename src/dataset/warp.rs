//! An affine map of pixels, bilinear, with the image reflected at its borders.

use super::symmetry::Symmetry;

/// A map of the plane: `x' = m[0] . (x, y, 1)`, `y' = m[1] . (x, y, 1)`. Pixel `i` covers
/// `[i, i + 1)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine([[f64; 3]; 2]);

impl Affine {
    /// Adds `by`.
    pub(super) fn shift(by: [f64; 2]) -> Self {
        Self([[1.0, 0.0, by[0]], [0.0, 1.0, by[1]]])
    }

    /// Stretches both ways.
    pub(super) fn scale(by: [f64; 2]) -> Self {
        Self([[by[0], 0.0, 0.0], [0.0, by[1], 0.0]])
    }

    /// Turns around `centre`.
    pub(super) fn rotation(radians: f64, centre: [f64; 2]) -> Self {
        let (sin, cos) = radians.sin_cos();
        let turn = Self([[cos, -sin, 0.0], [sin, cos, 0.0]]);
        Self::shift(centre.map(|c| -c)).then(turn).then(Self::shift(centre))
    }

    /// Goes from a pixel of a square under a symmetry to the one it shows.
    pub(super) fn of_symmetry(symmetry: Symmetry, size: usize) -> Self {
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
    pub(super) fn then(self, next: Self) -> Self {
        let [x, y] = self.0;
        Self(
            next.0.map(|[a, b, c]| {
                [a * x[0] + b * y[0], a * x[1] + b * y[1], a * x[2] + b * y[2] + c]
            }),
        )
    }

    /// Where a point goes.
    pub(super) fn apply(&self, x: f64, y: f64) -> [f64; 2] {
        self.0.map(|[a, b, c]| a * x + b * y + c)
    }
}

/// Fills `out`, `[size, size, 3]`, with the pixels of `source`, `[height, width, 3]`, that
/// `to_source` leads to.
pub(super) fn warp(
    source: &[u8],
    [width, height]: [usize; 2],
    to_source: &Affine,
    size: usize,
    out: &mut [u8],
) {
    // Positions have 16 fraction bits, of which the weights use the upper 8. A row starts from its
    // exact position, so that rounded steps cannot add up.
    const ONE: f64 = 65_536.0;
    let [step_across, step_down] = to_source.0.map(|[along, ..]| (along * ONE).round() as i64);
    for (y, row) in out.chunks_exact_mut(size * 3).enumerate() {
        let start = to_source.apply(0.5, y as f64 + 0.5);
        let [mut across, mut down] = start.map(|position| ((position - 0.5) * ONE).round() as i64);
        for pixel in row.chunks_exact_mut(3) {
            let [left, top] = [across >> 16, down >> 16];
            let pairs = pairs_at(source, [left, top], [width, height]);
            let [upper, lower] =
                pairs.unwrap_or_else(|| reflected_pairs(source, [left, top], [width, height]));
            let mixed = mix(upper, lower, weight(down), weight(across));
            pixel.copy_from_slice(&mixed.to_le_bytes()[..3]);
            across += step_across;
            down += step_down;
        }
    }
}

/// How much the pixel after a position weighs, in 256ths.
#[inline]
fn weight(position: i64) -> u64 {
    (position >> 8 & 255) as u64
}

/// The upper and the lower pair of pixels at a place, if all four are in the picture and eight bytes
/// are left at both, of which six are read.
#[inline]
fn pairs_at(source: &[u8], [left, top]: [i64; 2], [width, height]: [usize; 2]) -> Option<[u64; 2]> {
    // A negative number is a very large one.
    let inside = (left as usize).wrapping_add(1) < width && (top as usize).wrapping_add(1) < height;
    if !inside || left < 0 || top < 0 {
        return None;
    }
    let at = (top as usize).wrapping_mul(width).wrapping_add(left as usize).wrapping_mul(3);
    let upper = source.get(at..)?.first_chunk()?;
    let lower = source.get(at.wrapping_add(width.wrapping_mul(3))..)?.first_chunk()?;
    Some([u64::from_le_bytes(*upper), u64::from_le_bytes(*lower)])
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
    fn half_a_pixel_is_the_mean_of_two() {
        let pixels = [10, 10, 10, 20, 20, 20, 10, 10, 10, 20, 20, 20];
        let mut out = [0; 12];
        warp(&pixels, [2, 2], &Affine::shift([0.5, 0.0]), 2, &mut out);
        assert_eq!(out, [15, 15, 15, 20, 20, 20, 15, 15, 15, 20, 20, 20]);
    }
}
