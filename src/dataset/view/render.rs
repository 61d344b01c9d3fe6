//! How an image looks to a network: resized, cropped, and at random a little different every epoch.
//!
//! The random view is fastai 0.7's (`transforms_side_on`, `transforms_top_down`): zoom, rotation
//! with reflected borders, crop, flip or symmetry of the square, lighting; or a part of any size and
//! shape in the place of zoom and rotation. It is drawn from a [prepared](super::prepared) picture,
//! which has hardly more pixels than are shown: zoom, rotation, crop and symmetry are then one bilinear
//! warp. What is upright is resized by vector instructions and mirrored or turned, which is faster.

use std::cell::RefCell;

use anyhow::Result;
use image::RgbImage;
use kaggle_kit_pixels::{
    Affine, FAST, Pixels, Resizer, Symmetry, Window, relight, resize, set_length, warp,
};

use super::augment::{Change, Crop};
use super::pixels_of;
use super::prepared::Prepared;
use super::shot::{Shot, View};
use crate::recipe::Augment;

/// What a thread keeps between images.
#[derive(Default)]
struct Scratch {
    resizer: Resizer,
    /// A prepared picture.
    prepared: Vec<u8>,
    /// A square before it is mirrored or turned.
    square: Vec<u8>,
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
    render_and_keep(image, Shot { size, augment, view, index }, out, |_| ())
}

/// The same; `keep` is shown the prepared picture, of which other views can be [finished](finish).
pub(in crate::dataset) fn render_and_keep(
    image: &RgbImage,
    shot: Shot,
    out: &mut [u8],
    keep: impl FnOnce(Pixels),
) -> Result<()> {
    let image = pixels_of(image);
    let prepared = Prepared::of(shot.view, shot.size, shot.augment);
    let sides = prepared.sides(image.sides);
    SCRATCH.with_borrow_mut(|scratch| {
        if let Prepared::Square { .. } = prepared {
            prepared.draw(&mut scratch.resizer, image, out)?;
            keep(Pixels { bytes: out, sides });
            return Ok(());
        }
        if sides == image.sides {
            keep(image);
            return scratch.finish(image, shot, out);
        }
        let mut bytes = std::mem::take(&mut scratch.prepared);
        set_length(&mut bytes, Pixels::length(sides));
        prepared.draw(&mut scratch.resizer, image, &mut bytes)?;
        let pixels = Pixels { bytes: &bytes, sides };
        keep(pixels);
        let finished = scratch.finish(pixels, shot, out);
        scratch.prepared = bytes;
        finished
    })
}

/// Draws a view of a picture that is prepared for it.
pub(in crate::dataset) fn finish(prepared: Pixels, shot: Shot, out: &mut [u8]) -> Result<()> {
    SCRATCH.with_borrow_mut(|scratch| scratch.finish(prepared, shot, out))
}

impl Scratch {
    fn finish(&mut self, prepared: Pixels, shot: Shot, out: &mut [u8]) -> Result<()> {
        let Shot { size, augment, view, index } = shot;
        match view {
            View::Random { seed, epoch, area } if augment != Augment::None => {
                let sides = prepared.sides.map(|side| side as f64);
                let change = Change::draw(augment, area, sides, (seed, epoch, index));
                self.changed(prepared, size, &change, out)?;
                relight(out, change.brightness, change.contrast);
            }
            _ => out.copy_from_slice(prepared.bytes),
        }
        Ok(())
    }

    /// What `change` shows of `image`.
    fn changed(
        &mut self,
        image: Pixels,
        size: usize,
        change: &Change,
        out: &mut [u8],
    ) -> Result<()> {
        let (zoom, radians, corner) = match change.crop {
            Crop::Part(window) => return self.upright(image, window, size, change.symmetry, out),
            Crop::Square { zoom, radians, corner } => (zoom, radians, corner),
        };
        let [width, height] = image.sides.map(|side| side as f64);
        // From here on the unit is a pixel of the result: the whole image would be resized to
        // `whole`, and the crop's corner is at `corner` of it.
        let scale = size as f64 * zoom / width.min(height);
        let whole = [width * scale, height * scale];
        let corner = [0, 1].map(|axis| corner[axis] * (whole[axis] - size as f64).max(0.0));
        if radians == 0.0 {
            let [left, top] = corner.map(|at| at / scale);
            let side = size as f64 / scale;
            let window = Window { left, top, width: side, height: side };
            return self.upright(image, window, size, change.symmetry, out);
        }
        let to_source = Affine::of_symmetry(change.symmetry, size)
            .then(Affine::shift(corner))
            .then(Affine::rotation(radians, whole.map(|side| side / 2.0)))
            .then(Affine::scale([1.0 / scale; 2]));
        warp(image.bytes, image.sides, &to_source, size, out);
        Ok(())
    }

    /// A window of `image` under a symmetry, stretched to a square.
    fn upright(
        &mut self,
        image: Pixels,
        window: Window,
        size: usize,
        symmetry: Symmetry,
        out: &mut [u8],
    ) -> Result<()> {
        if symmetry == Symmetry::IDENTITY {
            return resize(&mut self.resizer, image, window, [size, size], FAST, out);
        }
        set_length(&mut self.square, size * size * 3);
        resize(&mut self.resizer, image, window, [size, size], FAST, &mut self.square)?;
        symmetry.apply(&self.square, size, out);
        Ok(())
    }
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
        View::Random { seed: 1, epoch, area: None }
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
                let view = View::Random { seed: 1, epoch, area: Some([0.08, 1.0]) };
                rendered(&ramp(width, height), 16, Augment::TopDown, view);
            }
        }
    }

    #[test]
    fn one_warp_shows_what_shrinking_and_warping_show() {
        // The same scene with so many pixels that it is shrunk first, and with so few that it is not.
        let (large, small) = (ramp(400, 300), ramp(80, 60));
        for area in [None, Some([0.35, 1.0])] {
            for epoch in 0..50 {
                let view = View::Random { seed: 1, epoch, area };
                let [large, small] =
                    [&large, &small].map(|image| rendered(image, 48, Augment::TopDown, view));
                let differences = large.iter().zip(&small).map(|(a, b)| a.abs_diff(*b));
                let mean = differences.clone().map(f64::from).sum::<f64>() / large.len() as f64;
                // A reflected border turns at another place by half a pixel.
                assert!(mean < 2.0 && differences.max() < Some(24), "{epoch} {area:?}: {mean}");
            }
        }
    }

    #[test]
    fn a_part_is_stretched_to_the_square() {
        let image = ramp(90, 60);
        let mut widths = Vec::new();
        for epoch in 0..100 {
            let view = View::Random { seed: 3, epoch, area: Some([0.2, 0.4]) };
            let pixels = rendered(&image, 40, Augment::SideOn, view);
            let row = &pixels[20 * 40 * 3..21 * 40 * 3];
            widths.push((f64::from(row[39 * 3]) - f64::from(row[0])).abs() / 255.0);
        }
        // The square root of 0.3 or so, times a ratio about one that is not that of the image.
        let mean = widths.iter().sum::<f64>() / 100.0;
        assert!((0.35..0.55).contains(&mean), "{mean}");
    }
}
