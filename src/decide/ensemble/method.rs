//! The ways to make one prediction of several.

use serde::{Deserialize, Serialize};

use super::{Pool, Rule, equal, greedy};

/// A way to make one prediction of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The mean of probabilities.
    Mean,
    /// The mean of logarithms of probabilities, scaled to sum to one, or of logits for tags.
    LogitMean,
    /// Greedy selection with replacement.
    Greedy,
}

impl Method {
    /// All of them, the one that others must beat first.
    pub const ALL: [Self; 3] = [Self::Mean, Self::LogitMean, Self::Greedy];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::LogitMean => "logit mean",
            Self::Greedy => "greedy selection",
        }
    }

    /// Fits the method on all images of `pool`.
    pub(super) fn fit(self, pool: &Pool) -> Rule {
        let weights = || equal(pool.members.len());
        match self {
            Self::Mean => Rule::Probabilities { weights: weights() },
            Self::LogitMean => Rule::Logits { weights: weights() },
            Self::Greedy => Rule::Probabilities { weights: greedy::weights(pool) },
        }
    }
}
