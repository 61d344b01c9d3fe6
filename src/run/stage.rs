//! The golden rule's steps, as they are written down and told.

use serde::{Deserialize, Serialize};

/// The golden rule's eight steps, and the look at validation images that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// 1. The backbone's activations for every image, once.
    Precompute,
    /// 2. The learning-rate finder for the head.
    FindHeadRate,
    /// 3. The head on activations.
    HeadOnActivations,
    /// 4. The head with augmentation.
    HeadWithAugmentation,
    /// 5. All layers train from here on.
    Unfreeze,
    /// 6. Lower rates for earlier layers.
    EarlierLayers,
    /// 7. The learning-rate finder for the whole network.
    FindFullRate,
    /// 8. The whole network until it over-fits.
    WholeNetwork,
    /// Predictions for the validation images with test-time augmentation.
    Predict,
}

impl Stage {
    /// All steps, in order.
    pub const ALL: [Self; 9] = [
        Self::Precompute,
        Self::FindHeadRate,
        Self::HeadOnActivations,
        Self::HeadWithAugmentation,
        Self::Unfreeze,
        Self::EarlierLayers,
        Self::FindFullRate,
        Self::WholeNetwork,
        Self::Predict,
    ];

    /// The step's place in the list, from 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The step with this number, from 1.
    pub fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Whether it goes through its images again and again.
    pub fn has_epochs(self) -> bool {
        matches!(self, Self::HeadOnActivations | Self::HeadWithAugmentation | Self::WholeNetwork)
    }

    /// The name in plans, tables and summaries.
    pub fn title(self) -> &'static str {
        match self {
            Self::Precompute => "precompute activations",
            Self::FindHeadRate => "find the head's rate",
            Self::HeadOnActivations => "head on activations",
            Self::HeadWithAugmentation => "head with augmentation",
            Self::Unfreeze => "unfreeze",
            Self::EarlierLayers => "earlier layers slower",
            Self::FindFullRate => "find the full rate",
            Self::WholeNetwork => "whole network",
            Self::Predict => "predict validation images",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_numbered_from_one() {
        for (number, stage) in (1..).zip(Stage::ALL) {
            assert_eq!((stage.number(), Stage::numbered(number)), (number, Some(stage)));
        }
        assert_eq!((Stage::numbered(0), Stage::numbered(10)), (None, None));
    }
}
