//! What is random about a random view: fastai 0.7's `transforms_side_on` and `transforms_top_down`.

use std::ops::Range;

use rand::Rng;

use super::symmetry::Symmetry;
use crate::recipe::Augment;
use crate::rng::{self, Purpose};

/// Largest rotation either way, in degrees.
const MAX_DEGREES: f64 = 10.0;
/// Largest change of brightness, and of contrast, either way.
const MAX_LIGHTING: f32 = 0.05;
/// How often an image is zoomed, and how often it is rotated.
const PROBABILITY: f64 = 0.75;

/// One draw of everything that is random about a view.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) zoom: f64,
    pub(super) radians: f64,
    /// Where in the room that the image leaves the crop lies, `[0, 1)` both ways.
    pub(super) corner: [f64; 2],
    pub(super) symmetry: Symmetry,
    pub(super) brightness: f32,
    pub(super) contrast: f32,
}

impl Change {
    pub(super) fn draw(augment: Augment, seed: u64, epoch: u64, index: usize) -> Self {
        let max_zoom = if augment == Augment::TopDown { 1.05 } else { 1.1 };
        let symmetries = augment.symmetries();
        let mut rng = rng::stream(Purpose::Augment, seed, epoch, index as u64);
        let mut sometimes = |range: Range<f64>, otherwise: f64| {
            let (happens, value) = (rng.random_bool(PROBABILITY), rng.random_range(range));
            if happens { value } else { otherwise }
        };
        let zoom = sometimes(1.0..max_zoom, 1.0);
        let degrees = sometimes(-MAX_DEGREES..MAX_DEGREES, 0.0);
        Self {
            zoom,
            radians: degrees.to_radians(),
            corner: [rng.random(), rng.random()],
            symmetry: symmetries[rng.random_range(0..symmetries.len())],
            brightness: rng.random_range(-MAX_LIGHTING..MAX_LIGHTING),
            contrast: rng.random_range(-MAX_LIGHTING..MAX_LIGHTING),
        }
    }
}

/// The widest and the narrowest part that a random-resized crop shows: width over height.
const ASPECTS: Range<f64> = 3.0 / 4.0..4.0 / 3.0;
/// So often a part is drawn until one fits into the image.
const TRIES: usize = 10;

/// One draw of a part of an image, of any place, area and aspect, which is then made a square:
/// Inception's way, torchvision's `RandomResizedCrop`, fast.ai's `CropType.GOOGLENET`.
#[derive(Debug)]
pub(super) struct Part {
    /// Left, top, width, height, in pixels of the image.
    pub(super) window: [f64; 4],
    pub(super) symmetry: Symmetry,
    pub(super) brightness: f32,
    pub(super) contrast: f32,
}

impl Part {
    /// A part of an image with these sides; `area` is its smallest and its largest share of them.
    pub(super) fn draw(
        augment: Augment,
        (seed, epoch, index): (u64, u64, usize),
        area: [f64; 2],
        [width, height]: [f64; 2],
    ) -> Self {
        let mut rng = rng::stream(Purpose::Augment, seed, epoch, index as u64);
        let symmetries = augment.symmetries();
        let symmetry = symmetries[rng.random_range(0..symmetries.len())];
        let brightness = rng.random_range(-MAX_LIGHTING..MAX_LIGHTING);
        let contrast = rng.random_range(-MAX_LIGHTING..MAX_LIGHTING);
        let found = (0..TRIES).find_map(|_| {
            let pixels = width * height * rng.random_range(area[0]..=area[1]);
            let aspect = rng.random_range(ASPECTS.start.ln()..ASPECTS.end.ln()).exp();
            let sides = [(pixels * aspect).sqrt(), (pixels / aspect).sqrt()];
            (sides[0] <= width && sides[1] <= height).then_some(sides)
        });
        // Of an image that is far from square the middle, as much as the aspect allows.
        let [w, h] =
            found.unwrap_or([width.min(height * ASPECTS.end), height.min(width / ASPECTS.start)]);
        let mut place = |room: f64, centre: bool| {
            let share: f64 = rng.random();
            room * if centre { 0.5 } else { share }
        };
        let left = place(width - w, found.is_none());
        let top = place(height - h, found.is_none());
        Self { window: [left, top, w, h], symmetry, brightness, contrast }
    }
}

