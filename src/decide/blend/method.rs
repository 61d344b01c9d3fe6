//! The ways to make one prediction of several.

use serde::{Deserialize, Serialize};

use super::{Pool, Rule, equal, greedy, log_linear, stack};
use crate::target::TargetKind;

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
    /// Ridge stacking: for tags a linear map over all members' tags, in two levels; for one class
    /// an image a weight a member in a sum of logarithms.
    Ridge,
}

/// What a method makes of out-of-fold predictions.
pub(super) struct Fitted {
    pub(super) rule: Rule,
    /// `[n, classes]`: the pool's images blended, each by what was fitted without its fold if the
    /// method could fit noise otherwise. A decision is fitted on these.
    pub(super) predictions: Vec<f32>,
}

impl Method {
    /// All of them, the one that others must beat first.
    pub const ALL: [Self; 4] = [Self::Mean, Self::LogitMean, Self::Greedy, Self::Ridge];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::LogitMean => "logit mean",
            Self::Greedy => "greedy selection",
            Self::Ridge => "ridge stacking",
        }
    }

    /// Fits the method on all images of `pool`.
    pub(super) fn fit(self, pool: &Pool) -> Fitted {
        let weights = || equal(pool.members.len());
        let rule = match self {
            Self::Mean => Rule::Probabilities { weights: weights() },
            Self::LogitMean => Rule::Logits { weights: weights() },
            Self::Greedy => Rule::Probabilities { weights: greedy::weights(pool) },
            Self::Ridge => {
                let pool = pool.clone().with_folds();
                return match pool.kind {
                    TargetKind::SingleLabel => log_linear::fit(&pool),
                    TargetKind::MultiLabel => stack::fit(&pool),
                };
            }
        };
        let predictions = pool.blended(&rule);
        Fitted { rule, predictions }
    }
}
