//! The step between a model's probabilities and a submission, kept with the run.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::calibration::{self, Calibration};
use super::thresholds::{self, Choice, HeldOut, Thresholds, decide};
use crate::metric::Metric;
use crate::target::{Answers, Predictions, n_hot};

/// What is done to probabilities before they are submitted, fitted on validation predictions.
///
/// In a run's `summary.toml` it reads like this:
///
/// ```toml
/// [decision.thresholds]
/// global = 0.21
/// chosen = "global"
/// # ...
/// [decision.thresholds.per-class]
/// agriculture = 0.19
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Probabilities are submitted, softened or sharpened and clipped. Runs from before there was
    /// a temperature call it `clip`.
    #[serde(alias = "clip")]
    Calibration(Calibration),
    /// Tags are submitted.
    Thresholds(TagThresholds),
}

/// [`Thresholds`] with the classes' names, so that they outlive a reordering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagThresholds {
    /// The best single threshold.
    pub global: f64,
    /// Whether it decides, or `per_class` does.
    pub chosen: Choice,
    /// The validation score of `global`.
    pub global_score: f64,
    /// The validation score of `per_class`.
    pub per_class_score: f64,
    /// The same on images that the thresholds have not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// A threshold a class.
    pub per_class: BTreeMap<String, f64>,
}

impl Decision {
    /// Fits what `metric` needs on validation predictions; `targets` are the images' class indices,
    /// in the order of the predictions.
    pub fn fit<'a>(
        metric: Metric,
        predictions: &Predictions,
        targets: impl IntoIterator<Item = &'a [usize]>,
    ) -> Self {
        let n_classes = predictions.classes.len();
        match metric {
            Metric::LogLoss => {
                let first = |target: &[usize]| target.first().copied().unwrap_or_default();
                let truth: Vec<usize> = targets.into_iter().map(first).collect();
                Self::Calibration(calibration::fit(&predictions.probabilities, n_classes, &truth))
            }
            Metric::MeanF2 => {
                let truth = n_hot(targets, n_classes);
                let truth: Vec<bool> = truth.iter().map(|&tag| tag == 1.0).collect();
                let fitted = thresholds::fit(&truth, &predictions.probabilities, n_classes, 2.0);
                Self::Thresholds(TagThresholds::named(&fitted, predictions.classes.names()))
            }
        }
    }

    /// Turns probabilities into what is submitted.
    pub fn apply(&self, mut predictions: Predictions) -> Result<Answers> {
        match self {
            Self::Calibration(Calibration { temperature, epsilon, .. }) => {
                let n_classes = predictions.classes.len();
                let rows = &mut predictions.probabilities;
                calibration::apply(rows, n_classes, *temperature, *epsilon);
                Ok(Answers::Probabilities(predictions))
            }
            Self::Thresholds(thresholds) => {
                let by_class = thresholds.in_order(predictions.classes.names())?;
                let tags = predictions.rows().map(|row| decide(row, |class| by_class[class]));
                let tags = tags.collect();
                Ok(Answers::Tags { ids: predictions.ids, classes: predictions.classes, tags })
            }
        }
    }

    /// The validation score with the decision made, on the images it was fitted on.
    pub fn score(&self) -> f64 {
        match self {
            Self::Calibration(calibration) => calibration.loss_after,
            Self::Thresholds(thresholds) => match thresholds.chosen {
                Choice::Global => thresholds.global_score,
                Choice::PerClass => thresholds.per_class_score,
            },
        }
    }
}

impl TagThresholds {
    fn named(fitted: &Thresholds, names: &[String]) -> Self {
        Self {
            global: fitted.global,
            chosen: fitted.chosen,
            global_score: fitted.global_score,
            per_class_score: fitted.per_class_score,
            held_out: fitted.held_out,
            per_class: names.iter().cloned().zip(fitted.per_class.iter().copied()).collect(),
        }
    }

    /// The threshold that decides about each of `names`.
    fn in_order(&self, names: &[String]) -> Result<Vec<f64>> {
        let threshold = |name: &String| match self.chosen {
            Choice::Global => Ok(self.global),
            Choice::PerClass => self.per_class.get(name).copied().with_context(|| {
                format!("the run has no threshold for the class `{name}`: its summary was changed")
            }),
        };
        names.iter().map(threshold).collect()
    }
}

impl fmt::Display for Decision {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Calibration(calibration) => calibration.fmt(f),
            Self::Thresholds(thresholds) => thresholds.fmt(f),
        }
    }
}

