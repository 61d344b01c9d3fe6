//! Which views of an image to predict with, chosen as blends are: on held-out images, cross-fitted,
//! decision and all.
//!
//! The members of the pool are [parts](crate::run::ViewMeans) of test-time augmentation: first
//! the mean over all views, which stands unless another part alone, or a weighted mean of parts,
//! clearly beats it.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::choose::{Name, Tried, compared};
use super::{Candidate, Method, Pool, Rule};
use crate::decide::compare::{Clear, MIN_IMAGES};
use crate::run::checked::{Checked, Fault, between, hold};

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
/// How far the weights may be from adding up to one.
const OFF: f64 = 1e-6;

impl Checked for ViewChoice {
    fn check(&self) -> Result<(), Fault> {
        let Self { chosen, parts, weights, candidates } = self;
        hold(!parts.is_empty(), "parts", || "is empty".to_owned())?;
        let is_known = chosen == WEIGHTED || parts.contains(chosen);
        hold(is_known, "chosen", || format!("is `{chosen}`, which is none of the parts"))?;
        let (n, n_parts) = (weights.len(), parts.len());
        hold(n == n_parts, "weights", || format!("has {n} of {n_parts} parts"))?;
        for (i, &weight) in weights.iter().enumerate() {
            between(&format!("weights.{i}"), weight, 0.0, 1.0)?;
        }
        let sum: f64 = weights.iter().sum();
        hold((sum - 1.0).abs() < OFF, "weights", || format!("add up to {sum}, not to 1"))?;
        candidates.iter().enumerate().try_for_each(|(i, candidate)| {
            candidate.check().map_err(|fault| fault.within(format!("candidates.{i}")))
        })
    }
}

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
    let weights = match &found.fitted()[chosen].rule {
        Rule::Probabilities { weights } if weights.len() == n => weights.clone(),
        _ => (0..n).map(|part| f64::from(u8::from(part == chosen))).collect(),
    };
    let name = candidates[chosen].what.name.clone();
    Ok(ViewChoice { chosen: name, parts: pool.names, weights, candidates })
}

impl ViewChoice {
    /// One answer of the parts', which are in the choice's order: `[n, outputs]`.
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::checked;

    #[test]
    fn weights_of_views_are_numbers_that_add_up_to_one() {
        let text = "chosen = \"weighted\"\nparts = [\"all views\", \"one view\"]\n\
                    weights = [0.25, 0.75]\ncandidates = []\n";
        let read = |text: &str| checked::parse::<ViewChoice>(text, Path::new("views.toml"));
        assert_eq!(read(text).unwrap().weights, [0.25, 0.75]);
        for (old, new, expected) in [
            ("0.25", "nan", "line 3: `weights.0` is NaN"),
            ("0.25", "-0.25", "`weights.0` is -0.25"),
            ("0.25", "0.5", "`weights` add up to 1.25"),
            ("[0.25, 0.75]", "[1.0]", "`weights` has 1 of 2 parts"),
            ("\"weighted\"", "\"all\"", "line 1: `chosen` is `all`"),
            ("[\"all views\", \"one view\"]", "[]", "line 2: `parts` is empty"),
        ] {
            let error = format!("{:#}", read(&text.replacen(old, new, 1)).unwrap_err());
            assert!(error.contains(expected) && error.contains("views.toml"), "{error}");
        }
    }
}
