//! How an image looks to a network: decoded, resized, cropped, and at random a little different every
//! epoch.
//!
//! What of that does not depend on the epoch is `prepared`; `render` draws a view of it.

mod augment;
mod decode;
mod pixels;
mod prepared;
mod render;
mod resize;
mod symmetry;
mod warp;

pub(super) use self::decode::DecodeBuffers;
pub use self::decode::decode;
pub use self::pixels::View;
pub(super) use self::pixels::{Pixels, Shot};
pub use self::prepared::Prepared;
pub use self::render::render;
pub(super) use self::render::{finish, render_and_keep};
pub use self::symmetry::Symmetry;
