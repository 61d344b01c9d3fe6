//! Which views of an image to predict with, chosen as blends are: on held-out images, cross-fitted,
//! decision and all.
//!
//! The members of the pool are [parts](crate::run::ViewMeans) of test-time augmentation: first
//! the mean over all views, which stands unless another part alone, or a weighted mean of parts,
//! beats it by more than two standard errors.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::choose::{Name, Tried, compared};
use super::{Candidate, Method, Pool, Rule};
use crate::decide::compare::{Clear, MIN_IMAGES};

/// Which parts of test-time augmentation are used, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ViewChoice {
    /// The candidate that is used.
    pub chosen: String,
    pub parts: Vec<String>,
    /// The weight of each in the mean; they sum to one.
    pub weights: Vec<f64>,
    /// What was tried, the mean over all views first.
    pub candidates: Vec<Candidate>,
}

const WEIGHTED: &str = "weighted";

/// Chooses among the members of `pool`, the parts of one model's answer.
pub fn choose_views(pool: &Pool) -> Result<ViewChoice> {
    let pool = pool.clone().with_folds();
    let n = pool.names.len();
    let nests = pool.ids.len() >= MIN_IMAGES;
    let mut names = pool.names.clone();
    let mut tried: Vec<Tried> = (0..if nests { n } else { 1 }).map(Tried::alone).collect();
    if nests && n > 2 {
        names.push(WEIGHTED.to_owned());
        tried.push(Tried::all(Method::Greedy));
    }
    let found = compared(&pool, &tried, nests)?;
    let names = names.into_iter().take(tried.len()).map(|name| Name { name });
    let candidates = found.candidates(names, Clear::StandardErrors);
    let all: Vec<usize> = (0..tried.len()).collect();
    let chosen = found.winner(&all, Clear::StandardErrors);
    let weights = match &found.fitted[chosen].rule {
        Rule::Probabilities { weights } if weights.len() == n => weights.clone(),
        _ => (0..n).map(|part| f64::from(u8::from(part == chosen))).collect(),
    };
    let name = candidates[chosen].what.name.clone();
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