impl fmt::Display for TagThresholds {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.chosen {
            Choice::Global => {
                write!(f, "one threshold {}: validation F2 {:.5}", self.global, self.global_score)?;
            }
            Choice::PerClass => write!(
                f,
                "a threshold a tag: validation F2 {:.5} ({:.5} with one, {})",
                self.per_class_score, self.global_score, self.global
            )?,
        }
        let Some(held_out) = self.held_out else { return Ok(()) };
        if held_out.standard_error == 0.0 {
            return write!(f, "; a threshold a tag changes nothing on held-out images");
        }
        write!(
            f,
            "; on held-out images {:.5} a tag, {:.5} with one (standard error {:.5})",
            held_out.per_class_score, held_out.global_score, held_out.standard_error
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(probabilities: &[f32]) -> Predictions {
        let classes = ["clear".to_owned(), "road".to_owned(), "water".to_owned()];
        let n = probabilities.len() / classes.len();
        Predictions {
            ids: (0..n).map(|i| format!("test_{i}")).collect(),
            probabilities: probabilities.to_vec(),
            classes: classes.to_vec().into(),
        }
    }

    #[test]
    fn a_decision_reads_well_in_toml_and_comes_back_the_same() {
        let classes = predictions(&[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
        let targets: [&[usize]; 3] = [&[0, 1], &[0, 2], &[0]];
        let decision = Decision::fit(Metric::MeanF2, &classes, targets);
        let text = toml::to_string(&BTreeMap::from([("decision", &decision)])).unwrap();
        assert_eq!(
            text,
            "[decision.thresholds]\nglobal = 0.27\nchosen = \"global\"\nglobal-score = 1.0\n\
             per-class-score = 1.0\n\n[decision.thresholds.per-class]\nclear = 0.27\nroad = 0.27\n\
             water = 0.27\n"
        );
        let back: BTreeMap<String, Decision> = toml::from_str(&text).unwrap();
        assert_eq!(back["decision"], decision);

        let clip = Decision::fit(Metric::LogLoss, &classes, [&[0][..], &[0], &[0]]);
        let text = toml::to_string(&clip).unwrap();
        assert_eq!(toml::from_str::<Decision>(&text).unwrap(), clip);
        assert!(text.starts_with("[calibration]\ntemperature = 1.0\nepsilon = "), "{text}");
    }

    #[test]
    fn decisions_from_before_there_was_a_temperature_are_read() {
        let text = "[clip]\nepsilon = 0.01\nloss-before = 0.2\nloss-after = 0.1\n";
        let decision: Decision = toml::from_str(text).unwrap();
        let Answers::Probabilities(clipped) =
            decision.apply(predictions(&[1.0, 0.0, 0.0])).unwrap()
        else {
            panic!("probabilities")
        };
        let mut expected = vec![1.0, 0.0, 0.0];
        super::super::clip::apply(&mut expected, 3, 0.01);
        assert_eq!((clipped.probabilities, decision.score()), (expected, 0.1));
    }

    #[test]
    fn thresholds_follow_their_class_by_name() {
        let decision = Decision::Thresholds(TagThresholds {
            global: 0.5,
            chosen: Choice::PerClass,
            global_score: 0.8,
            per_class_score: 0.9,
            held_out: None,
            per_class: [("water", 0.2), ("road", 0.4), ("clear", 0.6)]
                .map(|(name, threshold)| (name.to_owned(), threshold))
                .into(),
        });
        let Answers::Tags { tags, .. } =
            decision.apply(predictions(&[0.5, 0.5, 0.5, 0.3, 0.2, 0.1])).unwrap()
        else {
            panic!("tags")
        };
        // Road and water pass; the second row passes nowhere and keeps its most probable tag.
        assert_eq!(tags, [vec![1, 2], vec![0]]);
    }

    #[test]
    fn a_lost_class_is_named() {
        let fitted = predictions(&[0.9, 0.3, 0.1]);
        let Decision::Thresholds(mut thresholds) =
            Decision::fit(Metric::MeanF2, &fitted, [&[0][..]])
        else {
            panic!("thresholds")
        };
        thresholds.chosen = Choice::PerClass;
        thresholds.per_class.remove("road");
        let error = Decision::Thresholds(thresholds).apply(fitted).unwrap_err();
        assert!(error.to_string().contains("`road`"), "{error}");
    }
}
