//! Several models' predictions become one: a mean, or something better where out-of-fold
//! predictions clearly say so.
//!
//! Nothing here looks at test images. A [`Pool`] holds what the members of an ensemble predicted about
//! training images that they had not seen; a [`Method`] fits a [`Blend`] on it; [`choose()`]
//! compares the methods on folds that no fit has seen, decision and all, and keeps the plain mean
//! unless another one beats it by more than two standard errors.

mod choose;
mod greedy;
pub mod members;
mod method;
mod pool;
mod ranks;
#[cfg(test)]
mod tests;
mod views;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

pub use self::choose::{BlendChoice, Candidate, Name, choose};
pub use self::method::Method;
pub use self::pool::Pool;
pub use self::views::{ViewChoice, choose_views};
use super::numbers::{logits, sigmoid, softmax};
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind};

/// How the members' predictions become one, as it is kept beside a submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Blend {
    /// The members' names, in the order in which their predictions are given.
    pub members: Vec<String>,
    pub kind: TargetKind,
    pub classes: Classes,
    pub rule: Rule,
}

/// What is done to a row of each member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The weighted mean of probabilities, levels or numbers.
    Probabilities {
        /// One a member; they sum to one.
        weights: Vec<f64>,
    },
    /// The weighted sum of `ln p`, scaled so that probabilities sum to one, or of `logit p` for
    /// tags.
    Logits { weights: Vec<f64> },
    /// The weighted mean of [places](ranks::shares) among the images that are answered together.
    Ranks { weights: Vec<f64> },
}

impl Blend {
    /// The plain mean of members.
    pub fn mean(members: Vec<String>, kind: TargetKind, classes: Classes) -> Self {
        let rule = Rule::Probabilities { weights: equal(members.len()) };
        Self { members, kind, classes, rule }
    }

    /// One row an image from the members' rows, which must be of the same images in the same order.
    pub fn apply(&self, predictions: &[Predictions]) -> Result<Predictions> {
        ensure!(
            predictions.len() == self.members.len(),
            "a blend of {} members is given predictions of {}",
            self.members.len(),
            predictions.len()
        );
        let first = predictions.first().context("a blend has no member")?;
        for (member, predicted) in self.members.iter().zip(predictions) {
            ensure!(
                predicted.classes == self.classes,
                "`{member}` has other classes than the blend"
            );
            ensure!(
                predicted.ids == first.ids,
                "`{member}` predicts other images than the others do"
            );
        }
        let rows: Vec<&Table> = predictions.iter().map(|p| &p.probabilities).collect();
        Ok(Predictions {
            ids: first.ids.clone(),
            probabilities: self.rule.apply(self.kind, &rows),
            classes: self.classes.clone(),
        })
    }
}

impl Rule {
    /// One row an image from the members' rows, each `[n, outputs]`.
    pub(super) fn apply(&self, kind: TargetKind, members: &[&Table]) -> Table {
        let Some((&first, others)) = members.split_first() else { return Table::default() };
        if others.is_empty() {
            return first.clone();
        }
        let n_classes = first.width();
        let ranked: Vec<Table>;
        let mut members = members.to_vec();
        if let Self::Ranks { .. } = self {
            ranked = members.iter().map(|rows| ranks::shares(rows)).collect();
            members = ranked.iter().collect();
        }
        let mut blended = Vec::with_capacity(first.as_slice().len());
        for i in 0..first.n_rows() {
            let rows = members.iter().map(|rows| rows.row(i));
            let row = match self {
                Self::Probabilities { weights } | Self::Ranks { weights } => {
                    let wide = |row: &[f32]| row.iter().map(|&p| f64::from(p)).collect();
                    weighted(rows.map(wide), weights, n_classes)
                }
                Self::Logits { weights } => {
                    let summed = weighted(rows.map(|row| logits(kind, row)), weights, n_classes);
                    match kind {
                        TargetKind::SingleLabel => softmax(&summed),
                        TargetKind::MultiLabel => summed.into_iter().map(sigmoid).collect(),
                        TargetKind::Ordinal | TargetKind::Number => summed,
                    }
                }
            };
            blended.extend(row.into_iter().map(|p| p as f32));
        }
        Table::new(blended, n_classes)
    }
}

/// The same weight for each of `n`, one in all.
fn equal(n: usize) -> Vec<f64> {
    vec![1.0 / n as f64; n]
}

fn weighted(rows: impl Iterator<Item = Vec<f64>>, weights: &[f64], n_classes: usize) -> Vec<f64> {
    let mut sum = vec![0.0; n_classes];
    for (row, weight) in rows.zip(weights).filter(|&(_, &weight)| weight != 0.0) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += weight * value;
        }
    }
    sum
}
