//! Resizing with antialiasing, by vector instructions.

use anyhow::Result;
pub use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8x3, U16};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};

use crate::{Pixels, Window};

/// Bicubic (Catmull-Rom) with support scaled by the reduction, as PIL's: what most of timm's
/// networks are evaluated with.
pub const SHARP: ResizeAlg = ResizeAlg::Convolution(FilterType::CatmullRom);
/// Bilinear likewise: what networks are usually trained with, for it is faster.
pub const FAST: ResizeAlg = ResizeAlg::Convolution(FilterType::Bilinear);

/// Resizes a window of `image` to `[width, height]` pixels.
pub fn resize(
    resizer: &mut Resizer,
    image: Pixels,
    window: Window,
    [width, height]: [usize; 2],
    filter: ResizeAlg,
    out: &mut [u8],
) -> Result<()> {
    let sides = image.sides.map(|side| side as u32);
    // With the pixel's type named, only its code is compiled: all of them take a minute.
    let source = TypedImageRef::<U8x3>::from_buffer(sides[0], sides[1], image.bytes)?;
    let mut target = TypedImage::<U8x3>::from_buffer(width as u32, height as u32, out)?;
    // Rounding must not push the window over the edge.
    let [right, bottom] = sides.map(f64::from);
    let (left, top) = (window.left.clamp(0.0, right), window.top.clamp(0.0, bottom));
    let options = ResizeOptions::new().resize_alg(filter).crop(
        left,
        top,
        window.width.min(right - left),
        window.height.min(bottom - top),
    );
    resizer.resize_typed(&source, &mut target, &options)?;
    Ok(())
}

/// Mean brightness of the cells of a grid over an RGB image, `[side, side]`, row-major: ITU-R 601's
/// weights, in 256ths of a level.
pub fn brightness_grid(image: Pixels, side: usize) -> Result<Vec<u16>> {
    let luma = |pixel: &[u8]| {
        U16::new(77 * u16::from(pixel[0]) + 150 * u16::from(pixel[1]) + 29 * u16::from(pixel[2]))
    };
    let pixels: Vec<U16> = image.bytes.chunks_exact(3).map(luma).collect();
    let sides = image.sides.map(|side| side as u32);
    let source = TypedImageRef::new(sides[0], sides[1], &pixels)?;
    let mut small = TypedImage::new(side as u32, side as u32);
    let options = ResizeOptions::new().resize_alg(FAST);
    Resizer::new().resize_typed(&source, &mut small, &options)?;
    Ok(small.pixels().iter().map(|pixel| pixel.0).collect())
}
