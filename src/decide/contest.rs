//! The one comparison for candidates that answer about images: by each image's score where the metric
//! is a mean of these ([`super::compare`]), else by resampling ([`super::whole`]).

use anyhow::{Context, Result};

use super::compare::{Candidate, Clear, Comparison, Folds, Spread, compare, mean_and_error};
use super::judged::Judged;
use super::whole::{self, Whole, whole};
use crate::metric::{Metric, ScoreBy, Scoring};
use crate::target::Answers;

/// Candidates fitted on all images, and how well each does.
pub(super) enum Contest<Fitted> {
    Rows(Comparison<Fitted>),
    Whole(Whole<Fitted>),
}

/// Fits and scores. `fit` gets images and gives what each candidate learns from them, `answer` gives
/// the answers about images by one of these. `nests`: not, where there is nothing to compare.
pub(super) fn contest<Fitted: Send + Sync>(
    metric: &Metric,
    images: &Judged,
    nests: bool,
    fit: impl Fn(&[usize]) -> Result<Vec<Fitted>> + Sync,
    answer: impl Fn(&Fitted, &[usize]) -> Result<Answers> + Sync,
) -> Result<Contest<Fitted>> {
    let folds = match images.folds {
        [] => Folds::of(&vec![0; images.truth.len()]),
        folds => Folds::of(folds),
    };
    if let ScoreBy::Whole(_) = metric.family().score {
        return Ok(Contest::Whole(whole(metric, images, &folds, nests, fit, answer)?));
    }
    let score = |fitted: &Fitted, taken: &[usize]| {
        let answers = answer(fitted, taken)?;
        let (kind, truth) = (images.kind, images.truth.select(taken));
        let Answers { ids, classes, said } = &answers;
        let scoring = Scoring { kind, ids, classes, truth: &truth, said };
        Ok(metric.row_scores(&scoring).context("a mean over images")??)
    };
    let higher_is_better = metric.better(1.0, 0.0);
    Ok(Contest::Rows(compare(&folds, nests, higher_is_better, fit, score)?))
}

impl<Fitted: Sync> Contest<Fitted> {
    /// What each has learned from all images, in their order.
    pub(super) fn fitted(&self) -> &[Fitted] {
        match self {
            Self::Rows(rows) => &rows.fitted,
            Self::Whole(whole) => &whole.fitted,
        }
    }

    /// How many folds the nested scores have; 0: they are those in sample.
    pub(super) fn n_folds(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.n_folds(),
            Self::Whole(whole) => whole.n_folds(),
        }
    }

    /// A line for each candidate, in their order.
    pub(super) fn candidates<What>(
        &self,
        whats: impl IntoIterator<Item = What>,
        clear: Clear,
    ) -> Vec<Candidate<What>> {
        match self {
            Self::Rows(rows) => rows.candidates(whats, clear),
            Self::Whole(whole) => whole.candidates(whats),
        }
    }

    /// The first of `eligible`, unless another of them clearly beats it.
    pub(super) fn winner(&self, eligible: &[usize], clear: Clear) -> usize {
        match self {
            Self::Rows(rows) => rows.winner(eligible, clear),
            Self::Whole(whole) => whole.winner(eligible, clear),
        }
    }
}

/// The score of answers about images with its standard error; none where the metric is no mean over
/// images, or cannot score them.
pub fn score_and_error(metric: &Metric, images: &Judged, answers: &Answers) -> Option<(f64, f64)> {
    let scores = metric.row_scores(&images.scoring(answers))?.ok()?;
    Some(mean_and_error(&scores))
}

/// What the second answers to the same images score more than the first, and how far that can be
/// trusted.
pub fn difference(
    metric: &Metric,
    images: &Judged,
    first: &Answers,
    second: &Answers,
) -> Result<(f64, Spread)> {
    let of = |answers: &Answers| metric.row_scores(&images.scoring(answers)).transpose();
    let (Some(first), Some(second)) = (of(first)?, of(second)?) else {
        return whole::difference(metric, images, first, second);
    };
    let differences: Vec<f64> = second.iter().zip(first).map(|(b, a)| b - a).collect();
    let (mean, error) = mean_and_error(&differences);
    Ok((mean, Spread::StandardError(error)))
}
