//! The eight symmetries of the square, which leave a picture taken from above a likely picture.

/// A mirror image or none, then quarter turns clockwise: an element of D4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symmetry {
    mirrored: bool,
    quarter_turns: u8,
}

impl Symmetry {
    /// Leaves everything where it is.
    pub const IDENTITY: Self = Self::new(false, 0);
    /// Left becomes right.
    pub const MIRROR: Self = Self::new(true, 0);
    /// All eight, the identity first.
    pub const ALL: [Self; 8] = [
        Self::IDENTITY,
        Self::new(false, 1),
        Self::new(false, 2),
        Self::new(false, 3),
        Self::MIRROR,
        Self::new(true, 1),
        Self::new(true, 2),
        Self::new(true, 3),
    ];

    const fn new(mirrored: bool, quarter_turns: u8) -> Self {
        Self { mirrored, quarter_turns }
    }

    /// Whether it begins with the mirror image.
    pub fn is_mirrored(self) -> bool {
        self.mirrored
    }

    /// How many clockwise it ends with, below four.
    pub fn quarter_turns(self) -> u8 {
        self.quarter_turns
    }

    /// The symmetry that does `self`, then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // A mirror turns later turns around: mirror . turn^t = turn^-t . mirror.
        let turns = if next.mirrored { 4 - self.quarter_turns } else { self.quarter_turns };
        Self::new(self.mirrored != next.mirrored, (turns + next.quarter_turns) % 4)
    }

    /// The symmetry that undoes `self`.
    #[must_use]
    pub fn inverse(self) -> Self {
        if self.mirrored { self } else { Self::new(false, (4 - self.quarter_turns) % 4) }
    }

    /// The pixel `(x, y)` of the source that a pixel of the result shows; both are squares with
    /// `size` pixels a side.
    pub fn source(self, (x, y): (usize, usize), size: usize) -> (usize, usize) {
        let last = size - 1;
        let (x, y) = match self.quarter_turns {
            0 => (x, y),
            1 => (y, last - x),
            2 => (last - x, last - y),
            _ => (last - y, x),
        };
        if self.mirrored { (last - x, y) } else { (x, y) }
    }

    /// Writes the transformed `pixels`, `[size, size, 3]`, to `out` of the same shape.
    pub fn apply(self, pixels: &[u8], size: usize, out: &mut [u8]) {
        if self == Self::IDENTITY {
            out.copy_from_slice(pixels);
            return;
        }
        let (source, _) = pixels.as_chunks::<3>();
        for (y, row) in out.chunks_exact_mut(size * 3).enumerate() {
            // Along a row the source goes along a row or a column, one way or the other.
            let place = |x| {
                let (x, y) = self.source((x, y), size);
                (y * size + x) as isize
            };
            let (first, second) = (place(0), place(1.min(size - 1)));
            let mut at = first;
            for pixel in row.as_chunks_mut().0 {
                *pixel = source[at as usize];
                at = at.wrapping_add(second.wrapping_sub(first));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three by three, every pixel different.
    fn picture() -> Vec<u8> {
        (0..27).collect()
    }

    fn apply(symmetry: Symmetry, pixels: &[u8]) -> Vec<u8> {
        let mut out = vec![0; pixels.len()];
        symmetry.apply(pixels, 3, &mut out);
        out
    }

    #[test]
    fn all_eight_differ_and_compose() {
        let results: Vec<_> = Symmetry::ALL.iter().map(|s| apply(*s, &picture())).collect();
        for (i, first) in Symmetry::ALL.into_iter().enumerate() {
            assert!(!results[..i].contains(&results[i]), "{first:?}");
            for second in Symmetry::ALL {
                let in_turn = apply(second, &results[i]);
                assert_eq!(in_turn, apply(first.then(second), &picture()), "{first:?} {second:?}");
            }
            assert_eq!(apply(first.inverse(), &results[i]), picture(), "{first:?}");
        }
    }

    #[test]
    fn a_mirror_swaps_columns_and_a_turn_is_clockwise() {
        let reds = |pixels: Vec<u8>| pixels.chunks(3).map(|p| p[0] / 3).collect::<Vec<_>>();
        assert_eq!(reds(apply(Symmetry::MIRROR, &picture())), [2, 1, 0, 5, 4, 3, 8, 7, 6]);
        assert_eq!(reds(apply(Symmetry::ALL[1], &picture())), [6, 3, 0, 7, 4, 1, 8, 5, 2]);
    }
}
