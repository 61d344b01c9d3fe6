//! An image file as RGB pixels, upright.

use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::dataset::format;
use crate::fs;

/// More pixels than any photograph has: beyond it a file is a mistake, or meant to exhaust memory.
const MAX_PIXELS: u64 = 100_000_000;

/// Decodes an image as `[height, width, 3]`.
///
/// The format is told by the content, not by the name. The camera's orientation is applied; gray
/// becomes three equal channels, CMYK is converted, 16 bits become 8, and an alpha channel is
/// dropped, as PIL's `convert("RGB")` does. A file cut short is an error, never a gray area.
pub fn decode(path: &Path) -> Result<RgbImage> {
    decode_bytes(path, &fs::read(path)?)
}

/// The same from a file's bytes; its path is for errors.
pub(in crate::dataset) fn decode_bytes(path: &Path, bytes: &[u8]) -> Result<RgbImage> {
    decode_bytes_into(path, bytes, Vec::new())
}

/// Room for a file and its pixels, which a thread keeps between images: fresh memory costs a page
/// fault for every 4 kB.
#[derive(Default)]
pub(in crate::dataset) struct DecodeBuffers {
    file: Vec<u8>,
    pixels: Vec<u8>,
}

impl DecodeBuffers {
    /// Shows the decoded image to `look`.
    pub(in crate::dataset) fn decoded<T>(
        &mut self,
        path: &Path,
        look: impl FnOnce(&RgbImage) -> Result<T>,
    ) -> Result<T> {
        self.file.clear();
        fs::File::open(path)?
            .read_to_end(&mut self.file)
            .with_context(|| format!("failed to read `{}`", path.display()))?;
        let image = decode_bytes_into(path, &self.file, std::mem::take(&mut self.pixels))?;
        let seen = look(&image);
        self.pixels = image.into_raw();
        seen
    }
}

/// Decodes into the memory of `pixels`, whatever it held.
fn decode_bytes_into(path: &Path, bytes: &[u8], pixels: Vec<u8>) -> Result<RgbImage> {
    let format = match format::check(bytes) {
        Ok(format) => format,
        Err(problem) => anyhow::bail!(
            "`{}` {problem}\nhint: get the file again, or take it out together with its label",
            path.display()
        ),
    };
    match format {
        ImageFormat::Jpeg => decode_jpeg(bytes, pixels),
        _ => decode_as(bytes, format),
    }
    .with_context(|| format!("failed to decode `{}`", path.display()))
}

/// The decoder that `image` uses, without what `image` adds: it reads a file's header three times
/// and copies the file.
fn decode_jpeg(bytes: &[u8], mut pixels: Vec<u8>) -> Result<RgbImage> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| anyhow!("{error}"))?;
    let (width, height) = decoder.dimensions().context("it has no size")?;
    let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
    check_size(width, height)?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    // What a damaged file leaves out is black, never the image before.
    pixels.clear();
    pixels.resize(width as usize * height as usize * 3, 0);
    decoder.decode_into(&mut pixels).map_err(|error| anyhow!("{error}"))?;
    let image = RgbImage::from_raw(width, height, pixels).context("too few pixels")?;
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(image.into_rgb8())
}

fn check_size(width: u32, height: u32) -> Result<()> {
    ensure!(
        u64::from(width) * u64::from(height) <= MAX_PIXELS,
        "{width} x {height} pixels are more than the {} million accepted",
        MAX_PIXELS / 1_000_000
    );
    Ok(())
}

/// Any format, by `image`.
fn decode_as(bytes: &[u8], format: ImageFormat) -> Result<RgbImage> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // A 16-bit RGBA image within `MAX_PIXELS`, and the decoder's own buffers.
    limits.max_alloc = Some(MAX_PIXELS * 10);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    // Metadata that cannot be read say nothing about the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgba};

    use super::*;

    fn round_trip(image: impl Into<DynamicImage>, format: ImageFormat) -> RgbImage {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        decode_as(bytes.get_ref(), format).unwrap()
    }

    #[test]
    fn every_kind_of_pixel_becomes_rgb() {
        let transparent = image::RgbaImage::from_pixel(3, 2, Rgba([200, 100, 50, 0]));
        assert_eq!(round_trip(transparent, ImageFormat::Png).get_pixel(2, 1).0, [200, 100, 50]);
        let gray = image::GrayImage::from_pixel(3, 2, Luma([77]));
        assert_eq!(round_trip(gray, ImageFormat::Png).get_pixel(0, 0).0, [77; 3]);
        let deep = image::ImageBuffer::from_pixel(3, 2, Luma([0x8080_u16]));
        assert_eq!(round_trip(deep, ImageFormat::Png).get_pixel(0, 0).0, [0x80; 3]);
    }

    #[test]
    fn a_jpeg_is_what_the_general_decoder_makes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let mut buffers = DecodeBuffers::default();
        let noisy = |x: u32, y: u32| (x * 31 + y * 17 + x * y % 7 * 20) as u8;
        let gray = image::GrayImage::from_fn(37, 21, |x, y| Luma([noisy(x, y)]));
        let colour =
            RgbImage::from_fn(70, 41, |x, y| image::Rgb([noisy(x, y), noisy(y, x), (x + y) as u8]));
        // Larger, then smaller: what is kept of the one must not be seen in the other.
        for picture in [DynamicImage::from(colour), DynamicImage::from(gray)] {
            picture.save(&path).unwrap();
            let expected = decode_as(&fs::read(&path).unwrap(), ImageFormat::Jpeg).unwrap();
            assert_eq!(decode(&path).unwrap(), expected);
            let same = buffers.decoded(&path, |image| Ok(*image == expected)).unwrap();
            assert!(same);
        }
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_refused() {
        // A BMP header announces 60000 x 60000 pixels; there is no need to have them.
        let mut bytes = vec![0; 54];
        bytes[..2].copy_from_slice(b"BM");
        bytes[10] = 54;
        bytes[14] = 40;
        bytes[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
        bytes[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
        bytes[26] = 1;
        bytes[28] = 24;
        let error = decode_as(&bytes, ImageFormat::Bmp).unwrap_err().to_string();
        assert!(error.contains("60000 x 60000 pixels"), "{error}");
    }
}
