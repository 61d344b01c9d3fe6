//! Pictures small enough to live inside a page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize, thumbnail};
use image::{ImageFormat, RgbImage, Rgba, RgbaImage};

use super::facts::Heat;

/// Side of a thumbnail, in pixels: it opens large, and a network's square is seldom larger.
const SIDE: u32 = 320;
/// JPEG quality: a face or a river is recognised, at about 15 kB.
const QUALITY: u8 = 74;
/// Cells of a heat map are drawn this many times finer, for a smooth look in every browser.
const FINER: u32 = 4;

/// A picture as a small square JPEG: its middle square, scaled down. `None` where a picture has no
/// pixels.
pub(super) fn jpeg(picture: &RgbImage) -> Option<Vec<u8>> {
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    let square = image::imageops::crop_imm(picture, left, top, side, side);
    let small = if side > SIDE { thumbnail(&*square, SIDE, SIDE) } else { square.to_image() };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&small).ok()?;
    Some(bytes)
}

/// A JPEG as an address that holds it.
pub(super) fn jpeg_address(bytes: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes))
}

/// A heat map as a little PNG to lay over its picture: transparent where it is cold, yellow to red
/// where it is hot. `None` where the map is not square.
pub(super) fn heat_address(heat: &Heat) -> Option<String> {
    let side = heat.side as u32;
    if side == 0 || heat.values.len() != heat.side * heat.side {
        return None;
    }
    let cells = RgbaImage::from_fn(side, side, |x, y| {
        heat_colour(heat.values[y as usize * heat.side + x as usize])
    });
    let smooth = resize(&cells, side * FINER, side * FINER, FilterType::Triangle);
    let mut bytes = Cursor::new(Vec::new());
    smooth.write_to(&mut bytes, ImageFormat::Png).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(bytes.into_inner())))
}

/// From nothing over yellow to red; at most so strong that the picture stays visible.
fn heat_colour(value: f32) -> Rgba<u8> {
    let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let green = 205.0 - 165.0 * value;
    let alpha = 175.0 * ((value - 0.25) / 0.75).max(0.0);
    Rgba([232, green as u8, 36, alpha as u8])
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_thumbnail_is_the_middle_square() {
        let wide = RgbImage::from_fn(1200, 400, |x, _| {
            if (400..800).contains(&x) { Rgb([250, 250, 250]) } else { Rgb([0, 0, 0]) }
        });
        let bytes = jpeg(&wide).unwrap();
        let small = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(small.dimensions(), (SIDE, SIDE));
        let is_light = |x, y| small.get_pixel(x, y).0.iter().all(|&v| v > 230);
        assert!(is_light(3, 100) && is_light(SIDE - 4, 100) && is_light(100, 100));
        assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
    }

    #[test]
    fn a_small_picture_is_not_blown_up() {
        let bytes = jpeg(&RgbImage::new(40, 60)).unwrap();
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 40);
        assert_eq!(jpeg(&RgbImage::new(0, 5)), None);
    }

    #[test]
    fn heat_is_seen_where_it_is_hot_only() {
        let mut values = vec![0.0; 49];
        values[24] = 1.0;
        let address = heat_address(&Heat { side: 7, values }).unwrap();
        let png = STANDARD.decode(address.split(',').nth(1).unwrap()).unwrap();
        let map = image::load_from_memory(&png).unwrap().into_rgba8();
        assert_eq!(map.dimensions(), (28, 28));
        assert_eq!(map.get_pixel(1, 1)[3], 0);
        assert!(map.get_pixel(14, 14)[3] > 100);
        assert_eq!(heat_address(&Heat { side: 7, values: vec![0.0; 48] }), None);
        assert_eq!(heat_address(&Heat { side: 0, values: vec![] }), None);
    }
}
