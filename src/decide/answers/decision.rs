//! What a run keeps of how its answers are made: the rule, and what speaks for it.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Candidate, Found, Options, Rule, Tried, fit, quick};
use crate::decide::compare::Spread;
use crate::decide::interval::Interval;
use crate::decide::judged::Judged;
use crate::metric::Metric;
use crate::run::checked::{Fault, hold};
use crate::target::{Answers, Classes, Predictions, TargetKind};

/// A fitted way from what a model says to answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AnswerDecision {
    /// The metric's word.
    pub metric: String,
    pub kind: TargetKind,
    pub chosen: Tried,
    /// Held-out images that it was fitted on.
    pub images: usize,
    /// Folds of the nested scores; 0: nothing is fitted, or there were too few images.
    pub folds: usize,
    /// What is answered where no class is likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// The vocabulary, or what numbers are called.
    pub classes: Classes,
    /// Everything that was tried, the one to beat first.
    pub candidates: Vec<Candidate>,
    pub rule: Rule,
}

impl AnswerDecision {
    /// Fits and compares all that serves the metric.
    pub(in crate::decide) fn fit(
        metric: &Metric,
        images: &Judged,
        options: &Options,
    ) -> Result<Self> {
        let Found { candidates, mut rules, chosen, folds } = fit(metric, images, options)?;
        let rule = rules.swap_remove(chosen);
        Ok(Self::new(metric, images, options, candidates[chosen].what, folds, candidates, rule))
    }

    /// The same of one way, without a comparison.
    pub(in crate::decide) fn quick(
        metric: &Metric,
        images: &Judged,
        options: &Options,
    ) -> Result<Self> {
        let (way, rule) = quick(metric, images, options);
        let answers = rule.answers(images.kind, images.predictions.clone(), options.unknown());
        let score = images.score(metric, &answers)?;
        let score = if score.is_finite() { score } else { 0.0 };
        let candidate = Candidate {
            what: Tried { way },
            in_sample: score,
            nested: score,
            gain: 0.0,
            spread: Spread::Interval(Interval::default()),
        };
        Ok(Self::new(metric, images, options, candidate.what, 0, vec![candidate], rule))
    }

    fn new(
        metric: &Metric,
        images: &Judged,
        options: &Options,
        chosen: Tried,
        folds: usize,
        candidates: Vec<Candidate>,
        rule: Rule,
    ) -> Self {
        Self {
            metric: metric.name(),
            kind: images.kind,
            chosen,
            images: images.truth.len(),
            folds,
            unknown: options.unknown.clone(),
            classes: images.predictions.classes.clone(),
            candidates,
            rule,
        }
    }

    /// What is answered.
    pub fn answers(&self, predictions: Predictions) -> Result<Answers> {
        ensure!(
            predictions.classes == self.classes,
            "the decision is about other classes than the predictions"
        );
        Ok(self.rule.answers(self.kind, predictions, self.unknown.as_deref()))
    }

    /// The line of what decides.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.what == self.chosen)
    }

    /// Its score on images that it has not seen.
    pub fn score(&self) -> f64 {
        self.candidate().map_or(f64::NAN, |chosen| chosen.nested)
    }

    /// Finds what no answer can be made by.
    pub(in crate::decide) fn check(&self) -> Result<(), Fault> {
        let Self { kind, classes, candidates, rule, .. } = self;
        let names = classes.names();
        hold(!names.is_empty(), "classes", || "is empty".to_owned())?;
        if let Some((_, name)) =
            names.iter().enumerate().find(|(i, name)| classes.position(name) != Some(*i))
        {
            return Err(Fault::new("classes", format!("has `{name}` twice")));
        }
        for (i, candidate) in candidates.iter().enumerate() {
            candidate.check().map_err(|fault| fault.within(format!("candidates.{i}")))?;
        }
        hold(self.candidate().is_some(), "chosen", || "is none of the candidates".to_owned())?;
        let needs_unknown = matches!(rule, Rule::Largest { unknown: Some(_), .. });
        hold(!needs_unknown || self.unknown.is_some(), "rule.largest.unknown", || {
            "is told, but not what is answered then: `unknown` is missing".to_owned()
        })?;
        rule.check(*kind, names.len()).map_err(|fault| fault.within("rule"))
    }
}

impl fmt::Display for AnswerDecision {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { metric, rule, folds, .. } = self;
        let (Some(chosen), Some(first)) = (self.candidate(), self.candidates.first()) else {
            return write!(f, "{rule}");
        };
        if *folds == 0 {
            write!(f, "{rule}: {metric} {:.5} on held-out images", chosen.nested)?;
        } else {
            let Candidate { nested, in_sample, .. } = chosen;
            write!(f, "{rule}: {metric} {nested:.5} nested, {in_sample:.5} in sample")?;
        }
        if chosen.what != first.what {
            let Candidate { gain, spread, .. } = chosen;
            let other = first.what.way.title();
            write!(f, "; {:.5} with {other}, gain {gain:+.5} {spread}", first.nested)?;
        }
        match &self.unknown {
            Some(name) if self.classes.position(name).is_none() => {
                write!(f, "; `{name}` is never answered, since no training image has it")
            }
            _ => Ok(()),
        }
    }
}
