//! Which view of a picture is wanted.

use crate::recipe::Augment;

/// Which view of an image a batch holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// A square in the middle.
    Centre {
        /// Its side as a share of the image's shorter one, in (0, 1].
        share: f64,
    },
    /// A random one that follows from seed, epoch and the image's index alone.
    Random {
        seed: u64,
        /// Another epoch, another view.
        epoch: u64,
        /// Of a part with a share of the image's area between these; otherwise of nearly all of it.
        area: Option<[f64; 2]>,
        strong: Strong,
    },
}

/// What is done to a random view beyond what leaves it a likely picture ("strong augmentation").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strong {
    pub policy: Policy,
    /// The probability that a part is erased.
    pub erasing: f64,
}

impl Strong {
    /// Nothing.
    pub const OFF: Self = Self { policy: Policy::None, erasing: 0.0 };
}

/// Which operations are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    None,
    /// One, of any strength.
    Trivial,
    /// Two, of this strength, from 0 to 30.
    Rand {
        magnitude: usize,
    },
}

/// One image's view: everything that decides about its pixels but the image.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct Shot {
    /// Side of the square, in pixels.
    pub(in crate::dataset) size: usize,
    pub(in crate::dataset) augment: Augment,
    pub(in crate::dataset) view: View,
    /// The image's own number, for the random view.
    pub(in crate::dataset) index: usize,
}
