//! From what a model says to answers, for every metric but log loss of one class and the mean over
//! images of F-beta, which have their own places ([`super::log_loss`], [`super::tags`]): the ways that
//! serve the metric, each fitted, compared on images that it has not seen, and one of them chosen.
//!
//! The first way stands unless another clearly beats it. What a metric rewards is known from its
//! family's [`Serving`](crate::metric::Serving); how much of it pays is asked of the data.

mod cut_points;
mod decision;
mod fit;
mod options;
mod probabilities;
mod rule;
mod search;
mod tags;
#[cfg(test)]
mod tests;
mod way;

pub use decision::AnswerDecision;
pub use options::Options;
pub use rule::Rule;
pub use way::{Tried, Way};

use anyhow::Result;

use super::compare::{self, Clear, MIN_IMAGES};
use super::contest::contest;
use super::judged::{Judged, Part};
use crate::metric::{Metric, Serving};

/// One of the ways, and how well it does.
pub type Candidate = compare::Candidate<Tried>;

/// Resamplings of an interval, where the metric is a mean over images.
const DRAWS: usize = 1000;

/// What all ways have learned, and which of them is used.
pub struct Found {
    /// The ways, the one to beat first.
    pub candidates: Vec<Candidate>,
    /// What each has learned from all images, in their order.
    pub rules: Vec<Rule>,
    /// The place of the one that is used.
    pub chosen: usize,
    /// Folds of the nested scores; 0: nothing is fitted, or there were too few images.
    pub folds: usize,
}

/// Fits and compares the ways that serve `metric`; with few images the first one does.
pub fn fit(metric: &Metric, images: &Judged, options: &Options) -> Result<Found> {
    let ways = way::ways(metric, images.kind, &images.predictions.classes, options);
    let is_fitted = ways.len() > 1 || ways.iter().any(|way| way.is_fitted());
    let nests = is_fitted && images.truth.len() >= MIN_IMAGES;
    let found = contest(
        metric,
        images,
        nests,
        |taken| {
            let part = Part::of(images, taken);
            Ok(ways.iter().map(|&way| fit::rule(way, metric, &part.judged(), options)).collect())
        },
        |rule: &Rule, taken| {
            Ok(rule.answers(images.kind, Part::of(images, taken).predictions, options.unknown()))
        },
    )?;
    let clear = match metric.family().serves {
        Serving::Calibrated => Clear::StandardErrors,
        _ => Clear::Interval { draws: DRAWS },
    };
    let is_eligible = |&i: &usize| options.only_way.is_none_or(|only| ways[i] == only);
    let mut eligible: Vec<usize> = (0..ways.len()).filter(is_eligible).collect();
    if eligible.is_empty() {
        eligible.push(0);
    }
    let tried = ways.iter().map(|&way| Tried { way });
    Ok(Found {
        candidates: found.candidates(tried, clear),
        chosen: if nests { found.winner(&eligible, clear) } else { eligible[0] },
        folds: found.n_folds(),
        rules: found.fitted().to_vec(),
    })
}

/// What the one way learns that a competition by this metric is likely decided by: enough to compare
/// what comes before the decision.
pub(super) fn quick(metric: &Metric, images: &Judged, options: &Options) -> (Way, Rule) {
    let ways = way::ways(metric, images.kind, &images.predictions.classes, options);
    // Levels that were averaged lie nearer to their middle, which halves do not know.
    let wants_last = metric.family().serves == Serving::CutPoints;
    let way = if wants_last && images.truth.len() >= MIN_IMAGES {
        ways.last().copied()
    } else {
        ways.first().copied()
    };
    let way = way.unwrap_or(Way::AsTheyAre);
    (way, fit::rule(way, metric, images, options))
}
