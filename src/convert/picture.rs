//! From numbers to a PNG: values scaled to bytes, planes laid side by side.

use anyhow::{Context, Result, bail, ensure};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::competition::Pixels;

/// The mark that every PNG begins with, and its first chunk: length, name, thirteen bytes, checksum.
const HEAD: usize = 8 + 4 + 4 + 13 + 4;
/// The chunk in which a picture says what it was made from.
const TEXT: &[u8; 4] = b"tEXt";
const KEYWORD: &[u8] = b"Source\0";
/// More pixels than any competition's pictures have.
const MOST_PIXELS: usize = 1 << 30;

/// A picture in grey or in colours, eight bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `[height, width]`, or `[height, width, 3]`.
    pub(super) pixels: Vec<u8>,
}

/// From `low` to `high` as from 0 to 255: what lies outside is clipped, what lies between two goes to the
/// nearer, a half away from zero.
pub(super) fn scaled(value: f64, [low, high]: [f64; 2]) -> u8 {
    ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8
}

impl Picture {
    /// Lays planes of one size side by side: one is grey, of two the first is repeated.
    pub(super) fn of_planes(width: usize, height: usize, planes: &[Vec<u8>]) -> Self {
        let pixels = match planes {
            [grey] => grey.clone(),
            planes => {
                let colours = |i: usize| [0, 1, 2].map(|channel| planes[channel % planes.len()][i]);
                (0..width * height).flat_map(colours).collect()
            }
        };
        Self { width, height, pixels }
    }

    /// As PNG; the same picture gives the same bytes.
    pub(super) fn to_png(&self) -> Result<Vec<u8>> {
        let colours = if self.pixels.len() == self.width * self.height {
            ExtendedColorType::L8
        } else {
            ExtendedColorType::Rgb8
        };
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&self.pixels, self.width as u32, self.height as u32, colours)
            .context("failed to write it as PNG")?;
        Ok(bytes)
    }
}

/// The picture of a row: a plane a channel, or all channels in one, as `files.pixels` says.
pub(super) fn of_values(planes: &[Vec<f64>], spec: &Pixels) -> Result<Picture> {
    let range = spec.range.unwrap_or([0.0, 255.0]);
    for values in planes {
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            bail!("a pixel is {value}, which is no number");
        }
        if spec.range.is_none()
            && let Some(value) = values.iter().find(|value| !(0.0..=255.0).contains(*value))
        {
            bail!(
                "a pixel is {value}, where 0 to 255 is expected\nhint: say in the spec which values become \
                 black and white, such as `range = [-45, 35]` in `[files.pixels]`; those of this image go \
                 from {} to {}",
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            );
        }
    }
    let n = planes.first().map_or(0, Vec::len);
    ensure!(n > 0, "it has no pixel");
    ensure!(
        planes.iter().all(|plane| plane.len() == n),
        "its planes have {} pixels",
        planes.iter().map(|plane| plane.len().to_string()).collect::<Vec<_>>().join(" and ")
    );
    let bytes = |values: &Vec<f64>| values.iter().map(|value| scaled(*value, range)).collect();
    let planes: Vec<Vec<u8>> = planes.iter().map(bytes).collect();
    let (height, width, planes) = match spec.shape.as_slice() {
        [] => {
            let side = n.isqrt();
            ensure!(side * side == n, "{n} pixels are no square\n{SHAPE}");
            (side, side, planes)
        }
        [height, width] | [height, width, 1] | [1, height, width] => (*height, *width, planes),
        [height, width, 3] => {
            ensure!(fits(&[*height, *width, 3], n), "it has {n} pixels\n{SHAPE}");
            let pixels = planes.into_iter().flatten().collect();
            return Ok(Picture { width: *width, height: *height, pixels });
        }
        [_, height, width] => {
            ensure!(fits(&[3, *height, *width], n), "it has {n} pixels\n{SHAPE}");
            let plane =
                |at: usize| planes[0][at * height * width..(at + 1) * height * width].to_vec();
            (*height, *width, vec![plane(0), plane(1), plane(2)])
        }
        shape => bail!("`files.pixels.shape` is {shape:?}"),
    };
    ensure!(
        fits(&[height, width], planes[0].len()),
        "it has {n} pixels, and {height} x {width} are expected\n{SHAPE}"
    );
    Ok(Picture::of_planes(width, height, &planes))
}

const SHAPE: &str =
    "hint: say its height and width in the spec, as `shape = [28, 28]` in `[files.pixels]`";

fn fits(shape: &[usize], n: usize) -> bool {
    n <= MOST_PIXELS
        && shape.iter().try_fold(1_usize, |all, side| all.checked_mul(*side)) == Some(n)
}

/// Writes into a PNG what it was made from: a text of its own behind the head, which no reader shows.
pub(super) fn stamp(png: &[u8], source: &str) -> Vec<u8> {
    let chunk = [TEXT, KEYWORD, source.as_bytes()].concat();
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    let sum = crc32fast::hash(&chunk).to_be_bytes();
    [&png[..HEAD], &length, &chunk, &sum, &png[HEAD..]].concat()
}

