//! What is random about a random view: fastai 0.7's `transforms_side_on` and `transforms_top_down`.

use std::ops::Range;

use kaggle_kit_pixels::{Symmetry, Window};
use rand::Rng;

use crate::recipe::Augment;
use crate::rng::{self, Purpose};

/// Largest rotation either way, in degrees.
const MAX_DEGREES: f64 = 10.0;
/// Largest change of brightness, and of contrast, either way.
const MAX_LIGHTING: f32 = 0.05;
/// How often an image is zoomed, and how often it is rotated.
const PROBABILITY: f64 = 0.75;

/// Ratios of width to height of a part that [`Crop::Part`] shows.
const RATIOS: Range<f64> = 3.0 / 4.0..4.0 / 3.0;
/// How often a part that fits is looked for.
const TRIES: usize = 10;

/// One draw of everything that is random about a view.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) crop: Crop,
    pub(super) symmetry: Symmetry,
    pub(super) brightness: f32,
    pub(super) contrast: f32,
}

/// Which part of an image is shown.
#[derive(Debug)]
pub(super) enum Crop {
    /// A square of nearly the shorter side, turned a little.
    Square {
        zoom: f64,
        radians: f64,
        /// Where in the room that the image leaves the crop lies, `[0, 1)` both ways.
        corner: [f64; 2],
    },
    /// A part of any size and shape, stretched to the square, as torchvision's `RandomResizedCrop`
    /// and fastai 0.7's `CropType.GOOGLENET` do it (arXiv:1409.4842): in pixels of the image.
    Part(Window),
}

impl Change {
    /// What an epoch shows of an image of these sides; `area` is the share that a part has of it,
    /// where parts are shown.
    pub(super) fn draw(
        augment: Augment,
        area: Option<[f64; 2]>,
        sides: [f64; 2],
        (seed, epoch, index): (u64, u64, usize),
    ) -> Self {
        let symmetries = augment.symmetries();
        let mut rng = rng::stream(Purpose::Augment, seed, epoch, index as u64);
        Self {
            crop: match area {
                None => Crop::square(augment, &mut rng),
                Some(area) => Crop::Part(part(area, sides, &mut rng)),
            },
            symmetry: symmetries[rng.random_range(0..symmetries.len())],
            brightness: rng.random_range(-MAX_LIGHTING..MAX_LIGHTING),
            contrast: rng.random_range(-MAX_LIGHTING..MAX_LIGHTING),
        }
    }
}

/// How much a random view enlarges at most.
pub(super) fn max_zoom(augment: Augment) -> f64 {
    if augment == Augment::TopDown { 1.05 } else { 1.1 }
}

impl Augment {
    /// The symmetries under which these pictures stay likely pictures: the views that test-time
    /// augmentation averages.
    pub fn symmetries(self) -> &'static [Symmetry] {
        const UPRIGHT: [Symmetry; 2] = [Symmetry::IDENTITY, Symmetry::MIRROR];
        match self {
            Self::None => &UPRIGHT[..1],
            Self::SideOn => &UPRIGHT,
            Self::TopDown => &Symmetry::ALL,
        }
    }
}

impl Crop {
    fn square(augment: Augment, rng: &mut impl Rng) -> Self {
        let max_zoom = max_zoom(augment);
        let mut sometimes = |range: Range<f64>, otherwise: f64| {
            let (happens, value) = (rng.random_bool(PROBABILITY), rng.random_range(range));
            if happens { value } else { otherwise }
        };
        let zoom = sometimes(1.0..max_zoom, 1.0);
        let degrees = sometimes(-MAX_DEGREES..MAX_DEGREES, 0.0);
        Self::Square { zoom, radians: degrees.to_radians(), corner: [rng.random(), rng.random()] }
    }
}

