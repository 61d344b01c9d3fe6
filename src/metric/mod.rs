//! How Kaggle scores, and what else tells how good answers are: always over a whole data set, never
//! averaged over batches.
//!
//! A metric is a value: a row of [`table`] and the options that a competition gives it. Each has a
//! file of its own, with a `FAMILY` that says everything that differs from one metric to another;
//! nothing outside of this folder and `decide/` asks which metric it is.

mod accuracy;
mod auc;
mod averages;
mod balanced_accuracy;
mod confusion;
mod error_at;
mod family;
mod fbeta;
mod gap;
mod hamming_loss;
mod kappa;
mod log_loss;
mod macro_f1;
mod mae;
mod map_at;
mod mcc;
mod mean_rmse;
mod micro_f1;
mod mse;
mod options;
mod per_tag;
mod pf1;
mod plain;
mod r2;
#[cfg(test)]
mod reference;
mod reliability;
mod rmse;
mod rmsle;
mod table;

use std::ops::Range;

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

use crate::target::{Classes, Said, TargetKind, Truth};
use options::Written;

/// How many classes an error names.
const FEW: usize = 10;

/// A competition's score: a word, such as `log-loss` or `mean-f2`, or a table of a word and its
/// options, `{ name = "log-loss", weights = { any = 2 } }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Metric {
    family: &'static Family,
    options: Options,
    /// The one class that is asked about, where an answer is one probability.
    asked: Option<String>,
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
        Self { family: &log_loss::FAMILY, options: Options::default(), asked: None }
    }

    /// Mean over images of F-beta, higher is better.
    pub fn mean_fbeta(beta: f64) -> Self {
        let options = Options { number: Some(beta), ..Options::default() };
        Self { family: &fbeta::FAMILY, options, asked: None }
    }

    /// The same about a single class: of two probabilities a row only that of `class` is scored.
    #[must_use]
    pub fn about(self, class: &str) -> Self {
        Self { asked: Some(class.to_owned()), ..self }
    }

    /// One of a test's own.
    #[cfg(test)]
    pub(crate) fn made(family: &'static Family) -> Self {
        let number = family.number.as_ref().map(|number| number.usual);
        Self { family, options: Options { number, ..Options::default() }, asked: None }
    }

    /// One of each family.
    #[cfg(test)]
    pub(crate) fn every() -> impl Iterator<Item = Self> {
        table::FAMILIES.iter().map(|family| Self::made(family))
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

    /// What it is called where there is little room.
    pub fn short(&self) -> String {
        match &self.family.number {
            Some(Number { is_whole: false, .. }) => "F-beta".to_owned(),
            _ => self.name(),
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

    /// How many answers an image count: the k of `map@5`, one of most.
    pub fn n_answers(&self) -> usize {
        match &self.family.number {
            Some(Number { is_whole: true, .. }) => self.options.number.map_or(1, |k| k as usize),
            _ => 1,
        }
    }

    /// The least and the most that it can be.
    pub fn bounds(&self) -> (f64, f64) {
        self.family.bounds
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

    /// Whether it scores such answers about images with that kind of target. A ranking of one is a
    /// label.
    pub fn takes(&self, kind: TargetKind, form: Form) -> bool {
        let is_label = form == Form::Label && self.n_answers() == 1;
        self.family.forms.contains(&(kind, form))
            || (is_label && self.family.forms.contains(&(kind, Form::Ranking)))
    }

    /// The score of a list of answers; `NaN` where it is not defined: of no answers, or where what is
    /// asked for occurs nowhere.
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

    /// Whether classes count that neither the truth nor an answer has, as in a mean over all tags: told by
    /// scoring the same labels of two classes and of three.
    pub fn counts_every_class(&self, kind: TargetKind) -> bool {
        if self.family.forms.iter().all(|(of_kind, _)| *of_kind != kind) {
            return false;
        }
        let ids = ["a", "b"].map(str::to_owned);
        let truth = Truth::Classes(vec![vec![0], vec![1]]);
        let said = Said::Lists(vec![vec![0], vec![0]]);
        let score = |n: usize| {
            let classes: Classes = (0..n).map(|class| class.to_string()).collect::<Vec<_>>().into();
            let rows = Scoring { kind, ids: &ids, classes: &classes, truth: &truth, said: &said };
            self.score(&rows).ok().filter(|score| score.is_finite())
        };
        score(2).is_some_and(|of_two| score(3).is_some_and(|of_three| of_two != of_three))
    }

    /// The columns of probabilities that count: that of the class that is asked about, or all.
    fn columns(&self, classes: &Classes) -> Range<usize> {
        match self.asked.as_deref().and_then(|class| classes.position(class)) {
            Some(column) => column..column + 1,
            None => 0..classes.len(),
        }
    }

    /// How much each class counts, where they do not count alike. A class that there is not is an
    /// error.
    pub fn class_weights(&self, classes: &Classes) -> Result<Option<Vec<f64>>, Misfit> {
        let Some(Weights::Named(named)) = &self.options.weights else { return Ok(None) };
        let mut weights = vec![1.0; classes.len()];
        for (class, &weight) in named {
            let Some(place) = classes.meant_by(class) else {
                let classes = classes.names().iter().take(FEW).cloned().collect();
                return Err(Misfit::Class { metric: self.name(), class: class.clone(), classes });
            };
            weights[place] = weight;
        }
        Ok(Some(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_word() {
        for name in ["log-loss", "mean-f2", "mean-f0.5", "map@5", "error@1", "auc", "mean-rmse"] {
            assert_eq!(Metric::of(name).unwrap().name(), name);
        }
        assert_eq!(Metric::of("mean-f2").unwrap(), Metric::mean_fbeta(2.0));
        for name in [
            "mean-f",
            "mean-f0",
            "mean-f-1",
            "mean-finf",
            "mean-fnan",
            "mean-f1e300",
            "f",
            "map@0",
            "map@1.5",
            "map@",
            "error@1001",
            "micro-f2",
            "AUC",
            "rmse2",
        ] {
            let error = Metric::of(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("`mean-f<beta>`"), "{error}");
        }
    }

    #[test]
    fn a_ranking_of_one_is_a_label() {
        let takes =
            |word: &str, form| Metric::of(word).unwrap().takes(TargetKind::SingleLabel, form);
        for word in ["map@1", "error@1"] {
            assert!(takes(word, Form::Label) && takes(word, Form::Ranking), "{word}");
        }
        assert!(!takes("error@5", Form::Label) && takes("error@5", Form::Ranking));
        assert!(!takes("auc", Form::Label) && !takes("mean-f1", Form::Label));
    }

    #[test]
    fn of_two_probabilities_the_one_that_is_asked_for_counts() {
        let truth = [vec![0], vec![1], vec![1]];
        let p = vec![0.9, 0.1, 0.8, 0.2, 0.3, 0.7];
        let case = reference::Case::probabilities(&truth, p, 2);
        // F1 of `0` is 2 x 0.9 / (2 + 1), that of `1` 2 x 0.9 / (1 + 2).
        let pf1 = Metric::of("pf1").unwrap();
        assert!((case.score_by(&pf1) - 0.6).abs() < 1e-12);
        let skewed = Metric::of("pf1").unwrap().about("1");
        assert_eq!(skewed, pf1);
        let one = reference::Case::probabilities(
            &[vec![0], vec![0], vec![1]],
            vec![0.9, 0.1, 0.8, 0.2, 0.3, 0.7],
            2,
        );
        assert!((one.score_by(&skewed) - 2.0 * 0.7 / 2.0).abs() < 1e-12);
        assert!((one.score_by(&pf1.about("0")) - 2.0 * 1.7 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn classes_that_nothing_has_count_in_few_metrics() {
        let counts = |kind| -> Vec<String> {
            let counting = Metric::every().filter(|metric| metric.counts_every_class(kind));
            counting.map(|metric| metric.name()).collect()
        };
        assert_eq!(counts(TargetKind::MultiLabel), ["macro-f1", "hamming-loss"]);
        assert_eq!(counts(TargetKind::SingleLabel), [""; 0]);
        assert_eq!(counts(TargetKind::Number), [""; 0]);
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
