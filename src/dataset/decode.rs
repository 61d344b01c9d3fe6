//! An image file as RGB pixels, upright.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

use super::format;
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
pub(super) fn decode_bytes(path: &Path, bytes: &[u8]) -> Result<RgbImage> {
    let format = match format::check(bytes) {
        Ok(format) => format,
        Err(problem) => anyhow::bail!(
            "`{}` {problem}\nhint: get the file again, or take it out together with its label",
            path.display()
        ),
    };
    decode_as(bytes, format).with_context(|| format!("failed to decode `{}`", path.display()))
}

fn decode_as(bytes: &[u8], format: image::ImageFormat) -> Result<RgbImage> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // A 16-bit RGBA image within `MAX_PIXELS`, and the decoder's own buffers.
    limits.max_alloc = Some(MAX_PIXELS * 10);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    ensure!(
        u64::from(width) * u64::from(height) <= MAX_PIXELS,
        "{width} x {height} pixels are more than the {} million accepted",
        MAX_PIXELS / 1_000_000
    );
    // Metadata that cannot be read say nothing about the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Luma, Rgba};

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
