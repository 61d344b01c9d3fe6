//! How an image looks to a network: resized, cropped, and at random a little different every epoch.
//!
//! The random view is fastai 0.7's (`transforms_side_on`, `transforms_top_down`): zoom, rotation
//! with reflected borders, crop, flip or symmetry of the square, lighting. Here zoom and crop are
//! one antialiased resize, and rotation and symmetry one bilinear warp on top of it.

use std::cell::RefCell;

use anyhow::Result;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::augment::{Change, Part, relight};
use super::symmetry::Symmetry;
use super::warp::{Affine, warp};
use crate::recipe::Augment;

/// Which view of an image a batch holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// A square in the middle.
    Centre {
        /// Its side as a share of the image's shorter one, in (0, 1].
        share: f64,
    },
    /// A random one that follows from seed, epoch and the image's index alone.
    Random {
        /// The run's seed.
        seed: u64,
        /// Another epoch, another view.
        epoch: u64,
    },
    /// A random part, squeezed to a square: no rotation, as torchvision's `RandomResizedCrop`.
    RandomPart {
        /// The run's seed.
        seed: u64,
        /// Another epoch, another view.
        epoch: u64,
        /// The smallest and the largest part, as shares of the image's area.
        area: [f64; 2],
    },
}

/// Bicubic (Catmull-Rom) with support scaled by the reduction, as PIL's: what most of timm's
/// networks were trained with.
const FILTER: ResizeAlg = ResizeAlg::Convolution(FilterType::CatmullRom);

/// What a thread keeps between images.
#[derive(Default)]
struct Scratch {
    resizer: Resizer,
    pixels: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Draws a view of `image` into `out`, `[size, size, 3]`; `index` is the image's own number, for
/// the random view.
pub fn render(
    image: &RgbImage,
    size: usize,
    augment: Augment,
    view: View,
    index: usize,
    out: &mut [u8],
) -> Result<()> {
    SCRATCH.with_borrow_mut(|scratch| match view {
        View::Centre { share } => scratch.centre(image, size, share, out),
        View::Random { seed, epoch } if augment != Augment::None => {
            let change = Change::draw(augment, seed, epoch, index);
            scratch.changed(image, size, &change, out)?;
            relight(out, change.brightness, change.contrast);
            Ok(())
        }
        View::RandomPart { seed, epoch, area } if augment != Augment::None => {
            let sides = [image.width(), image.height()].map(f64::from);
            let part = Part::draw(augment, (seed, epoch, index), area, sides);
            let [left, top, width, height] = part.window;
            let window = Window { left, top, width, height };
            scratch.upright(image, window, size, part.symmetry, out)?;
            relight(out, part.brightness, part.contrast);
            Ok(())
        }
        View::Random { .. } | View::RandomPart { .. } => scratch.centre(image, size, 1.0, out),
    })
}

/// A part of an image, in its own pixels.
#[derive(Clone, Copy, Debug)]
struct Window {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Scratch {
    /// The middle of `image`.
    fn centre(&mut self, image: &RgbImage, size: usize, share: f64, out: &mut [u8]) -> Result<()> {
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let side = width.min(height) * share;
        let (left, top) = ((width - side) / 2.0, (height - side) / 2.0);
        let window = Window { left, top, width: side, height: side };
        resize(&mut self.resizer, image, window, [size, size], out)
    }

    /// A window of `image`, made a square, under a symmetry.
    fn upright(
        &mut self,
        image: &RgbImage,
        window: Window,
        size: usize,
        symmetry: Symmetry,
        out: &mut [u8],
    ) -> Result<()> {
        if symmetry == Symmetry::IDENTITY {
            return resize(&mut self.resizer, image, window, [size, size], out);
        }
        self.pixels.resize(size * size * 3, 0);
        resize(&mut self.resizer, image, window, [size, size], &mut self.pixels)?;
        symmetry.apply(&self.pixels, size, out);
        Ok(())
    }

    /// A window of `image` zoomed, rotated and moved as `change` says.
    fn changed(
        &mut self,
        image: &RgbImage,
        size: usize,
        change: &Change,
        out: &mut [u8],
    ) -> Result<()> {
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        // From here on the unit is a pixel of the result: the whole image would be resized to
        // `whole`, and the crop's corner is at `corner` of it.
        let scale = size as f64 * change.zoom / width.min(height);
        let whole = [width * scale, height * scale];
        let corner = [0, 1].map(|axis| change.corner[axis] * (whole[axis] - size as f64).max(0.0));
        if change.radians == 0.0 {
            let [left, top] = corner.map(|at| at / scale);
            let side = size as f64 / scale;
            let window = Window { left, top, width: side, height: side };
            return self.upright(image, window, size, change.symmetry, out);
        }
        let to_whole = Affine::of_symmetry(change.symmetry, size)
            .then(Affine::shift(corner))
            .then(Affine::rotation(change.radians, whole.map(|side| side / 2.0)));
        // Only the part that the result shows is resized.
        let bounds = to_whole.bounds(size as f64);
        let part = [0, 1].map(|axis| {
            let start = bounds[axis].start.floor().clamp(0.0, whole[axis] - 1.0);
            let end = bounds[axis].end.ceil().min(whole[axis]);
            start..start + (end - start).floor().max(1.0)
        });
        let sides = [0, 1].map(|axis| (part[axis].end - part[axis].start) as usize);
        let window = Window {
            left: part[0].start / scale,
            top: part[1].start / scale,
            width: sides[0] as f64 / scale,
            height: sides[1] as f64 / scale,
        };
        self.pixels.resize(sides[0] * sides[1] * 3, 0);
        resize(&mut self.resizer, image, window, sides, &mut self.pixels)?;
        let to_part = to_whole.then(Affine::shift([-part[0].start, -part[1].start]));
        warp(&self.pixels, sides, &to_part, size, out);
        Ok(())
    }
}

/// Resizes a window of `image` to `[width, height]` pixels.
fn resize(
    resizer: &mut Resizer,
    image: &RgbImage,
    window: Window,
    [width, height]: [usize; 2],
    out: &mut [u8],
) -> Result<()> {
    // With the pixel's type named, only its code is compiled: all of them take a minute.
    let source = TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image)?;
    let mut target = TypedImage::<U8x3>::from_buffer(width as u32, height as u32, out)?;
    // Rounding must not push the window over the edge.
    let (right, bottom) = (f64::from(image.width()), f64::from(image.height()));
    let (left, top) = (window.left.clamp(0.0, right), window.top.clamp(0.0, bottom));
    let options = ResizeOptions::new().resize_alg(FILTER).crop(
        left,
        top,
        window.width.min(right - left),
        window.height.min(bottom - top),
    );
    resizer.resize_typed(&source, &mut target, &options)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use image::Rgb;

