//! Probabilities of tags that mean what they say, as far as validation images tell: where a tag is
//! given 30 %, three images in ten should have it.
//!
//! Whoever maximises an expected F-beta needs that; a threshold does not. Each tag has a curve of
//! its own: a temperature (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>), or Platt's line on
//! logits. Tags of which every image has exactly one share a [`Softmax`], so that they sum to one.
//! All but a softmax keep the order of a tag's images; all lean on priors that hold probabilities
//! where they are while images are few.

mod platt;
mod reliability;
mod softmax;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::decide::newton::Bounds;
use crate::decide::numbers::{logit, sigmoid};
use crate::run::checked::{Fault, all_finite, finite, hold};
use crate::table::Table;

pub use reliability::{Reliability, reliability};
pub use softmax::Softmax;

/// The spread of the normal priors: of slopes around one, of offsets around zero.
///
/// Measured by log loss on other images, in 1e-4 above what the true probabilities cost, with
/// simulated logits for nine rare | eight frequent tags of Planet's training labels, all fitted
/// with both. Where slopes were wrong by 15 % and offsets by .2: 600 images say 7 | 11 with slopes
/// held to .25, 10 | 11 with this spread for both, 15 | 12 with one, 28 | 13 with next to no prior;
/// untouched 22 | 46. Where they were wrong by 40 % and .6: 15 | 18, 13 | 13, 17 | 12 and 29 | 13;
/// untouched 179 | 346. With 32,000 images any spread does. Platt's softened targets (1999) on top
/// made it worse.
const PRIOR_SPREAD: f64 = 0.5;
/// A tag that fewer images have, or lack, gets no more than a temperature.
const RARE: usize = 200;
/// Slopes are at least so large, so that a more probable image stays more probable.
const SLOPES: Bounds = (0.05, f64::INFINITY);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    None,
    /// By a slope for each tag's logits.
    Temperature,
    /// By a slope and an offset; by a slope alone where a tag is rare.
    Platt,
}

impl Kind {
    /// Names that are gone, and what is used instead.
    pub const GONE: [(&str, &str); 1] = [("isotonic", "platt")];
}

/// What becomes of one tag's probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    Identity,
    /// `sigmoid(slope * logit p)`.
    Temperature {
        /// Below one it softens, above one it sharpens.
        slope: f64,
    },
    /// `sigmoid(slope * logit p + offset)`.
    Platt {
        /// As a temperature's.
        slope: f64,
        /// Above zero, the tag is more frequent than was predicted.
        offset: f64,
    },
}

/// What is done to rows of tags' probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calibration {
    /// One a class; that of a group's member is the identity.
    pub curves: Vec<Curve>,
    /// One a group of which every image has exactly one member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Softmax>,
}

/// Fits curves to `probabilities` (`[n, classes]`) of images that have the tags `truth` (of the same
/// shape). Every image has exactly one member of each of `groups`, nearly.
pub fn fit(
    kind: Kind,
    probabilities: &Table,
    truth: &Table<bool>,
    groups: &[Vec<usize>],
) -> Calibration {
    assert_eq!(probabilities.n_rows(), truth.n_rows(), "a truth for every probability");
    let n_classes = probabilities.width();
    if kind == Kind::None {
        return Calibration { curves: vec![Curve::Identity; n_classes], groups: Vec::new() };
    }
    let curves = (0..n_classes).into_par_iter().map(|class| {
        if groups.iter().flatten().any(|&member| member == class) {
            return Curve::Identity;
        }
        let ps: Vec<f32> = probabilities.column(class).collect();
        let truth: Vec<bool> = truth.column(class).collect();
        curve(kind, &ps, &truth)
    });
    let with_offsets = kind != Kind::Temperature;
    let softmax = |group: &Vec<usize>| Softmax::fit(group, with_offsets, probabilities, truth);
    Calibration { curves: curves.collect(), groups: groups.par_iter().map(softmax).collect() }
}

fn curve(kind: Kind, probabilities: &[f32], truth: &[bool]) -> Curve {
    let n_positive = truth.iter().filter(|&&positive| positive).count();
    let rare = n_positive.min(truth.len() - n_positive) < RARE;
    let logits: Vec<f64> = probabilities.iter().map(|&p| logit(p)).collect();
    if kind == Kind::Platt && !rare {
        let (slope, offset) = platt::fit(&logits, truth);
        return Curve::Platt { slope, offset };
    }
    Curve::Temperature { slope: platt::fit_slope(&logits, truth) }
}

impl Calibration {
    /// Finds what rows of so many classes cannot be corrected by.
    pub(in crate::decide) fn check(&self, n_classes: usize) -> Result<(), Fault> {
        let n = self.curves.len();
        hold(n == n_classes, "curves", || format!("has {n} curves for {n_classes} classes"))?;
        for (i, curve) in self.curves.iter().enumerate() {
            curve.check().map_err(|fault| fault.within(format!("curves.{i}")))?;
        }
        let mut is_member = vec![false; n_classes];
        for (i, group) in self.groups.iter().enumerate() {
            group.check(&mut is_member).map_err(|fault| fault.within(format!("groups.{i}")))?;
        }
        Ok(())
    }

    /// Corrects `rows` (`[n, classes]`).
    pub fn apply(&self, rows: &mut Table) {
        let width = rows.width().max(1);
        rows.as_mut_slice().par_chunks_exact_mut(width).for_each(|row| {
            for (p, curve) in row.iter_mut().zip(&self.curves) {
                *p = curve.of(*p);
            }
            for group in &self.groups {
                group.apply(row);
            }
        });
    }
}

impl Softmax {
    /// The same of a group; no class may be in two.
    fn check(&self, is_member: &mut [bool]) -> Result<(), Fault> {
        let Self { members, slope, against, offsets } = self;
        for &member in members {
            let is_free = is_member.get_mut(member).is_some_and(|is| !std::mem::replace(is, true));
            hold(is_free, "members", || format!("has {member}, which is no class, or one twice"))?;
        }
        let (n, n_members) = (offsets.len(), members.len());
        hold(n == n_members, "offsets", || format!("has {n} of {n_members} members"))?;
        all_finite("offsets", offsets)?;
        finite("slope", *slope)?;
        finite("against", *against)
    }
}

impl Curve {
    fn check(&self) -> Result<(), Fault> {
        let (kind, slope, offset) = match self {
            Self::Identity => return Ok(()),
            Self::Temperature { slope } => ("temperature", *slope, 0.0),
            Self::Platt { slope, offset } => ("platt", *slope, *offset),
        };
        let is_rising = slope > 0.0 && finite("slope", slope).is_ok();
        hold(is_rising, "slope", || format!("is {slope}: it must be above 0"))
            .and_then(|()| finite("offset", offset))
            .map_err(|fault| fault.within(kind))
    }

    /// What `p` becomes.
    pub fn of(&self, p: f32) -> f32 {
        match self {
            Self::Identity => p,
            Self::Temperature { slope } => sigmoid(slope * logit(p)) as f32,
            Self::Platt { slope, offset } => sigmoid(slope * logit(p) + offset) as f32,
        }
    }
}

#[cfg(test)]
mod tests;
