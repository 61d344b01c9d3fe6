//! Which blend to trust: every method fitted without a fold, the decision (clip and temperature, one
//! threshold, cut points) on what it then says, and both asked about that fold.
//!
//! Members answer for an image only by networks that have not seen it, so nothing that is scored has
//! been learned from. The mean stands unless another method's gain, image by image, is more than two
//! standard errors, or, where the metric is no mean over images, lies above zero in nearly all
//! resamplings: the best of several tries looks better than it is. How answers are made in the end is
//! asked once there is a blend, in the same way ([`crate::decide::answers`]).

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Blend, Method, Pool, Rule};
use crate::decide::Decision;
use crate::decide::compare::{self, Clear, Folds, MIN_IMAGES};
use crate::decide::contest::{Contest, contest};
use crate::table::Table;

/// A way to answer, and how well it does.
pub type Candidate = compare::Candidate<Name>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub name: String,
}

/// The blend to use, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BlendChoice {
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
    /// The images that it was chosen on, blended: `[n, outputs]`. Not kept.
    #[serde(skip)]
    pub predictions: Table,
}

impl BlendChoice {
    pub fn chosen(&self) -> Option<&Candidate> {
        self.methods.iter().find(|candidate| candidate.what.name == self.method.name())
    }
}

/// Fits every method on out-of-fold predictions and chooses one.
pub fn choose(pool: &Pool) -> Result<BlendChoice> {
    let pool = pool.clone().with_folds();
    let n_members = pool.members.len();
    let nests = pool.ids.len() >= MIN_IMAGES;
    let known = Method::of(&pool.metric, pool.kind, pool.classes.len());
    let n_methods = if n_members > 1 && nests { known.len() } else { 1 };
    let n_alone = if n_members > 1 { n_members } else { 0 };
    let mut tried: Vec<Tried> = known[..n_methods].iter().map(|&m| Tried::all(m)).collect();
    tried.extend((0..n_alone).map(Tried::alone));
    let found = compared(&pool, &tried, nests)?;
    let names = known[..n_methods].iter().map(|method| method.name().to_owned());
    let names = names.chain(pool.names.iter().take(n_alone).cloned()).map(|name| Name { name });
    let mut methods = found.candidates(names, Clear::StandardErrors);
    let members = methods.split_off(n_methods);
    let methods_alone: Vec<usize> = (0..n_methods).collect();
    let best = found.winner(&methods_alone, Clear::StandardErrors);
    let rule = found.fitted()[best].rule.clone();
    let blended = pool.predictions(pool.blended(&rule));
    let decision = Decision::fit(&pool.metric, &pool.judged(&blended), &pool.options)?;
    Ok(BlendChoice {
        method: known[best],
        images: pool.ids.len(),
        folds: Folds::of(&pool.folds).splits().len(),
        methods,
        members,
        decision,
        predictions: blended.probabilities,
        blend: Blend { members: pool.names, kind: pool.kind, classes: pool.classes, rule },
    })
}

/// A method, of all members or of one alone.
#[derive(Clone, Copy)]
pub(super) struct Tried {
    method: Method,
    member: Option<usize>,
}

impl Tried {
    pub(super) fn all(method: Method) -> Self {
        Self { method, member: None }
    }

    pub(super) fn alone(member: usize) -> Self {
        Self { method: Method::Mean, member: Some(member) }
    }
}

/// What was fitted of one.
pub(super) struct Fitted {
    member: Option<usize>,
    pub(super) rule: Rule,
    decision: Decision,
}

/// Fits and scores all that is tried.
pub(super) fn compared(pool: &Pool, tried: &[Tried], nests: bool) -> Result<Contest<Fitted>> {
    let fit = |images: &[usize]| -> Result<Vec<Fitted>> {
        let pool = pool.select(images);
        let fit = |&Tried { method, member }: &Tried| {
            let pool = pool.of(member);
            let rule = method.fit(&pool);
            let blended = pool.predictions(pool.blended(&rule));
            let decision = Decision::quick(&pool.metric, &pool.judged(&blended), &pool.options)?;
            Ok(Fitted { member, rule, decision })
        };
        tried.par_iter().map(fit).collect()
    };
    let answer = |fitted: &Fitted, images: &[usize]| {
        let pool = pool.select(images);
        let pool = pool.of(fitted.member);
        fitted.decision.apply(pool.predictions(pool.blended(&fitted.rule)))
    };
    // What members say is looked at in `answer`; here it is only what the answers are about.
    let images = pool.predictions(pool.members.first().cloned().unwrap_or_default());
    contest(&pool.metric, &pool.judged(&images), nests, fit, answer)
}
