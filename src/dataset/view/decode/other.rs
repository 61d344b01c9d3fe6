//! All other formats, by `image`, within bounds that follow from the picture and its file.

use std::io::Cursor;

use anyhow::{Result, anyhow};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Decoded, METADATA, check_size, png};
use crate::dataset::format::TO_PNG;
use crate::room;

pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded> {
    match by_image(bytes, format) {
        Err(error) if format == ImageFormat::Png => match png::mended(bytes) {
            Some(mended) => by_image(&mended, format),
            None => Err(error),
        },
        decoded => decoded,
    }
}

fn by_image(bytes: &[u8], format: ImageFormat) -> Result<Decoded> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // PNG's decoder is told before it has read the sides; the others are told again below.
    reader.limits(limits(bytes, 32 * width_of_png(bytes)));
    let mut decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    check_size([width, height])?;
    let (pixels, as_read) = (u64::from(width) * u64::from(height) * 3, decoder.total_bytes());
    // Metadata that cannot be read say nothing about the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // These hold a picture twice while they decode it: as it is stored, or a frame beside the whole.
    let copies = match format {
        ImageFormat::Tiff | ImageFormat::WebP | ImageFormat::Gif => 2,
        _ => 1,
    };
    let mut taken = room::take(as_read * copies + pixels)?;
    decoder.set_limits(limits(bytes, as_read * 2)).map_err(told)?;
    let as_stored = DynamicImage::from_decoder(decoder).map_err(told)?;
    let brightest = brightest(&as_stored);
    let mut image = DynamicImage::ImageRgb8(as_stored.into_rgb8());
    image.apply_orientation(orientation);
    taken.keep(pixels);
    Ok(Decoded { image: image.into_rgb8(), taken, brightest })
}

/// The largest value of a picture with 16 bits a value, opacity aside.
fn brightest(image: &DynamicImage) -> Option<u16> {
    let most = |values: &[u16], a_pixel: usize, colours: usize| {
        values.chunks_exact(a_pixel).flat_map(|pixel| &pixel[..colours]).max().copied()
    };
    match image {
        DynamicImage::ImageLuma16(image) => most(image, 1, 1),
        DynamicImage::ImageLumaA16(image) => most(image, 2, 1),
        DynamicImage::ImageRgb16(image) => most(image, 3, 3),
        DynamicImage::ImageRgba16(image) => most(image, 4, 3),
        _ => None,
    }
}

/// An error of `image` in plain words: what it cannot read is hardly damaged.
fn told(error: ImageError) -> anyhow::Error {
    match error {
        ImageError::Unsupported(error) => {
            anyhow!("it is of a kind that is not read here ({error})\nhint: {TO_PNG}")
        }
        error => error.into(),
    }
}

fn limits(bytes: &[u8], of_picture: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(METADATA + 2 * bytes.len() as u64 + of_picture);
    limits
}

/// A PNG's width: its first chunk begins with it. A row of it is held in memory.
fn width_of_png(bytes: &[u8]) -> u64 {
    let width = bytes.get(16..20).and_then(|width| width.try_into().ok());
    u64::from(width.map_or(0, u32::from_be_bytes).min(1 << 28))
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb, RgbImage, Rgba};

    use super::*;

    fn round_trip(image: impl Into<DynamicImage>, format: ImageFormat) -> RgbImage {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        decode(bytes.get_ref(), format).unwrap().image
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
    fn the_brightest_of_16_bits_is_told_and_of_8_bits_is_not() {
        let brightest = |image: DynamicImage| {
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Png).unwrap();
            decode(bytes.get_ref(), ImageFormat::Png).unwrap().brightest
        };
        let deep = |value| image::ImageBuffer::from_pixel(3, 2, Luma([value]));
        assert_eq!(brightest(DynamicImage::ImageLuma16(deep(255))), Some(255));
        assert_eq!(brightest(DynamicImage::ImageLuma16(deep(0))), Some(0));
        let pixel = image::LumaA([4095, u16::MAX]);
        let transparent = image::ImageBuffer::from_pixel(3, 2, pixel);
        assert_eq!(brightest(DynamicImage::ImageLumaA16(transparent)), Some(4095));
        let pixel = Rgba([1, 700, 2, u16::MAX]);
        let transparent = image::ImageBuffer::from_pixel(3, 2, pixel);
        assert_eq!(brightest(DynamicImage::ImageRgba16(transparent)), Some(700));
        let colour = RgbImage::from_pixel(3, 2, Rgb([255, 0, 0]));
        assert_eq!(brightest(colour.into()), None);
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
        let error = decode(&bytes, ImageFormat::Bmp).unwrap_err().to_string();
        assert!(error.contains("60000 x 60000 pixels"), "{error}");
    }
}
