//! How Kaggle scores, and what else tells how good answers are: always over a whole data set, never
//! averaged over batches.
//!
//! A metric is a value: a row of [`table`] and the options that a competition gives it. Each has a
//! file of its own, with a `FAMILY` that says everything that differs from one metric to another;
//! nothing outside of this folder and `decide/` asks which metric it is.

mod accuracy;
mod averages;
mod confusion;
mod family;
mod fbeta;
mod log_loss;
mod options;
mod per_tag;
mod plain;
mod reliability;
mod table;

use serde::{Deserialize, Serialize};

pub use accuracy::{accuracy, most_probable};
pub use averages::{Averages, Scores, averages};
pub use confusion::{Confusion, Mistake};
pub use family::{Direction, Family, Form, Misfit, Number, ScoreBy, Scoring, Serving, Training};
pub use fbeta::{mean_fbeta, sample_fbeta, usual_threshold};
pub use log_loss::{binary_log_loss, log_loss, row_log_loss};
pub use options::{Options, UnknownMetric, Weights};
pub use per_tag::TagCounts;
pub use plain::{Outputs, largest, plain};
pub use reliability::{Bin, brier, expected_calibration_error, reliability, top_answers};

use crate::target::{Classes, TargetKind};
use options::Written;

/// A competition's score: a word, such as `log-loss` or `mean-f2`, or a table of a word and its
/// options, `{ name = "log-loss", weights = { any = 2 } }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Metric {
    family: &'static Family,
    options: Options,
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.family.word == other.family.word && self.options == other.options
    }
}

impl Metric {
    /// The metric of that word: `log-loss`, `map@5`.
    pub fn of(word: &str) -> Result<Self, UnknownMetric> {
        Written::Word(word.to_owned()).try_into()
    }

    /// Natural logarithm, lower is better.
    pub fn log_loss() -> Self {
        Self { family: &log_loss::FAMILY, options: Options::default() }
    }

    /// Mean over images of F-beta, higher is better.
    pub fn mean_fbeta(beta: f64) -> Self {
        let options = Options { number: Some(beta), ..Options::default() };
        Self { family: &fbeta::FAMILY, options }
    }

    /// What it is like.
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// What the competition says about it.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The word in specs, summaries and on the last line of `score`, without options.
    pub fn name(&self) -> String {
        match self.options.number {
            Some(number) => format!("{}{number}", self.family.word),
            None => self.family.word.to_owned(),
        }
    }

    /// The name and its direction, for people.
    pub fn title(&self) -> String {
        let direction = match self.family.better {
            Direction::Lower => "lower",
            Direction::Higher => "higher",
        };
        format!("{}, {direction} is better", (self.family.title)(self))
    }

    /// The number in its name, such as the beta of `mean-f2` and the k of `map@5`.
    pub fn number(&self) -> Option<f64> {
        self.options.number
    }

    /// Whether `a` beats `b`.
    pub fn better(&self, a: f64, b: f64) -> bool {
        match self.family.better {
            Direction::Lower => a < b,
            Direction::Higher => a > b,
        }
    }

    /// A score with its name, `log-loss 0.03120`.
    pub fn describe(&self, score: f64) -> String {
        format!("{} {score:.5}", self.name())
    }

    /// How much each class counts, where the competition says it.
    pub fn class_weights(&self, classes: &Classes) -> Option<Vec<f64>> {
        let Some(Weights::Named(named)) = &self.options.weights else { return None };
        let weight = |name: &String| named.get(name).copied().unwrap_or(1.0);
        Some(classes.names().iter().map(weight).collect())
    }

    /// Whether it scores such answers about images with that kind of target.
    pub fn takes(&self, kind: TargetKind, form: Form) -> bool {
        self.family.forms.contains(&(kind, form))
    }

    /// The score of a list of answers; no number where there are none.
    pub fn score(&self, rows: &Scoring) -> Result<f64, Misfit> {
        Ok(match self.family.score {
            ScoreBy::Rows(of_rows) => {
                let scores = of_rows(self, rows)?;
                scores.iter().sum::<f64>() / scores.len() as f64
            }
            ScoreBy::Whole(of_all) => of_all(self, rows)?,
        })
    }

    /// The score of each answer, where the metric is the mean of these.
    pub fn row_scores(&self, rows: &Scoring) -> Option<Result<Vec<f64>, Misfit>> {
        match self.family.score {
            ScoreBy::Rows(of_rows) => Some(of_rows(self, rows)),
            ScoreBy::Whole(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_word() {
        for name in ["log-loss", "mean-f2", "mean-f1", "mean-f0.5", "accuracy"] {
            assert_eq!(Metric::of(name).unwrap().name(), name);
        }
        assert_eq!(Metric::of("mean-f2").unwrap(), Metric::mean_fbeta(2.0));
        for name in ["mean-f", "mean-f0", "mean-f-1", "mean-finf", "mean-fnan", "mean-f1e300", "f"]
        {
            let error = Metric::of(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("mean-f"), "{error}");
        }
    }

    #[test]
    fn every_family_is_whole() {
        for family in table::FAMILIES {
            assert!(!family.forms.is_empty(), "{}", family.word);
            let word =
                family.number.as_ref().map_or(String::new(), |number| number.usual.to_string());
            let metric = Metric::of(&format!("{}{word}", family.word)).unwrap();
            assert!(metric.title().ends_with("is better"), "{}", metric.title());
        }
    }
}