/// A part with a share of the image's area drawn evenly and a ratio drawn evenly in its logarithm; if
/// none fits, the largest of a bearable ratio in the middle.
fn part([least, most]: [f64; 2], [width, height]: [f64; 2], rng: &mut impl Rng) -> Window {
    for _ in 0..TRIES {
        let area = width * height * (least + (most - least) * rng.random::<f64>());
        let ratio = rng.random_range(RATIOS.start.ln()..RATIOS.end.ln()).exp();
        let sides = [(area * ratio).sqrt(), (area / ratio).sqrt()];
        let room = [width - sides[0], height - sides[1]];
        let at: [f64; 2] = [rng.random(), rng.random()];
        if room[0] >= 0.0 && room[1] >= 0.0 {
            let [left, top] = [room[0] * at[0], room[1] * at[1]];
            return Window { left, top, width: sides[0], height: sides[1] };
        }
    }
    let ratio = (width / height).clamp(RATIOS.start, RATIOS.end);
    let sides = [width.min(height * ratio), height.min(width / ratio)];
    let [left, top] = [(width - sides[0]) / 2.0, (height - sides[1]) / 2.0];
    Window { left, top, width: sides[0], height: sides[1] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 8000;

    fn draws(augment: Augment, area: Option<[f64; 2]>, sides: [f64; 2]) -> Vec<Change> {
        (0..N).map(|i| Change::draw(augment, area, sides, (5, 0, i))).collect()
    }

    /// Mean and standard deviation.
    fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        [mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()]
    }

    #[test]
    fn draws_are_as_often_and_as_large_as_fastais() {
        for (augment, max_zoom) in [(Augment::SideOn, 0.1), (Augment::TopDown, 0.05)] {
            let draws = draws(augment, None, [500.0, 375.0]);
            let squares = draws.iter().map(|change| match change.crop {
                Crop::Square { zoom, radians, corner } => [zoom, radians.to_degrees(), corner[0]],
                Crop::Part(_) => panic!("no part was asked for"),
            });
            // Three quarters of evenly spread values, and one quarter of none at all.
            let [zoom, degrees, corner] =
                [0, 1, 2].map(|i| moments(squares.clone().map(move |square| square[i])));
            let close = |[mean, deviation]: [f64; 2], [m, d]: [f64; 2]| {
                (mean - m).abs() < 0.05 * d && (deviation - d).abs() < 0.03 * d
            };
            let second = |most: f64| most * (0.75 / 3.0 - (0.75_f64 / 2.0).powi(2)).sqrt();
            assert!(close(zoom, [1.0 + 0.375 * max_zoom, second(max_zoom)]), "{zoom:?}");
            assert!(close(degrees, [0.0, 10.0 * (0.75_f64 / 3.0).sqrt()]), "{degrees:?}");
            assert!(close(corner, [0.5, 12.0_f64.sqrt().recip()]), "{corner:?}");
            let still = squares.filter(|square| square[0] == 1.0).count() as f64 / N as f64;
            assert!((still - 0.25).abs() < 0.02, "{still}");
            for light in [|c: &Change| c.brightness, |c: &Change| c.contrast] {
                let found = moments(draws.iter().map(light).map(f64::from));
                assert!(close(found, [0.0, 0.05 / 3.0_f64.sqrt()]), "{found:?}");
            }
            for symmetry in augment.symmetries() {
                let share = draws.iter().filter(|c| c.symmetry == *symmetry).count() as f64;
                let expected = N as f64 / augment.symmetries().len() as f64;
                assert!((share - expected).abs() < 5.0 * expected.sqrt(), "{symmetry:?}");
            }
        }
    }

    #[test]
    fn parts_have_the_area_and_the_shape_that_were_asked_for() {
        let parts = |area, sides| {
            draws(Augment::SideOn, Some(area), sides).into_iter().map(|change| match change.crop {
                Crop::Part(window) => window,
                Crop::Square { .. } => panic!("a part was asked for"),
            })
        };
        let inside = |window: &Window, [width, height]: [f64; 2]| {
            let ends = [window.left + window.width, window.top + window.height];
            window.left >= 0.0
                && window.top >= 0.0
                && ends[0] <= width + 1e-9
                && ends[1] <= height + 1e-9
        };
        // Small parts always fit, so that nothing bends their distribution.
        let sides = [500.0, 375.0];
        let small: Vec<Window> = parts([0.1, 0.3], sides).collect();
        assert!(small.iter().all(|window| inside(window, sides)));
        let areas = moments(small.iter().map(|w| w.width * w.height / (500.0 * 375.0)));
        assert!((areas[0] - 0.2).abs() < 0.002 && (areas[1] - 0.2 / 12.0_f64.sqrt()).abs() < 0.002);
        let ratios = moments(small.iter().map(|w| (w.width / w.height).ln()));
        let spread = (4.0_f64 / 3.0).ln();
        assert!(ratios[0].abs() < 0.01 && (ratios[1] - spread / 3.0_f64.sqrt()).abs() < 0.01);
        // A strip has no part of such a shape: the middle is shown.
        for window in parts([1.0, 1.0], [900.0, 90.0]).take(3) {
            let expected = Window { left: 390.0, top: 0.0, width: 120.0, height: 90.0 };
            assert_eq!(window, expected);
        }
    }
}
