//! Resizing with antialiasing, by vector instructions.

use anyhow::Result;
pub(super) use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};

use super::augment::Window;
use super::pixels::Pixels;

/// Bicubic (Catmull-Rom) with support scaled by the reduction, as PIL's: what most of timm's
/// networks are evaluated with.
pub(super) const SHARP: ResizeAlg = ResizeAlg::Convolution(FilterType::CatmullRom);
/// Bilinear likewise: what networks are usually trained with, for it is faster.
pub(super) const FAST: ResizeAlg = ResizeAlg::Convolution(FilterType::Bilinear);

/// Resizes a window of `image` to `[width, height]` pixels.
pub(super) fn resize(
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