/// Whether a file is a whole PNG with this stamp: every chunk has its checksum, and the last is the end.
pub(super) fn is_stamped(bytes: &[u8], source: &str) -> bool {
    let Some(mut rest) = bytes.get(8..) else { return false };
    let mut is_stamped = false;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((chunk, after)) = length.checked_add(4).and_then(|n| after.split_at_checked(n))
        else {
            return false;
        };
        let Some((sum, after)) = after.split_first_chunk::<4>() else { return false };
        if crc32fast::hash(chunk).to_be_bytes() != *sum {
            return false;
        }
        let text = chunk.strip_prefix(TEXT).and_then(|text| text.strip_prefix(KEYWORD));
        is_stamped |= text == Some(source.as_bytes());
        if chunk == b"IEND" {
            return is_stamped && after.is_empty();
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(shape: &[usize], range: Option<[f64; 2]>) -> Pixels {
        Pixels { shape: shape.to_vec(), range, ..Pixels::default() }
    }

    fn decoded(png: &[u8]) -> image::DynamicImage {
        image::load_from_memory(png).unwrap()
    }

    #[test]
    fn values_go_to_the_nearest_byte() {
        // python3 -c "print([min(255, max(0, int((v + 45) / 80 * 255 + .5))) for v in
        //   [-50, -45, -44.9, -27.878, 0, 34.9, 35, 36]])"
        let values = [-50.0, -45.0, -44.9, -27.878, 0.0, 34.9, 35.0, 36.0];
        let bytes = values.map(|value| scaled(value, [-45.0, 35.0]));
        assert_eq!(bytes, [0, 0, 0, 55, 143, 255, 255, 255]);
        let whole: Vec<u8> =
            (0..=255).map(|value| scaled(f64::from(value), [0.0, 255.0])).collect();
        assert_eq!(whole, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn planes_and_colours_lie_where_they_belong() {
        let row: Vec<f64> = (0..12).map(f64::from).collect();
        // Two by two: one colour after the other, or one plane after the other.
        let pixels = of_values(std::slice::from_ref(&row), &spec(&[2, 2, 3], None)).unwrap();
        assert_eq!(pixels.pixels, (0..12).collect::<Vec<u8>>());
        let planes = of_values(std::slice::from_ref(&row), &spec(&[3, 2, 2], None)).unwrap();
        assert_eq!(planes.pixels, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        let two = [vec![1.0; 4], vec![2.0; 4]];
        let two = of_values(&two, &spec(&[], None)).unwrap();
        assert_eq!((two.width, two.height, &two.pixels[..3]), (2, 2, &[1, 2, 1][..]));
        let grey = of_values(&[row], &spec(&[3, 4], None)).unwrap();
        let png = decoded(&grey.to_png().unwrap()).to_luma8();
        assert_eq!((png.width(), png.height(), png.get_pixel(1, 2).0), (4, 3, [9]));
    }

    #[test]
    fn rows_that_are_no_picture_are_told() {
        let refusal = |planes: &[Vec<f64>], shape: &[usize], range| {
            of_values(planes, &spec(shape, range)).unwrap_err().to_string()
        };
        assert!(refusal(&[vec![0.0; 6]], &[], None).contains("6 pixels are no square\nhint: "));
        assert!(refusal(&[vec![0.0; 6]], &[2, 2], None).contains("2 x 2 are expected\nhint: "));
        assert!(refusal(&[vec![0.0; 6]], &[2, 2, 3], None).contains("6 pixels"));
        assert!(refusal(&[vec![]], &[], None).contains("no pixel"));
        assert!(refusal(&[vec![0.0; 4], vec![0.0; 9]], &[], None).contains("4 and 9"));
        assert!(refusal(&[vec![f64::NAN; 4]], &[], Some([0.0, 1.0])).contains("no number"));
        let text = refusal(&[vec![-20.5, 3.0, 1.0, 0.0]], &[], None);
        assert!(text.contains("is -20.5") && text.contains("from -20.5 to 3"), "{text}");
        assert!(of_values(&[vec![-20.5; 4]], &spec(&[], Some([-45.0, 35.0]))).is_ok());
    }

    #[test]
    fn a_stamp_says_what_a_whole_picture_was_made_from() {
        let picture = Picture { width: 20, height: 3, pixels: (0..60).collect() };
        let png = stamp(&picture.to_png().unwrap(), "abc");
        assert_eq!(decoded(&png).to_luma8().into_raw(), picture.pixels);
        assert!(is_stamped(&png, "abc"));
        assert!(!is_stamped(&png, "abd") && !is_stamped(&picture.to_png().unwrap(), "abc"));
        for cut in 0..png.len() {
            assert!(!is_stamped(&png[..cut], "abc"), "{cut}");
            let mut other = png.clone();
            other[cut] ^= 1;
            // The mark before the chunks is not looked at: a decoder does.
            assert!(cut < 8 || !is_stamped(&other, "abc"), "{cut}");
        }
    }
}
