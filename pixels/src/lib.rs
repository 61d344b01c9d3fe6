//! Loops over the pixels of a picture in memory: resizing, warping, mirroring, lighting, colours.
//!
//! A package of its own, so that it is compiled at full speed, and its vector code (generic, and long)
//! once, whatever the profile of the rest. It knows bytes, sides and windows, and nothing of files,
//! recipes or networks.

mod colour;
mod lighting;
mod resize;
mod symmetry;
mod warp;

pub use colour::{
    autocontrast, brightness, contrast, equalize, posterize, saturation, sharpness, solarize,
};
pub use lighting::relight;
pub use resize::{FAST, Resizer, SHARP, brightness_grid, resize};
pub use symmetry::Symmetry;
pub use warp::{Affine, warp};

/// Gives a buffer this many bytes; those that it had stay, further ones are zeros.
///
/// `Vec::resize`, compiled here: at the rest's `opt-level = 1` it goes byte by byte, and clearing a
/// picture took longer than decoding it.
#[inline(never)]
pub fn set_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.resize(length, 0);
}

/// Pixels that lie somewhere: `[height, width, 3]`, RGB.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    pub bytes: &'a [u8],
    /// Width and height.
    pub sides: [usize; 2],
}

impl Pixels<'_> {
    /// In bytes.
    pub fn length([width, height]: [usize; 2]) -> usize {
        width * height * 3
    }
}

/// A part of an image, in its own pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}
