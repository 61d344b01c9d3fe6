//! The ways to make one prediction of several.

use serde::{Deserialize, Serialize};

use super::{Pool, Rule, equal, greedy};
use crate::metric::{Metric, Serving};
use crate::target::TargetKind;

/// A way to make one prediction of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The mean of probabilities, levels or numbers.
    Mean,
    /// The mean of logarithms of probabilities, scaled to sum to one, or of logits for tags.
    LogitMean,
    /// The mean of the places that probabilities have among those of the same class.
    RankMean,
    /// Greedy selection with replacement.
    Greedy,
}

impl Method {
    /// Those for a metric, the one that others must beat first.
    pub fn of(metric: &Metric, kind: TargetKind, n_classes: usize) -> Vec<Self> {
        let are_probabilities = matches!(kind, TargetKind::SingleLabel | TargetKind::MultiLabel);
        // Ranks of three classes and more do not add up to one, which rows of one class must.
        let may_rank = kind == TargetKind::MultiLabel || n_classes == 2;
        match metric.family().serves {
            _ if !are_probabilities => vec![Self::Mean, Self::Greedy],
            Serving::AsTheyAre if may_rank => {
                vec![Self::Mean, Self::RankMean, Self::LogitMean, Self::Greedy]
            }
            _ => vec![Self::Mean, Self::LogitMean, Self::Greedy],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::LogitMean => "logit mean",
            Self::RankMean => "rank mean",
            Self::Greedy => "greedy selection",
        }
    }

    /// Fits the method on all images of `pool`.
    pub(super) fn fit(self, pool: &Pool) -> Rule {
        let weights = || equal(pool.members.len());
        match self {
            Self::Mean => Rule::Probabilities { weights: weights() },
            Self::LogitMean => Rule::Logits { weights: weights() },
            Self::RankMean => Rule::Ranks { weights: weights() },
            Self::Greedy => Rule::Probabilities { weights: greedy::weights(pool) },
        }
    }
}
