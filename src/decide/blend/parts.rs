//! Which views of an image to predict with, chosen as blends are: on held-out images, cross-fitted,
//! decision and all.
//!
//! The members of the pool are [parts](crate::learn::tta::Parts) of test-time augmentation: first
//! the mean over all views, which stands unless another part alone, or a weighted mean of parts,
//! beats it by more than two standard errors.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::choose::{MIN_IMAGES, Trial, best};
use super::{Candidate, Method, Pool, Rule};

/// Which parts of test-time augmentation are used, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ViewChoice {
    /// The candidate that is used.
    pub chosen: String,
    /// The parts' names.
    pub parts: Vec<String>,
    /// The weight of each in the mean; they sum to one.
    pub weights: Vec<f64>,
    /// What was tried, the mean over all views first.
    pub candidates: Vec<Candidate>,
}

/// As it is told.
const WEIGHTED: &str = "weighted";

/// Chooses among the members of `pool`, the parts of one model's answer.
pub fn choose_parts(pool: &Pool) -> Result<ViewChoice> {
    let pool = pool.clone().with_folds();
    let n = pool.names.len();
    let mut names = pool.names.clone();
    let mut trials = Vec::new();
    let nests = pool.ids.len() >= MIN_IMAGES;
    for part in 0..if nests { n } else { 1 } {
        trials.push(Trial::of(Method::Mean, &pool.only(part), nests)?);
    }
    if nests && n > 2 {
        names.push(WEIGHTED.to_owned());
        trials.push(Trial::of(Method::Greedy, &pool, true)?);
    }
    let told = names.into_iter().zip(&trials);
    let candidates: Vec<Candidate> =
        told.map(|(name, trial)| trial.compared(name, pool.metric, &trials[0])).collect();
    let chosen = best(&candidates);
    let weights = match trials.swap_remove(chosen).fitted.rule {
        Rule::Probabilities { weights } if weights.len() == n => weights,
        _ => (0..n).map(|part| f64::from(u8::from(part == chosen))).collect(),
    };
    let name = candidates[chosen].name.clone();
    Ok(ViewChoice { chosen: name, parts: pool.names, weights, candidates })
}

impl ViewChoice {
    /// One answer of the parts', which are in the choice's order: `[n, classes]`.
    pub fn mean(&self, parts: &[Vec<f32>]) -> Vec<f32> {
        let mut mean = vec![0.0; parts.first().map_or(0, Vec::len)];
        for (part, &weight) in parts.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0)
        {
            mean.iter_mut().zip(part).for_each(|(mean, p)| *mean += weight as f32 * p);
        }
        mean
    }

    /// Whether the mean over all views is used.
    pub fn is_all(&self) -> bool {
        self.weights.first() == Some(&1.0)
    }
}
