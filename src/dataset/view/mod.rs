//! How an image looks to a network: decoded, resized, cropped, and at random a little different every
//! epoch.
//!
//! What of that does not depend on the epoch is `prepared`; `render` draws a view of it.

mod augment;
mod decode;
mod erase;
mod planes;
mod policy;
mod prepared;
mod render;
mod shot;

use image::RgbImage;
use kaggle_kit_pixels::Pixels;
pub use kaggle_kit_pixels::Symmetry;

pub(super) use self::decode::DecodeBuffers;
pub use self::decode::decode;
pub use self::planes::decode_planes;
pub use self::prepared::Prepared;
pub use self::render::render;
pub(super) use self::render::{finish, render_and_keep};
pub(super) use self::shot::Shot;
pub use self::shot::{Policy, Strong, View};

/// The pixels of a decoded image.
pub(super) fn pixels_of(image: &RgbImage) -> Pixels<'_> {
    Pixels { bytes: image, sides: [image.width() as usize, image.height() as usize] }
}
