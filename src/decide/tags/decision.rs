//! What a run keeps of how its tags are decided: the rule, and what speaks for it.

use std::fmt;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Approach, Candidate, Fitted, Frame, HeldOut, Method, NamedStructure, Rows, Rule, Way};
use crate::decide::calibrate::{Kind, Reliability};
use crate::decide::interval::Interval;
use crate::decide::thresholds::{self, Images};
use crate::table::Table;
use crate::target::{Classes, Predictions};

/// A fitted decision about tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagDecision {
    /// What decides.
    pub chosen: Approach,
    /// How many times as much recall counts as precision.
    pub beta: f64,
    /// Held-out images that it was fitted on.
    pub images: usize,
    /// Folds of the nested scores; 0: there were too few images for them.
    pub folds: usize,
    /// The nested score of choosing a method, the choice made without the fold as well.
    pub of_choice: f64,
    /// How probabilities are calibrated, where the method wants them so.
    pub calibration: Kind,
    /// The vocabulary, in the order of everything below.
    pub classes: Classes,
    /// What excludes and implies what.
    pub structure: NamedStructure,
    /// Everything that was tried, a single threshold first.
    pub candidates: Vec<Candidate>,
    /// How well each tag's probabilities were calibrated.
    pub reliability: Vec<TagReliability>,
    /// What decides.
    pub rule: Rule,
}

/// How well a tag's probabilities were calibrated on held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagReliability {
    /// The tag.
    pub tag: String,
    /// Images that have it.
    pub images: usize,
    /// As the networks gave them.
    pub before: Reliability,
    /// Calibrated, each image without its own fold.
    pub after: Reliability,
}

impl TagDecision {
    /// Puts down what was fitted on `images` held-out images; `positives` are the images of each
    /// tag.
    pub(in crate::decide) fn new(
        fitted: Fitted,
        frame: &Frame,
        classes: &Classes,
        positives: &[usize],
        images: usize,
    ) -> Self {
        let reliability = classes.names().iter().zip(positives).zip(fitted.reliability);
        let reliability = reliability.map(|((tag, &images), [before, after])| TagReliability {
            tag: tag.clone(),
            images,
            before,
            after,
        });
        let Fitted { candidates, mut rules, chosen, .. } = fitted;
        Self {
            chosen: candidates[chosen].approach,
            beta: frame.beta,
            images,
            folds: fitted.folds,
            of_choice: fitted.of_choice,
            calibration: frame.calibration,
            classes: classes.clone(),
            structure: NamedStructure::of(&frame.structure, classes),
            candidates,
            reliability: reliability.collect(),
            rule: rules.swap_remove(chosen),
        }
    }

    /// A single threshold, without a look at anything else.
    pub(in crate::decide) fn threshold_only(
        images: &HeldOut,
        beta: f64,
        classes: &Classes,
    ) -> Self {
        let images = Images::new(&images.probabilities, &images.truth, beta);
        let threshold = thresholds::global(&images);
        let score = images.mean_score(|_| threshold);
        let approach = Approach { method: Method::Threshold, rows: Rows::Any };
        Self {
            chosen: approach,
            beta,
            images: images.len(),
            folds: 0,
            of_choice: score,
            calibration: Kind::None,
            classes: classes.clone(),
            structure: NamedStructure::default(),
            candidates: vec![Candidate {
                approach,
                in_sample: score,
                nested: score,
                gain: 0.0,
                interval: Interval::default(),
            }],
            reliability: Vec::new(),
            rule: Rule { rows: Rows::Any, calibration: None, way: Way::Above(threshold) },
        }
    }

    /// The line of what decides.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.approach == self.chosen)
    }

    /// Its score on images that it has not seen.
    pub fn score(&self) -> f64 {
        self.candidate().map_or(f64::NAN, |chosen| chosen.nested)
    }

    /// The single threshold on probabilities as they are, if it decides.
    pub fn threshold(&self) -> Option<f64> {
        match self.rule.way {
            Way::Above(threshold) if self.chosen.method == Method::Threshold => Some(threshold),
            _ => None,
        }
    }

    /// What the rule goes by.
    pub fn frame(&self) -> Result<Frame> {
        Ok(Frame {
            beta: self.beta,
            structure: self.structure.resolve(&self.classes)?,
            calibration: self.calibration,
        })
    }

    /// The tags of every image; columns may be in another order than those it was fitted on.
    pub fn tags(&self, predictions: &Predictions) -> Result<Vec<Vec<usize>>> {
        let n_classes = predictions.classes.len();
        if n_classes != self.classes.len() {
            bail!(
                "the decision is about {} tags, the predictions about {n_classes}",
                self.classes.len()
            );
        }
        let place = |name: &String| {
            let known = predictions.classes.position(name);
            known.with_context(|| format!("the predictions have no tag `{name}`, the decision has"))
        };
        let order = self.classes.names().iter().map(place).collect::<Result<Vec<usize>>>()?;
        let frame = self.frame()?;
        if order.is_sorted() {
            return Ok(frame.decide(&self.rule, &predictions.probabilities));
        }
        let rows = predictions.rows().flat_map(|row| order.iter().map(|&place| row[place]));
        let mut tags = frame.decide(&self.rule, &Table::new(rows.collect(), n_classes));
        for tags in &mut tags {
            for tag in tags.iter_mut() {
                *tag = order[*tag];
            }
            tags.sort_unstable();
        }
        Ok(tags)
    }
}

impl fmt::Display for TagDecision {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Some(chosen), Some(first)) = (self.candidate(), self.candidates.first()) else {
            return write!(f, "{}", self.chosen);
        };
        write!(f, "{}", self.chosen)?;
        if let Some(threshold) = self.threshold() {
            write!(f, " {threshold}")?;
        }
        let beta = self.beta;
        if self.folds == 0 {
            let why = "too few images to ask for more";
            return write!(f, ": F{beta} {:.5} in sample, {why}", chosen.in_sample);
        }
        write!(f, ": F{beta} {:.5} nested, {:.5} in sample", chosen.nested, chosen.in_sample)?;
        if chosen.approach == first.approach {
            return Ok(());
        }
        write!(
            f,
            "; {:.5} with {}, gain {:+.5} [{:+.5}, {:+.5}]",
            first.nested, first.approach, chosen.gain, chosen.interval.low, chosen.interval.high
        )
    }
}