/// fastai 0.7's lighting, on values in `[0, 1]`: `(x - mean) k + mean + brightness`, clipped, where
/// `k = 1 + c` for a contrast `c >= 0` and `1 / (1 - c)` below.
pub(super) fn relight(pixels: &mut [u8], brightness: f32, contrast: f32) {
    let sum: u64 = pixels.iter().map(|&value| u64::from(value)).sum();
    let mean = sum as f32 / pixels.len().max(1) as f32 / 255.0;
    let k = if contrast >= 0.0 { 1.0 + contrast } else { 1.0 / (1.0 - contrast) };
    let table: [u8; 256] = std::array::from_fn(|value| {
        let lit = (value as f32 / 255.0 - mean) * k + mean + brightness;
        (lit.clamp(0.0, 1.0) * 255.0).round() as u8
    });
    for value in pixels {
        *value = table[usize::from(*value)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_as_often_and_as_large_as_said() {
        let draws: Vec<Change> =
            (0..4000).map(|i| Change::draw(Augment::TopDown, 5, 0, i)).collect();
        let share = |holds: &dyn Fn(&Change) -> bool| {
            draws.iter().filter(|change| holds(change)).count() as f64 / draws.len() as f64
        };
        assert!((share(&|c| c.zoom > 1.0) - 0.75).abs() < 0.03);
        assert!((share(&|c| c.radians != 0.0) - 0.75).abs() < 0.03);
        assert!(draws.iter().all(|c| c.zoom <= 1.05 && c.radians.to_degrees().abs() <= 10.0));
        for symmetry in Symmetry::ALL {
            assert!((share(&|c| c.symmetry == symmetry) - 0.125).abs() < 0.02);
        }
    }

    #[test]
    fn parts_have_the_areas_and_aspects_asked_for() {
        let sides = [500.0, 375.0];
        let parts: Vec<Part> =
            (0..4000).map(|i| Part::draw(Augment::SideOn, (5, 0, i), [0.35, 1.0], sides)).collect();
        let mean = |of: &dyn Fn(&Part) -> f64| parts.iter().map(of).sum::<f64>() / 4000.0;
        for Part { window: [left, top, width, height], .. } in &parts {
            let share = width * height / (500.0 * 375.0);
            assert!((0.35 - 1e-9..=1.0).contains(&share), "{share}");
            assert!((0.749..1.334).contains(&(width / height)));
            assert!(*left >= 0.0 && *top >= 0.0);
            assert!(left + width <= 500.0 + 1e-9 && top + height <= 375.0 + 1e-9);
        }
        // torchvision 0.28, 40,000 times `RandomResizedCrop.get_params(image, (.35, 1), (3/4, 4/3))`:
        // the mean area is .5744 of the image's.
        assert!((mean(&|p| p.window[2] * p.window[3] / 187_500.0) - 0.5744).abs() < 0.01);
        assert!((mean(&|p| p.window[0] + p.window[2] / 2.0) - 250.0).abs() < 2.0);
        assert!((mean(&|p| p.window[1] + p.window[3] / 2.0) - 187.5).abs() < 2.0);
        assert!(
            (mean(&|p| f64::from(u8::from(p.symmetry == Symmetry::MIRROR))) - 0.5).abs() < 0.03
        );
    }

    #[test]
    fn a_strip_shows_its_middle() {
        let part = Part::draw(Augment::None, (1, 2, 3), [0.9, 1.0], [1000.0, 30.0]);
        assert_eq!(part.window, [480.0, 0.0, 40.0, 30.0]);
    }

    #[test]
    fn lighting_is_fastais() {
        // >>> x = np.array([50, 100, 150]) / 255; (np.clip((x - x.mean()) * (1 / 1.04) + x.mean()
        // ... + .03, 0, 1) * 255).round()     # c = -.04, b = .03
        let mut pixels = [50, 100, 150];
        relight(&mut pixels, 0.03, -0.04);
        assert_eq!(pixels, [60, 108, 156]);
        // >>> (np.clip((x - x.mean()) * 1.05 + x.mean() - .05, 0, 1) * 255).round()
        let mut pixels = [50, 100, 150];
        relight(&mut pixels, -0.05, 0.05);
        assert_eq!(pixels, [35, 87, 140]);
    }
}
