//! How an image looks to a network: resized, cropped, and at random a little different every epoch.
//!
//! The random view is fastai 0.7's (`transforms_side_on`, `transforms_top_down`): zoom, rotation
//! with reflected borders, crop, flip or symmetry of the square, lighting; or a part of any size and
//! shape in the place of zoom and rotation. It is drawn from a [prepared](super::prepared) picture,
//! which has hardly more pixels than are shown: zoom, rotation, crop and symmetry are then one bilinear
//! warp. What is upright is resized by vector instructions and mirrored or turned, which is faster.
//! How a [policy](super::policy) moves pixels is a part of that warp; its colours, and what is erased,
//! come after.

use std::cell::RefCell;

use anyhow::Result;
use image::RgbImage;
use kaggle_kit_pixels::{
    Affine, FAST, Pixels, Resizer, Symmetry, Window, relight, resize, set_length, warp,
};

use super::augment::{Change, Crop};
use super::erase::erase;
use super::prepared::Prepared;
use super::shot::{Shot, Strong, View};
use super::{pixels_of, policy};
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
            return scratch.finish_square(shot, out);
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
        let View::Random { seed, epoch, area, strong } = view else {
            out.copy_from_slice(prepared.bytes);
            return Ok(());
        };
        let key = (seed, epoch, index);
        let operations = policy::draw(strong.policy, key);
        let moved = policy::geometry(operations.clone(), size);
        if augment == Augment::None {
            match moved {
                Some(to_square) => warp(prepared.bytes, prepared.sides, &to_square, size, out),
                None => out.copy_from_slice(prepared.bytes),
            }
        } else {
            let sides = prepared.sides.map(|side| side as f64);
            let change = Change::draw(augment, area, sides, key);
            self.changed(prepared, size, &change, moved, out)?;
            relight(out, change.brightness, change.contrast);
        }
        operations.for_each(|operation| operation.recolour(out, size));
        if strong.erasing > 0.0 {
            erase(out, size, strong.erasing, key);
        }
        Ok(())
    }

    /// Finishes a prepared square where it is.
    fn finish_square(&mut self, shot: Shot, out: &mut [u8]) -> Result<()> {
        match shot.view {
            View::Random { strong, .. } if strong != Strong::OFF => {
                let bytes = out.to_vec();
                let sides = [shot.size; 2];
                self.finish(Pixels { bytes: &bytes, sides }, shot, out)
            }
            _ => Ok(()),
        }
    }

    /// What `change` shows of `image`, under the map of a policy, if there is one, from the view with it to
    /// the view without it.
    fn changed(
        &mut self,
        image: Pixels,
        size: usize,
        change: &Change,
        moved: Option<Affine>,
        out: &mut [u8],
    ) -> Result<()> {
        let to_unturned = Affine::of_symmetry(change.symmetry, size);
        let to_unturned = moved.map_or(to_unturned, |moved| moved.then(to_unturned));
        let (zoom, radians, corner) = match change.crop {
            Crop::Part(window) if moved.is_none() => {
                return self.upright(image, window, size, change.symmetry, out);
            }
            // A part may be shrunk by more than a warp can do well.
            Crop::Part(window) => {
                set_length(&mut self.square, size * size * 3);
                let (resizer, square) = (&mut self.resizer, &mut self.square);
                resize(resizer, image, window, [size, size], FAST, square)?;
                warp(square, [size, size], &to_unturned, size, out);
                return Ok(());
            }
            Crop::Square { zoom, radians, corner } => (zoom, radians, corner),
        };
        let [width, height] = image.sides.map(|side| side as f64);
        // From here on the unit is a pixel of the result: the whole image would be resized to
        // `whole`, and the crop's corner is at `corner` of it.
        let scale = size as f64 * zoom / width.min(height);
        let whole = [width * scale, height * scale];
        let corner = [0, 1].map(|axis| corner[axis] * (whole[axis] - size as f64).max(0.0));
        if radians == 0.0 && moved.is_none() {
            let [left, top] = corner.map(|at| at / scale);
            let side = size as f64 / scale;
            let window = Window { left, top, width: side, height: side };
            return self.upright(image, window, size, change.symmetry, out);
        }
        let to_source = to_unturned
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

    use super::super::shot::Policy;
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
        View::Random { seed: 1, epoch, area: None, strong: Strong::OFF }
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
                let (area, strong) = (Some([0.08, 1.0]), Strong::OFF);
                let view = View::Random { seed: 1, epoch, area, strong };
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
                let view = View::Random { seed: 1, epoch, area, strong: Strong::OFF };
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
            let (area, strong) = (Some([0.2, 0.4]), Strong::OFF);
            let view = View::Random { seed: 3, epoch, area, strong };
            let pixels = rendered(&image, 40, Augment::SideOn, view);
            let row = &pixels[20 * 40 * 3..21 * 40 * 3];
            widths.push((f64::from(row[39 * 3]) - f64::from(row[0])).abs() / 255.0);
        }
        // The square root of 0.3 or so, times a ratio about one that is not that of the image.
        let mean = widths.iter().sum::<f64>() / 100.0;
        assert!((0.35..0.55).contains(&mean), "{mean}");
    }

    fn strongly(policy: Policy, erasing: f64, epoch: u64, area: Option<[f64; 2]>) -> View {
        View::Random { seed: 1, epoch, area, strong: Strong { policy, erasing } }
    }

    #[test]
    fn strong_views_repeat_and_differ_by_epoch_however_pictures_are_cut() {
        let image = ramp(64, 48);
        let rand = Policy::Rand { magnitude: 15 };
        for augment in [Augment::None, Augment::SideOn, Augment::TopDown] {
            for area in [None, Some([0.35, 1.0])] {
                for (policy, erasing) in [(Policy::Trivial, 0.0), (rand, 0.0), (Policy::None, 1.0)]
                {
                    let view = |policy, erasing, epoch| {
                        rendered(&image, 32, augment, strongly(policy, erasing, epoch, area))
                    };
                    assert_eq!(view(policy, erasing, 3), view(policy, erasing, 3));
                    // A few draws are the identity, or too weak to be seen.
                    let changed = (0..20).filter(|&epoch| {
                        view(policy, erasing, epoch) != view(Policy::None, 0.0, epoch)
                    });
                    assert!(changed.count() >= 8, "{augment:?} {area:?} {policy:?}");
                }
            }
        }
    }

    #[test]
    fn what_a_policy_moves_is_warped_as_one_with_the_rest() {
        // A translation of a square shows what lies beside it in the picture, not its border.
        let image = ramp(96, 32);
        let moved = Affine::shift([8.0, 0.0]);
        for radians in [0.0, 0.1] {
            let crop = Crop::Square { zoom: 1.0, radians, corner: [0.5, 0.5] };
            let symmetry = Symmetry::IDENTITY;
            let change = Change { crop, symmetry, brightness: 0.0, contrast: 0.0 };
            let mean_red = |moved| {
                let mut out = vec![0; 32 * 32 * 3];
                let pixels = pixels_of(&image);
                Scratch::default().changed(pixels, 32, &change, moved, &mut out).unwrap();
                out.iter().step_by(3).map(|&red| f64::from(red)).sum::<f64>() / 1024.0
            };
            // Eight of 96 columns.
            let by = mean_red(Some(moved)) - mean_red(None);
            assert!((by - 255.0 * 8.0 / 96.0).abs() < 1.0, "{by}");
        }
    }

    #[test]
    #[ignore = "draws a sheet for people: PICTURE, and SHEET for where to"]
    fn sheet_of_strong_views() {
        let (side, columns) = (128, 12);
        let image = image::open(std::env::var("PICTURE").unwrap()).unwrap().into_rgb8();
        let rand = |magnitude| Policy::Rand { magnitude };
        let rows = [
            (Policy::None, 0.0),
            (Policy::Trivial, 0.0),
            (Policy::Trivial, 0.0),
            (rand(9), 0.0),
            (rand(20), 0.0),
            (Policy::None, 1.0),
            (Policy::Trivial, 0.25),
        ];
        let mut sheet = RgbImage::new((side * columns) as u32, (side * rows.len()) as u32);
        for (y, (policy, erasing)) in rows.into_iter().enumerate() {
            for x in 0..columns {
                let epoch = (y * columns + x) as u64;
                let area = (y == 2).then_some([0.35, 1.0]);
                let view = strongly(policy, erasing, epoch, area);
                let pixels = rendered(&image, side, Augment::SideOn, view);
                let view = RgbImage::from_raw(side as u32, side as u32, pixels).unwrap();
                image::imageops::replace(&mut sheet, &view, (x * side) as i64, (y * side) as i64);
            }
        }
        sheet.save(std::env::var("SHEET").unwrap()).unwrap();
    }
}
