//! What a metric is like: everything that the rest of the program asks about it.

use super::Metric;
use crate::table::Table;
use crate::target::{Classes, Said, TargetKind, Truth};

/// One kind of score.
#[derive(Debug)]
pub struct Family {
    /// Its word in specs; a number follows where it has one.
    pub word: &'static str,
    /// The number behind the word: `map@5`, `mean-f2`.
    pub number: Option<Number>,
    /// For people.
    pub title: fn(&Metric) -> String,
    pub better: Direction,
    /// What no answers score less than, and more than.
    pub bounds: (f64, f64),
    /// The kinds of targets that it is for, and what an answer is then.
    pub forms: &'static [(TargetKind, Form)],
    /// The options that it knows: `weights`, `weight`, `tpr`.
    pub options: &'static [&'static str],
    /// What is minimised to be good at it.
    pub trains: Training,
    /// What is done to a model's outputs to be good at it.
    pub serves: Serving,
    pub score: ScoreBy,
}

/// The number in a metric's word.
#[derive(Debug)]
pub struct Number {
    /// What it is called: `beta`, `k`.
    pub name: &'static str,
    /// An example.
    pub usual: f64,
    /// From where to where it may be.
    pub range: (f64, f64),
    /// Whether it counts something.
    pub is_whole: bool,
}

/// Which of two scores is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Lower,
    Higher,
}

/// What an answer about an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A probability a class, or of one class.
    Probabilities,
    /// One class.
    Label,
    /// The likeliest classes, best first.
    Ranking,
    /// One class and how sure it is.
    ScoredLabel,
    /// Any number of tags.
    Tags,
    /// A number a column.
    Numbers,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Training {
    /// Cross-entropy: categorical for one class, binary for tags.
    Likelihood,
    /// The squared error of the level or the numbers.
    SquaredError,
    /// The absolute error of the numbers.
    AbsoluteError,
    /// The squared error of `ln(1 + y)`.
    SquaredLogError,
}

/// What is done to outputs before they are answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Softened and clipped.
    Calibrated,
    /// Nothing: they are probabilities whose order alone counts.
    AsTheyAre,
    /// The largest, or the largest few.
    Largest,
    /// The largest and how large it is, comparable between images.
    LargestAndHowSure,
    /// One where a probability is above a threshold, zero elsewhere.
    ZeroOrOne,
    /// The tags above a threshold, for a mean over images of F.
    TagsAnImage,
    /// One threshold for all.
    Threshold,
    /// A threshold a tag; for one class, the largest of probabilities divided by a power of their share.
    ThresholdAClass,
    /// The largest of probabilities divided by a power of their share.
    Priors,
    /// Limits between levels.
    CutPoints,
    /// The numbers, within their range.
    Range,
}

/// How a list of answers is scored.
#[derive(Clone, Copy)]
pub enum ScoreBy {
    /// The mean of a score an answer.
    Rows(fn(&Metric, &Scoring) -> Result<Vec<f64>, Misfit>),
    /// All answers at once; how far it can be trusted, resampling tells.
    Whole(fn(&Metric, &Scoring) -> Result<f64, Misfit>),
}

impl std::fmt::Debug for ScoreBy {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rows(_) => "Rows",
            Self::Whole(_) => "Whole",
        })
    }
}

/// Answers beside what is true, image by image in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Scoring<'a> {
    pub kind: TargetKind,
    pub ids: &'a [String],
    /// What indices and columns mean, in the truth and in what is said.
    pub classes: &'a Classes,
    pub truth: &'a Truth,
    pub said: &'a Said,
}

impl<'a> Scoring<'a> {
    /// The classes of each image, and those that were answered.
    pub(super) fn lists(&self, metric: &Metric) -> Result<Pairs<'a>, Misfit> {
        match (self.truth, self.said) {
            (Truth::Classes(truth), Said::Lists(said)) => Ok((truth, said)),
            _ => Err(Misfit::new(metric, self.said)),
        }
    }

    /// The classes of each image, and what was said about each class.
    pub(super) fn probabilities(
        &self,
        metric: &Metric,
    ) -> Result<(&'a [Vec<usize>], &'a Table<f64>), Misfit> {
        match (self.truth, self.said) {
            (Truth::Classes(truth), Said::Probabilities(said)) => Ok((truth, said)),
            _ => Err(Misfit::new(metric, self.said)),
        }
    }

    /// The numbers of each image, and those that were answered.
    pub(super) fn numbers(
        &self,
        metric: &Metric,
    ) -> Result<(&'a Table<f64>, &'a Table<f64>), Misfit> {
        match (self.truth, self.said) {
            (Truth::Numbers(truth), Said::Numbers(said)) => Ok((truth, said)),
            _ => Err(Misfit::new(metric, self.said)),
        }
    }

    /// The mean over each row's numbers of what two numbers give, the true one and the answer.
    pub(super) fn mean_of_cells(
        &self,
        metric: &Metric,
        of: impl Fn(f64, f64) -> f64,
    ) -> Result<Vec<f64>, Misfit> {
        let (truth, said) = self.numbers(metric)?;
        let of_row = |(truth, said): (&[f64], &[f64])| {
            let cells = truth.iter().zip(said).map(|(&truth, &said)| of(truth, said));
            cells.sum::<f64>() / truth.len() as f64
        };
        Ok(truth.rows().zip(said.rows()).map(of_row).collect())
    }
}

/// Lists of class indices: the true ones of each image, and those that were answered.
pub(super) type Pairs<'a> = (&'a [Vec<usize>], &'a [Vec<usize>]);

/// Answers that the metric cannot score.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// They are of another form.
    #[error("`{metric}` does not score {said}")]
    Form { metric: String, said: &'static str },
    /// The metric's options name a class that there is not.
    #[error(
        "`weights` of `{metric}` name `{class}`, which is none of the classes\nhint: they are {}",
        .classes.join(", ")
    )]
    Class {
        metric: String,
        class: String,
        /// The first few that there are.
        classes: Vec<String>,
    },
}

impl Misfit {
    pub fn new(metric: &Metric, said: &Said) -> Self {
        let said = match said {
            Said::Probabilities(_) => "probabilities",
            Said::Lists(_) => "labels",
            Said::Scored(_) => "labels with a confidence",
            Said::Numbers(_) => "numbers",
        };
        Self::Form { metric: metric.name(), said }
    }
}

/// Scores whose mean is the mean weighted by `weights`.
pub(super) fn weighted(scores: Vec<f64>, weights: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let scale = scores.len() as f64 / weights.clone().sum::<f64>();
    scores.into_iter().zip(weights).map(|(score, weight)| score * weight * scale).collect()
}
