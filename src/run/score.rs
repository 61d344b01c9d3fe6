//! How a network does on the validation images.

use serde::{Deserialize, Serialize};

use super::number;

/// How a network does on the validation images, over all of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean cross-entropy: an image (single-label) or an image and tag (multi-label).
    #[serde(deserialize_with = "number::or_nan")]
    pub loss: f64,
    /// The competition's metric; F-beta, for which no threshold is chosen yet, at the
    /// [usual one](crate::metric::usual_threshold).
    #[serde(deserialize_with = "number::or_nan")]
    pub metric: f64,
    /// Fraction of images whose most probable class is right; none for multi-label.
    pub accuracy: Option<f64>,
    /// The standard error of the loss, over images; none in what older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}
