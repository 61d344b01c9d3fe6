//! What of a view does not depend on the epoch: a picture decoded, and shrunk as far as no view of it
//! will miss. Later epochs need nothing else of a file, so this is what is kept.

use anyhow::Result;
use kaggle_kit_pixels::{FAST, Pixels, Resizer, SHARP, Window, resize};

use super::augment::max_zoom;
use super::shot::View;
use crate::recipe::Augment;

/// A picture that has at most so many pixels for one that is shown, both ways, need not be shrunk before
/// it is warped.
const NEARLY_ONE: f64 = 1.35;

/// What a picture is prepared for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prepared {
    /// Random views of `size` pixels: the whole picture, with as many pixels as the largest zoom
    /// shows, unless it has hardly more to begin with.
    Whole {
        /// Side of a view, in pixels.
        size: usize,
        augment: Augment,
        /// The smallest share of the picture's area that a view shows, where views show parts.
        least: Option<f64>,
    },
    /// One view that is always the same: itself, `[size, size, 3]`.
    Square {
        /// Its side, in pixels.
        size: usize,
        /// The part of the shorter side that it shows.
        share: f64,
    },
}

impl Prepared {
    /// What a view is drawn from.
    pub fn of(view: View, size: usize, augment: Augment) -> Self {
        match view {
            View::Centre { share } => Self::Square { size, share },
            View::Random { .. } if augment == Augment::None => Self::Square { size, share: 1.0 },
            View::Random { area, .. } => {
                Self::Whole { size, augment, least: area.map(|[least, _]| least) }
            }
        }
    }

    /// Width and height of what becomes of a picture of these sides.
    pub(in crate::dataset) fn sides(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        match *self {
            Self::Square { size, .. } => [size, size],
            Self::Whole { size, augment, least } => {
                let closest = least.map_or_else(|| max_zoom(augment), |least| least.sqrt().recip());
                let (size, shorter) = (size as f64, width.min(height) as f64);
                if shorter <= size * closest.max(NEARLY_ONE) {
                    return [width, height];
                }
                let scale = size * closest / shorter;
                [width, height].map(|side| (side as f64 * scale).round().max(1.0) as usize)
            }
        }
    }

    /// Prepares a picture; `out` has the length of its new [sides](Self::sides), which differ from
    /// the picture's unless it is a square that is wanted.
    pub(super) fn draw(&self, resizer: &mut Resizer, image: Pixels, out: &mut [u8]) -> Result<()> {
        let sides = self.sides(image.sides);
        let [width, height] = image.sides.map(|side| side as f64);
        match *self {
            Self::Square { share, .. } => {
                let side = width.min(height) * share;
                let (left, top) = ((width - side) / 2.0, (height - side) / 2.0);
                let window = Window { left, top, width: side, height: side };
                resize(resizer, image, window, sides, SHARP, out)
            }
            Self::Whole { .. } => {
                let window = Window { left: 0.0, top: 0.0, width, height };
                resize(resizer, image, window, sides, FAST, out)
            }
        }
    }

    /// All of it in words, as far as a picture's bytes follow from it.
    pub(in crate::dataset) fn describe(&self) -> String {
        match self {
            Self::Square { size, share } => format!("centre squares of {share} at {size} pixels"),
            Self::Whole { size, augment, least } => {
                let parts = least.map(|least| format!(" of {least} at least")).unwrap_or_default();
                format!("whole, for {augment:?} views{parts} at {size} pixels")
            }
        }
    }

    /// Side of a view, in pixels.
    pub(in crate::dataset) fn size(&self) -> usize {
        match *self {
            Self::Square { size, .. } | Self::Whole { size, .. } => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_as_many_pixels_as_its_closest_view_shows() {
        let sides = |sides, least| {
            Prepared::Whole { size: 100, augment: Augment::SideOn, least }.sides(sides)
        };
        // The shorter side is that of the view, times the largest zoom.
        assert_eq!(sides([500, 400], None), [138, 110]);
        assert_eq!(sides([400, 500], None), [110, 138]);
        // Hardly more than that stays as it is, as does what is smaller.
        assert_eq!(sides([300, 135], None), [300, 135]);
        assert_eq!(sides([300, 136], None), [243, 110]);
        assert_eq!(sides([30, 20], None), [30, 20]);
        // A quarter of the area is half of each side.
        assert_eq!(sides([500, 400], Some(0.25)), [250, 200]);
        assert_eq!(sides([250, 200], Some(0.25)), [250, 200]);
        // A strip keeps a pixel at least.
        assert_eq!(sides([9000, 200], None), [4950, 110]);
        assert_eq!(Prepared::Square { size: 64, share: 0.5 }.sides([500, 400]), [64, 64]);
    }
}
