//! One picture of several grey files, a channel each, as microscopes and satellites give them.
//!
//! A network that was pretrained on photographs takes three channels. Three files become red, green
//! and blue; of two the second is blue as well; of more, file `i` is a part of channel `i mod 3`, which
//! is the mean of its files, so that nothing is left out (`files.use` in a spec picks three instead).

use anyhow::{Result, ensure};
use image::RgbImage;

use super::decode::decode;
use crate::dataset::sample::Sample;

/// Decodes all files of a sample as one picture, `[height, width, 3]`; they must be of one size.
pub fn decode_planes(sample: &Sample) -> Result<RgbImage> {
    let first = decode(&sample.path)?;
    if sample.planes.is_empty() {
        return Ok(first);
    }
    let (width, height) = first.dimensions();
    let mut planes = vec![grey(&first)];
    for path in &sample.planes {
        let plane = decode(path)?;
        ensure!(
            plane.dimensions() == (width, height),
            "`{}` has {} x {} pixels, and `{}` {width} x {height}: they cannot be channels of one \
             picture\nhint: is one of them another image's, or cut short?",
            path.display(),
            plane.width(),
            plane.height(),
            sample.path.display()
        );
        planes.push(grey(&plane));
    }
    if let [_, second] = planes.as_slice() {
        planes.push(second.clone());
    }
    let mut picture = RgbImage::new(width, height);
    for (channel, at) in (0..3).enumerate() {
        let of_channel: Vec<&Vec<u8>> = planes.iter().skip(at).step_by(3).collect();
        for (i, pixel) in picture.pixels_mut().enumerate() {
            let sum: usize = of_channel.iter().map(|plane| usize::from(plane[i])).sum();
            pixel.0[channel] = ((sum + of_channel.len() / 2) / of_channel.len()) as u8;
        }
    }
    Ok(picture)
}

/// A plane's brightness. One that was coloured for people has it in its brightest channel.
fn grey(plane: &RgbImage) -> Vec<u8> {
    plane.pixels().map(|pixel| pixel.0.into_iter().max().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb};

    use super::*;

    #[test]
    fn files_become_channels_of_one_picture() {
        let folder = tempfile::tempdir().unwrap();
        let plane = |name: &str, value: u8, side: u32| {
            let path = folder.path().join(name);
            GrayImage::from_pixel(side, 3, Luma([value])).save(&path).unwrap();
            path
        };
        let [a, b, c, d] = [("a.png", 10), ("b.png", 20), ("c.png", 30), ("d.png", 41)]
            .map(|(name, value)| plane(name, value, 4));
        let of = |planes: &[&std::path::PathBuf]| {
            let planes = planes.iter().map(|&path| path.clone()).collect();
            decode_planes(&Sample { planes, ..Sample::new("1", a.clone(), Vec::new()) })
        };
        for (planes, expected) in [
            (&[][..], [10, 10, 10]),
            (&[&b], [10, 20, 20]),
            (&[&b, &c], [10, 20, 30]),
            // (10 + 41) / 2, rounded.
            (&[&b, &c, &d], [26, 20, 30]),
        ] {
            let picture = of(planes).unwrap();
            assert_eq!(picture.dimensions(), (4, 3));
            assert!(picture.pixels().all(|&pixel| pixel == Rgb(expected)), "{expected:?}");
        }
        let error = of(&[&plane("e.png", 1, 5)]).unwrap_err().to_string();
        assert!(error.contains("e.png` has 5 x 3 pixels, and"), "{error}");
    }
}
