//! TIFF: `image` reads the kinds that are in `Way::Plain`; here are those that it does not and PIL does,
//! as far as it is clear what is meant. The rest is refused by name (`about.rs`).

mod about;
mod palette;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use anyhow::{Context, Result, anyhow, bail, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use self::about::{About, SCALE, Way};
use super::{Decoded, METADATA, check_size, other};
use crate::dataset::format::TO_PNG;
use crate::room;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded> {
    let mut reader = Decoder::new(Cursor::new(bytes)).map_err(told)?;
    let (width, height) = reader.dimensions().map_err(told)?;
    check_size([width, height])?;
    let about = About::read(&mut reader)?;
    if about.way == Way::Plain {
        return other::decode(bytes, ImageFormat::Tiff);
    }
    let turn = reader.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten();
    let turn = turn.and_then(|turn| Orientation::from_exif(turn.min(255) as u8));
    let n = u64::from(width) * u64::from(height);
    // The values as they are stored, padded to whole bytes, and as floating-point numbers.
    let stored = n * u64::from(about.samples) * u64::from(about.bits.next_multiple_of(8)) / 8;
    let mut taken = room::take(stored * 2 + n * 3)?;
    let (pixels, brightest) = match about.way {
        Way::Palette => {
            let patched = palette::as_gray(bytes).context("its directory is damaged")?;
            let mut reader = Decoder::new(Cursor::new(&patched[..])).map_err(told)?;
            let colours = palette::colours(&mut reader)?;
            let numbers =
                unpacked(bytes_of(values(reader, bytes, stored)?.0)?, about.bits, [width, height])?;
            let colour = |number: &u8| colours.get(usize::from(*number)).copied();
            let pixels: Option<Vec<[u8; 3]>> = numbers.iter().map(colour).collect();
            (pixels.context("a pixel has a colour that its map has not")?, None)
        }
        Way::SmallGray => {
            let gray =
                unpacked(bytes_of(values(reader, bytes, stored)?.0)?, about.bits, [width, height])?;
            let most = (1 << about.bits) - 1;
            (gray.iter().map(|&value| [(u16::from(value) * 255 / most) as u8; 3]).collect(), None)
        }
        way => {
            let (values, planes) = values(reader, bytes, stored)?;
            of_values(values, way, Layout { n: n as usize, is_in_planes: planes > 1 })?
        }
    };
    ensure!(pixels.len() as u64 == n, "there are too few pixels in it");
    let image = RgbImage::from_raw(width, height, pixels.into_flattened());
    let mut image = DynamicImage::ImageRgb8(image.context("there are too few pixels in it")?);
    image.apply_orientation(turn.unwrap_or(Orientation::NoTransforms));
    taken.keep(n * 3);
    Ok(Decoded { image: image.into_rgb8(), taken, brightest })
}

/// All values of the first picture, within bounds, and in how many planes they are.
fn values(reader: Reader, bytes: &[u8], stored: u64) -> Result<(DecodingResult, usize)> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(stored)?.saturating_add(1 << 16);
    limits.intermediate_buffer_size = usize::try_from(METADATA + 2 * bytes.len() as u64 + stored)?;
    limits.ifd_value_size = limits.intermediate_buffer_size;
    let mut values = DecodingResult::U8(Vec::new());
    let layout = reader.with_limits(limits).read_image_to_buffer(&mut values).map_err(told)?;
    Ok((values, layout.planes))
}

fn bytes_of(values: DecodingResult) -> Result<Vec<u8>> {
    match values {
        DecodingResult::U8(bytes) => Ok(bytes),
        _ => bail!("its values are not of the size that it says"),
    }
}

/// Values of 1, 2, 4 or 8 bits, of rows that begin with a byte each.
fn unpacked(packed: Vec<u8>, bits: u16, [width, height]: [u32; 2]) -> Result<Vec<u8>> {
    if bits == 8 {
        return Ok(packed);
    }
    let (width, bits) = (width as usize, usize::from(bits));
    let a_byte = 8 / bits;
    let row = width.div_ceil(a_byte);
    ensure!(packed.len() >= row * height as usize, "there are too few pixels in it");
    let value = |row: &[u8], x: usize| {
        (row[x / a_byte] >> (8 - bits * (x % a_byte + 1))) & ((1 << bits) - 1)
    };
    let rows = packed.chunks_exact(row).take(height as usize);
    Ok(rows.flat_map(|row| (0..width).map(move |x| value(row, x))).collect())
}

