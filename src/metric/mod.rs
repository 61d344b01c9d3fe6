//! How Kaggle scores, and what else tells how good answers are: always over a whole data set, never
//! averaged over batches.

mod accuracy;
mod averages;
mod confusion;
mod fbeta;
mod log_loss;
mod per_tag;
mod reliability;

use serde::{Deserialize, Serialize};

pub use accuracy::{accuracy, most_probable};
pub use averages::{Averages, Scores, averages};
pub use confusion::{Confusion, Mistake};
pub use fbeta::{mean_fbeta, sample_fbeta, usual_threshold};
pub use log_loss::{binary_log_loss, log_loss, row_log_loss};
pub use per_tag::TagCounts;
pub use reliability::{Bin, brier, expected_calibration_error, reliability, top_answers};

/// A competition's score. In specs and summaries it is a word: `log-loss`, `mean-f2`, `mean-f0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Natural logarithm, lower is better.
    LogLoss,
    /// Mean over images of F-beta, higher is better.
    MeanFbeta {
        /// How many times as much recall counts as precision.
        beta: f64,
    },
}

/// No metric has such a name.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown metric `{0}`, expected `log-loss` or `mean-f<beta>`, such as `mean-f2` or `mean-f0.5`"
)]
pub struct UnknownMetric(String);

impl Metric {
    /// Planet's: recall counts four times as much as precision.
    pub const MEAN_F2: Self = Self::MeanFbeta { beta: 2.0 };

    /// The name in specs, summaries and on the last line of `score`.
    pub fn name(self) -> String {
        match self {
            Self::LogLoss => "log-loss".to_owned(),
            Self::MeanFbeta { beta } => format!("mean-f{beta}"),
        }
    }

    /// The name and its direction, for people.
    pub fn title(self) -> String {
        match self {
            Self::LogLoss => "log loss, lower is better".to_owned(),
            Self::MeanFbeta { beta } => format!("mean F{beta}, higher is better"),
        }
    }

    /// How many times as much recall counts as precision; 2 where there is neither.
    pub fn beta(self) -> f64 {
        match self {
            Self::LogLoss => 2.0,
            Self::MeanFbeta { beta } => beta,
        }
    }

    /// Whether `a` beats `b`.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::LogLoss => a < b,
            Self::MeanFbeta { .. } => a > b,
        }
    }

    /// A score with its name, `log-loss 0.03120`.
    pub fn describe(self, score: f64) -> String {
        format!("{} {score:.5}", self.name())
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

impl TryFrom<String> for Metric {
    type Error = UnknownMetric;

    fn try_from(name: String) -> Result<Self, UnknownMetric> {
        if name == "log-loss" {
            return Ok(Self::LogLoss);
        }
        let beta = name.strip_prefix("mean-f").and_then(|beta| beta.parse::<f64>().ok());
        match beta {
            // The square of any other leaves nothing of precision, or of recall.
            Some(beta) if (0.001..=1000.0).contains(&beta) => Ok(Self::MeanFbeta { beta }),
            _ => Err(UnknownMetric(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_word() {
        for name in ["log-loss", "mean-f2", "mean-f1", "mean-f0.5"] {
            assert_eq!(Metric::try_from(name.to_owned()).unwrap().name(), name);
        }
        assert_eq!(Metric::try_from("mean-f2".to_owned()).unwrap(), Metric::MEAN_F2);
        for name in
            ["mean-f", "mean-f0", "mean-f-1", "mean-finf", "mean-fnan", "mean-f1e300", "accuracy"]
        {
            let error = Metric::try_from(name.to_owned()).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("mean-f2"), "{error}");
        }
    }
}
