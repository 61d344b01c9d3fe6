//! The ways to make one prediction of several.

use serde::{Deserialize, Serialize};

use super::{Pool, Rule, equal, greedy};
use crate::table::Table;

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

/// What a method makes of out-of-fold predictions.
pub(super) struct Fitted {
    pub(super) rule: Rule,
    /// `[n, classes]`: the pool's images blended. A decision is fitted on these.
    pub(super) predictions: Table,
}

impl Method {
    /// All of them, the one that others must beat first.
    pub const ALL: [Self; 3] = [Self::Mean, Self::LogitMean, Self::Greedy];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::LogitMean => "logit mean",
            Self::Greedy => "greedy selection",
        }
    }

    /// Fits the method on all images of `pool`.
    pub(super) fn fit(self, pool: &Pool) -> Fitted {
        let weights = || equal(pool.members.len());
        let rule = match self {
            Self::Mean => Rule::Probabilities { weights: weights() },
            Self::LogitMean => Rule::Logits { weights: weights() },
            Self::Greedy => Rule::Probabilities { weights: greedy::weights(pool) },
        };
        let predictions = pool.blended(&rule);
        Fitted { rule, predictions }
    }
}
