//! What a metric is like: everything that the rest of the program asks about it.

use super::Metric;
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

/// Answers of another form than the metric scores.
#[derive(Debug, thiserror::Error)]
#[error("`{metric}` does not score {said}")]
pub struct Misfit {
    metric: String,
    said: &'static str,
}

impl Misfit {
    pub fn new(metric: &Metric, said: &Said) -> Self {
        let said = match said {
            Said::Probabilities(_) => "probabilities",
            Said::Lists(_) => "labels",
            Said::Scored(_) => "labels with a confidence",
            Said::Numbers(_) => "numbers",
        };
        Self { metric: metric.name(), said }
    }
}