/// How so many pixels lie in a list of values.
#[derive(Clone, Copy)]
struct Layout {
    n: usize,
    /// All first values, then all second ones, or all values of a pixel together.
    is_in_planes: bool,
}

impl Layout {
    /// Values a pixel, of `n_values` altogether.
    fn a_pixel(self, n_values: usize) -> usize {
        n_values / self.n.max(1)
    }

    /// The value of each pixel that comes at this place among its values.
    fn each<T: Copy>(self, values: &[T], place: usize) -> impl Iterator<Item = T> {
        let a_pixel = self.a_pixel(values.len()).max(1);
        let (start, step) = if self.is_in_planes { (place * self.n, 1) } else { (place, a_pixel) };
        values.iter().skip(start).step_by(step).take(self.n).copied()
    }
}

/// The pixels, and the brightest value where these have 16 bits.
fn of_values(
    values: DecodingResult,
    way: Way,
    layout: Layout,
) -> Result<(Vec<[u8; 3]>, Option<u16>)> {
    let pixels = match (values, way) {
        (DecodingResult::U8(values), Way::GrayAnd) => {
            layout.each(&values, 0).map(|gray| [gray; 3]).collect()
        }
        (DecodingResult::U16(values), Way::GrayAnd) => {
            let gray = |gray: u16| [((u32::from(gray) + 128) / 257) as u8; 3];
            let pixels = layout.each(&values, 0).map(gray).collect();
            return Ok((pixels, layout.each(&values, 0).max()));
        }
        (DecodingResult::U8(values), Way::YCbCr) if !layout.is_in_planes => {
            values.as_chunks().0.iter().map(|pixel| of_ycbcr(*pixel)).collect()
        }
        (DecodingResult::F16(values), Way::Floats) => {
            of_floats(&values.iter().map(|value| value.to_f32()).collect::<Vec<_>>(), layout)?
        }
        (DecodingResult::F32(values), Way::Floats) => of_floats(&values, layout)?,
        (DecodingResult::F64(values), Way::Floats) => {
            of_floats(&values.iter().map(|value| *value as f32).collect::<Vec<_>>(), layout)?
        }
        _ => bail!("its values are not of the kind that it says"),
    };
    Ok((pixels, None))
}

/// As JFIF has it.
fn of_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0];
    let red = y + 1.402 * cr;
    let green = y - 0.344_136 * cb - 0.714_136 * cr;
    let blue = y + 1.772 * cb;
    [red, green, blue].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// Of floating-point numbers all programs agree on what 0 and 1 are; beyond them a file would have to
/// say what is white, and none does.
fn of_floats(values: &[f32], layout: Layout) -> Result<Vec<[u8; 3]>> {
    ensure!(
        values.iter().all(|value| value.is_finite()),
        "some of its values are no numbers\nhint: {SCALE}"
    );
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    ensure!(
        low >= 0.0 && high <= 1.0,
        "its values are floating-point numbers from {low} to {high}, and nothing says which is black and \
         which is white\nhint: {SCALE}"
    );
    let byte = |value: f32| (value * 255.0).round() as u8;
    let of = |place| layout.each(values, place).map(byte);
    Ok(match layout.a_pixel(values.len()) {
        1 | 2 => of(0).map(|gray| [gray; 3]).collect(),
        _ => of(0).zip(of(1)).zip(of(2)).map(|((red, green), blue)| [red, green, blue]).collect(),
    })
}

/// An error of `tiff` in plain words: what it cannot read is hardly damaged.
fn told(error: TiffError) -> anyhow::Error {
    match error {
        TiffError::UnsupportedError(error) => {
            anyhow!("it is of a kind that is not read here ({error})\nhint: {TO_PNG}")
        }
        TiffError::FormatError(error) => anyhow!("it is damaged: {error}"),
        error => anyhow!("it is damaged: {error}"),
    }
}