    use super::*;

    /// A picture whose colours tell the place: red grows to the right, green downwards.
    fn ramp(width: u32, height: u32) -> RgbImage {
        let share = |at: u32, n: u32| ((f64::from(at) + 0.5) / f64::from(n) * 255.0) as u8;
        RgbImage::from_fn(width, height, |x, y| Rgb([share(x, width), share(y, height), 128]))
    }

    fn rendered(image: &RgbImage, size: usize, augment: Augment, view: View) -> Vec<u8> {
        let mut out = vec![0; size * size * 3];
        render(image, size, augment, view, 7, &mut out).unwrap();
        out
    }

    fn random(epoch: u64) -> View {
        View::Random { seed: 1, epoch }
    }

    #[test]
    fn the_centre_view_is_the_middle() {
        let whole = View::Centre { share: 1.0 };
        // Of 80 columns the middle 40 are seen: red from a quarter to three quarters.
        let pixels = rendered(&ramp(80, 40), 20, Augment::SideOn, whole);
        let (first, last) = (&pixels[..3], &pixels[pixels.len() - 3..]);
        assert!((64..72).contains(&first[0]) && first[1] < 8, "{first:?}");
        assert!((183..192).contains(&last[0]) && last[1] > 247, "{last:?}");
        // Half of that: the middle 20 columns, and green from a quarter to three quarters.
        let pixels = rendered(&ramp(80, 40), 20, Augment::SideOn, View::Centre { share: 0.5 });
        let (first, last) = (&pixels[..3], &pixels[pixels.len() - 3..]);
        assert!((96..104).contains(&first[0]) && (64..72).contains(&first[1]), "{first:?}");
        assert!((151..160).contains(&last[0]) && (183..192).contains(&last[1]), "{last:?}");
    }

    #[test]
    fn random_views_repeat_and_differ_by_epoch() {
        let image = ramp(64, 48);
        for augment in [Augment::SideOn, Augment::TopDown] {
            let view = |epoch| rendered(&image, 32, augment, random(epoch));
            assert_eq!(view(3), view(3));
            assert_ne!(view(3), view(4));
        }
        let plain = rendered(&image, 32, Augment::None, View::Centre { share: 1.0 });
        assert_eq!(rendered(&image, 32, Augment::None, random(3)), plain);
    }

    #[test]
    fn a_random_part_shows_all_of_its_area() {
        // Of a ramp a part of the whole area shows all colours, whatever its aspect.
        let image = ramp(64, 64);
        for epoch in 0..50 {
            let view = View::RandomPart { seed: 1, epoch, area: [0.99, 1.0] };
            let pixels = rendered(&image, 32, Augment::SideOn, view);
            let (first, last) = (&pixels[..3], &pixels[pixels.len() - 3..]);
            assert!(first[1] < 50 && last[1] > 205, "{epoch}: {first:?} {last:?}");
        }
        let small = View::RandomPart { seed: 1, epoch: 0, area: [0.1, 0.1] };
        let pixels = rendered(&image, 32, Augment::SideOn, small);
        let red = || pixels.iter().step_by(3);
        let seen = red().max().unwrap() - red().min().unwrap();
        assert!((50..120).contains(&seen), "{seen}");
        let plain = rendered(&image, 32, Augment::None, View::Centre { share: 1.0 });
        assert_eq!(rendered(&image, 32, Augment::None, small), plain);
    }

    #[test]
    fn random_views_stay_near_the_whole_image() {
        // Whatever is drawn, at most the frame's colours leave the picture's own by lighting, and
        // an upright view keeps up and down.
        let image = ramp(60, 60);
        for epoch in 0..200 {
            let pixels = rendered(&image, 24, Augment::SideOn, random(epoch));
            let green = |rows: Range<usize>| {
                let rows = &pixels[rows.start * 24 * 3..rows.end * 24 * 3];
                rows.iter().skip(1).step_by(3).map(|&v| f64::from(v)).sum::<f64>() / 288.0
            };
            let (upper, lower) = (green(0..12), green(12..24));
            assert!((30.0..110.0).contains(&upper) && (145.0..225.0).contains(&lower), "{epoch}");
            let blue = pixels.iter().skip(2).step_by(3);
            assert!(blue.clone().all(|&v| (115..=141).contains(&v)), "{epoch}");
        }
    }

    #[test]
    fn odd_shapes_are_bearable() {
        for (width, height) in [(1, 1), (1, 400), (3000, 2), (17, 16)] {
            for epoch in 0..20 {
                rendered(&ramp(width, height), 16, Augment::TopDown, random(epoch));
            }
        }
    }
}
