//! What is random about training images.

use serde::{Deserialize, Serialize};

/// Which changes leave an image's meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    None,
    /// Photographs taken upright: the mirror image, a small zoom, turn and change of light.
    SideOn,
    /// Seen from above: the eight symmetries of the square, and the same small changes.
    TopDown,
}

/// Operations drawn from a list, such as shearing, posterising, equalising.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AugmentPolicy {
    #[default]
    None,
    /// `TrivialAugment`, its wide ranges (<https://arxiv.org/abs/2103.10158>).
    Trivial,
    /// `RandAugment`, two operations (<https://arxiv.org/abs/1909.13719>).
    Rand,
}

impl AugmentPolicy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    pub(super) fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// torchvision's.
pub(super) fn rand_magnitude() -> usize {
    9
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_rand_magnitude(magnitude: &usize) -> bool {
    *magnitude == rand_magnitude()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_zero(number: &f64) -> bool {
    *number == 0.0
}
