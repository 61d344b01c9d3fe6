//! What a run keeps of how its tags are decided: the rule, and what speaks for it.

use std::fmt;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::calibrate::{Kind, Reliability};
use super::threshold::{self, Predicted};
use super::{By, Candidate, Fitted, Found, HeldOut, Method, NamedRules, Rows, Settings, Tried};
use crate::decide::compare::Spread;
use crate::decide::interval::Interval;
use crate::metric::Metric;
use crate::run::checked::{self, Fault, between, hold};
use crate::table::Table;
use crate::target::{Classes, Predictions};

/// Beyond these F-beta is recall or precision alone.
const SMALLEST_BETA: f64 = 1e-3;
const LARGEST_BETA: f64 = 1e3;

/// A fitted decision about tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagDecision {
    pub chosen: Tried,
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
    pub structure: NamedRules,
    /// Everything that was tried, the method that others must beat first.
    pub candidates: Vec<Candidate>,
    /// How well each tag's probabilities were calibrated.
    pub reliability: Vec<TagReliability>,
    #[serde(rename = "rule")]
    pub fitted: Fitted,
}

/// How well a tag's probabilities were calibrated on held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagReliability {
    pub tag: String,
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
        found: Found,
        settings: &Settings,
        classes: &Classes,
        positives: &[usize],
        images: usize,
    ) -> Self {
        let reliability = classes.names().iter().zip(positives).zip(found.reliability);
        let reliability = reliability.map(|((tag, &images), [before, after])| TagReliability {
            tag: tag.clone(),
            images,
            before,
            after,
        });
        let Found { candidates, mut fitted, chosen, .. } = found;
        Self {
            chosen: candidates[chosen].what,
            beta: settings.beta,
            images,
            folds: found.folds,
            of_choice: found.of_choice,
            calibration: settings.calibration,
            classes: classes.clone(),
            structure: NamedRules::of(&settings.structure, classes),
            candidates,
            reliability: reliability.collect(),
            fitted: fitted.swap_remove(chosen),
        }
    }

    /// A single threshold, without a look at anything else.
    pub(in crate::decide) fn threshold_only(
        images: &HeldOut,
        beta: f64,
        classes: &Classes,
    ) -> Self {
        let images = Predicted::new(&images.probabilities, &images.truth, beta);
        let threshold = threshold::global(&images);
        let score = images.mean_score(|_| threshold);
        let chosen = Tried { method: Method::Threshold, rows: Rows::Any };
        Self {
            chosen,
            beta,
            images: images.len(),
            folds: 0,
            of_choice: score,
            calibration: Kind::None,
            classes: classes.clone(),
            structure: NamedRules::default(),
            candidates: vec![Candidate {
                what: chosen,
                in_sample: score,
                nested: score,
                gain: 0.0,
                spread: Spread::Interval(Interval::default()),
            }],
            reliability: Vec::new(),
            fitted: Fitted { rows: Rows::Any, calibration: None, by: By::Above(threshold) },
        }
    }

    /// Finds what no tags can be decided by.
    pub(in crate::decide) fn check(&self) -> Result<(), Fault> {
        let Self { beta, of_choice, classes, candidates, reliability, fitted, .. } = self;
        between("beta", *beta, SMALLEST_BETA, LARGEST_BETA)?;
        let metric = &Metric::mean_fbeta(*beta);
        checked::score("of-choice", *of_choice, metric)?;
        let names = classes.names();
        hold(!names.is_empty(), "classes", || "is empty".to_owned())?;
        if let Some((_, name)) =
            names.iter().enumerate().find(|(i, name)| classes.position(name) != Some(*i))
        {
            return Err(Fault::new("classes", format!("has `{name}` twice")));
        }
        if let Err(error) = self.structure.resolve(classes) {
            return Err(Fault::new("structure", format!("does not make sense: {error:#}")));
        }
        for (i, candidate) in candidates.iter().enumerate() {
            let Candidate { in_sample, nested, .. } = candidate;
            candidate
                .check()
                .and_then(|()| checked::score("in-sample", *in_sample, metric))
                .and_then(|()| checked::score("nested", *nested, metric))
                .map_err(|fault| fault.within(format!("candidates.{i}")))?;
        }
        hold(self.candidate().is_some(), "chosen", || "is none of the candidates".to_owned())?;
        for (i, tag) in reliability.iter().enumerate() {
            for number in [tag.before.ece, tag.before.brier, tag.after.ece, tag.after.brier] {
                between("before", number, 0.0, 1.0)
                    .map_err(|f| f.within(format!("reliability.{i}")))?;
            }
        }
        fitted.check(names.len()).map_err(|fault| fault.within("rule"))
    }

    /// The line of what decides.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.what == self.chosen)
    }

    /// Its score on images that it has not seen.
    pub fn score(&self) -> f64 {
        self.candidate().map_or(f64::NAN, |chosen| chosen.nested)
    }

    /// The single threshold on probabilities as they are, if it decides.
    pub fn threshold(&self) -> Option<f64> {
        match self.fitted.by {
            By::Above(threshold) if self.chosen.method == Method::Threshold => Some(threshold),
            _ => None,
        }
    }

    /// What it goes by that is not fitted.
    pub fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            beta: self.beta,
            structure: self.structure.resolve(&self.classes)?,
            rows: self.chosen.rows,
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
        let settings = self.settings()?;
        if order.is_sorted() {
            return Ok(settings.decide(&self.fitted, &predictions.probabilities));
        }
        let rows = predictions.rows().flat_map(|row| order.iter().map(|&place| row[place]));
        let mut tags = settings.decide(&self.fitted, &Table::new(rows.collect(), n_classes));
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
            return write!(f, "{}", self.chosen.method);
        };
        write!(f, "{}", self.chosen.method)?;
        if let Some(threshold) = self.threshold() {
            write!(f, " {threshold}")?;
        }
        let beta = self.beta;
        if self.folds == 0 {
            let why = "too few images to ask for more";
            return write!(f, ": F{beta} {:.5} in sample, {why}", chosen.in_sample);
        }
        write!(f, ": F{beta} {:.5} nested, {:.5} in sample", chosen.nested, chosen.in_sample)?;
        if chosen.what == first.what {
            return Ok(());
        }
        write!(
            f,
            "; {:.5} with {}, gain {:+.5} {}",
            first.nested, first.what.method, chosen.gain, chosen.spread
        )
    }
}
