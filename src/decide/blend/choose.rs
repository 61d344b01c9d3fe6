//! Which blend to trust: every method scored on folds that it was not fitted on.
//!
//! For each fold, a method is fitted on the other folds, the decision (clip and temperature, or
//! one threshold) on what it then says of those, and both answer for the fold. The scores of all
//! images so answered are the nested score; beside it stands the score on the images that all was
//! fitted on. How tags are decided in the end is asked once there is a blend, in the same way
//! ([`crate::decide::tags`]). Members answer for an image only by networks that have not seen it, so nothing that
//! is scored has been learned from.
//!
//! The mean stands unless another method's gain, image by image, is more than [`CLEAR`] standard
//! errors: the best of several tries looks better than it is.

use anyhow::{Result, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::method::Fitted;
use super::{Blend, Method, Pool};
use crate::decide::Decision;
use crate::decide::paired::mean_and_error;
use crate::metric::{Metric, row_log_loss, sample_fbeta};
use crate::table::Table;
use crate::target::Answers;

/// Standard errors by which a method must beat the mean.
pub(super) const CLEAR: f64 = 2.0;
/// With fewer images no method but the mean is tried.
pub(super) const MIN_IMAGES: usize = 50;

/// A way to answer, and how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Candidate {
    /// The method's name, or the member's.
    pub name: String,
    /// The score on the images that it was fitted on.
    pub in_sample: f64,
    /// The score on images that it has not seen.
    pub nested: f64,
    /// By how much `nested` is better than the mean's; what is worse is below zero.
    pub gain: f64,
    /// The standard error of `gain`, from its spread over images.
    pub standard_error: f64,
}

/// The blend to use, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Choice {
    /// The method of `blend`.
    pub method: Method,
    /// Images that it was chosen on.
    pub images: usize,
    /// Folds of the nested scores.
    pub folds: usize,
    /// The methods, the mean first.
    pub methods: Vec<Candidate>,
    /// Each member alone, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Candidate>,
    /// The decision for blended predictions.
    pub decision: Decision,
    /// What makes one prediction of the members'.
    pub blend: Blend,
    /// The images that it was chosen on, blended: `[n, classes]`. Not kept.
    #[serde(skip)]
    pub predictions: Table,
}

impl Choice {
    /// The chosen method's line.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.methods.iter().find(|candidate| candidate.name == self.method.name())
    }
}

/// Fits every method on out-of-fold predictions and chooses one.
pub fn choose(pool: &Pool) -> Result<Choice> {
    let pool = pool.clone().with_folds();
    let n_members = pool.members.len();
    let enough = pool.ids.len() >= MIN_IMAGES;
    let tried = if n_members > 1 && enough { Method::ALL.len() } else { 1 };
    let alone = if n_members > 1 { n_members } else { 0 };
    let trials: Vec<Trial> = (0..tried + alone)
        .into_par_iter()
        .map(|i| match i.checked_sub(tried) {
            None => Trial::of(Method::ALL[i], &pool, enough),
            Some(member) => Trial::of(Method::Mean, &pool.only(member), enough),
        })
        .collect::<Result<_>>()?;

    let names = Method::ALL[..tried].iter().map(|method| method.name().to_owned());
    let names = names.chain(pool.names.iter().take(alone).cloned());
    let mut methods: Vec<Candidate> = names
        .zip(&trials)
        .map(|(name, trial)| trial.compared(name, pool.metric, &trials[0]))
        .collect();
    let members = methods.split_off(tried);
    let best = best(&methods);
    let trial = trials.into_iter().nth(best).unwrap_or_else(|| unreachable!("one of them"));
    let targets = pool.targets.iter().map(Vec::as_slice);
    let blended = pool.predictions(trial.fitted.predictions);
    let decision = Decision::fit(pool.metric, &blended, targets, &pool.folds, &pool.tags);
    Ok(Choice {
        method: Method::ALL[best],
        images: pool.ids.len(),
        folds: pool.fold_set().len(),
        methods,
        members,
        decision,
        predictions: blended.probabilities,
        blend: Blend {
            members: pool.names,
            kind: pool.kind,
            classes: pool.classes,
            rule: trial.fitted.rule,
        },
    })
}

/// The candidate with the largest gain if that is a clear one, else the first.
pub(super) fn best(candidates: &[Candidate]) -> usize {
    let clear = |c: &Candidate| c.gain > 0.0 && c.gain > CLEAR * c.standard_error;
    (0..candidates.len())
        .filter(|&i| i == 0 || clear(&candidates[i]))
        .max_by(|&a, &b| candidates[a].gain.total_cmp(&candidates[b].gain).then(b.cmp(&a)))
        .unwrap_or_default()
}

/// A method fitted, and its scores image by image.
pub(super) struct Trial {
    pub(super) fitted: Fitted,
    in_sample: Vec<f64>,
    /// In the order of folds; without folds those of `in_sample`.
    nested: Vec<f64>,
}

impl Trial {
    pub(super) fn of(method: Method, pool: &Pool, nests: bool) -> Result<Self> {
        let fitted = method.fit(pool);
        let decision = decide(pool, fitted.predictions.clone());
        let in_sample = score(pool, &fitted, &decision)?;
        let folds: Vec<usize> = pool.fold_set().into_iter().collect();
        let of_fold = |&fold: &usize| {
            let (seen, unseen) = (pool.part(|f| f != fold), pool.part(|f| f == fold));
            let fitted = method.fit(&seen);
            let decision = decide(&seen, fitted.predictions.clone());
            score(&unseen, &fitted, &decision)
        };
        let nested = if nests {
            folds.par_iter().map(of_fold).collect::<Result<Vec<_>>>()?.concat()
        } else {
            in_sample.clone()
        };
        Ok(Self { fitted, in_sample, nested })
    }

    pub(super) fn compared(&self, name: String, metric: Metric, mean: &Self) -> Candidate {
        let pairs = self.nested.iter().zip(&mean.nested);
        let gain = |(&own, &mean): (&f64, &f64)| {
            if metric.better(1.0, 0.0) { own - mean } else { mean - own }
        };
        let differences: Vec<f64> = pairs.map(gain).collect();
        let (gain, standard_error) = mean_and_error(&differences);
        let (in_sample, _) = mean_and_error(&self.in_sample);
        let (nested, _) = mean_and_error(&self.nested);
        Candidate { name, in_sample, nested, gain, standard_error }
    }
}

fn decide(pool: &Pool, predictions: Table) -> Decision {
    let targets = pool.targets.iter().map(Vec::as_slice);
    Decision::quick(pool.metric, &pool.predictions(predictions), targets)
}

/// The score of each image.
fn score(pool: &Pool, fitted: &Fitted, decision: &Decision) -> Result<Vec<f64>> {
    let answers = decision.apply(pool.predictions(pool.blended(&fitted.rule)))?;
    let targets = pool.targets.iter();
    Ok(match answers {
        Answers::Probabilities(said) => {
            let loss = |(row, target): (&[f32], &Vec<usize>)| row_log_loss(row, target[0]);
            said.rows().zip(targets).map(loss).collect()
        }
        Answers::Tags { tags, .. } => {
            let Metric::MeanFbeta { beta } = pool.metric else {
                bail!("tags are not scored by {}", pool.metric.name())
            };
            let score = |(tags, target): (&Vec<usize>, &Vec<usize>)| {
                let n_right = tags.iter().filter(|tag| target.contains(tag)).count();
                sample_fbeta(n_right, target.len(), tags.len(), beta)
            };
            tags.iter().zip(targets).map(score).collect()
        }
    })
}
