//! How Kaggle scores, and what else tells how good answers are: always over a whole data set, never
//! averaged over batches.

mod accuracy;
mod confusion;
mod fbeta;
mod log_loss;
mod per_tag;
mod reliability;

use serde::{Deserialize, Serialize};

pub use accuracy::{accuracy, most_probable};
pub use confusion::{Confusion, Mistake};
pub use fbeta::{mean_fbeta, sample_fbeta};
pub use log_loss::{binary_log_loss, log_loss};
pub use per_tag::TagCounts;
pub use reliability::{Bin, brier, expected_calibration_error, reliability, top_answers};

/// A competition's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Natural logarithm, lower is better.
    LogLoss,
    /// Mean over images of F2, higher is better.
    MeanF2,
}

impl Metric {
    /// The name in specs, summaries and on the last line of `score`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "log-loss",
            Self::MeanF2 => "mean-f2",
        }
    }

    /// Whether `a` beats `b`.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::LogLoss => a < b,
            Self::MeanF2 => a > b,
        }
    }

    /// A score as it is told, `log-loss 0.03120`.
    pub fn told(self, score: f64) -> String {
        format!("{} {score:.5}", self.name())
    }
}
