//! The step between a model's probabilities and a submission, kept with the run.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::log_loss::{self, Calibration};
use super::tags::calibrate::Kind;
use super::tags::rules::TagRules;
use super::tags::threshold::decide;
use super::tags::{self, HeldOut, Method, Rows, Settings, TagDecision};
use crate::metric::Metric;
use crate::run::checked::{Checked, Fault};
use crate::run::{DECISION, Run};
use crate::target::{Answers, Classes, Predictions};

/// What is done to probabilities before they are submitted, fitted on validation predictions.
///
/// In a run's `decision.toml` it reads like this:
///
/// ```toml
/// [tags]
/// beta = 2.0
/// # ...
/// [tags.chosen]
/// method = "expected-f"
/// rows = "any"
/// [[tags.candidates]]
/// method = "threshold"
/// rows = "any"
/// in-sample = 0.8874
/// nested = 0.8852
/// # ...
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Probabilities are submitted, softened or sharpened and clipped.
    Calibration(Calibration),
    Tags(Box<TagDecision>),
}

/// What a decision about tags is to go by.
#[derive(Clone, Debug, PartialEq)]
pub struct TagOptions {
    /// What excludes and implies what.
    pub structure: TagRules,
    /// Which rows may be answered.
    pub rows: Rows,
    pub calibration: Kind,
    /// The method that decides, whatever others score.
    pub only: Option<Method>,
}

impl Default for TagOptions {
    fn default() -> Self {
        Self {
            structure: TagRules::default(),
            rows: Rows::default(),
            calibration: Kind::Platt,
            only: None,
        }
    }
}

impl Checked for Decision {
    const HINT: &'static str =
        "`kaggle-kit decide` with the run's id decides anew, and writes it again";

    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Calibration(calibration) => {
                calibration.check().map_err(|fault| fault.within("calibration"))
            }
            Self::Tags(tags) => tags.check().map_err(|fault| fault.within("tags")),
        }
    }
}

impl Decision {
    /// What a run keeps, if it is about its classes and its metric.
    pub fn of(run: &Run, metric: Metric, classes: &Classes) -> Result<Self> {
        let decision: Self = run.read_toml(DECISION)?;
        let is_about = match (&decision, metric) {
            (Self::Calibration(_), Metric::LogLoss) => true,
            (Self::Tags(tags), Metric::MeanFbeta { .. }) => {
                let is_known = |name: &String| classes.position(name).is_some();
                tags.classes.len() == classes.len() && tags.classes.names().iter().all(is_known)
            }
            _ => false,
        };
        ensure!(
            is_about,
            "`{}` is of another run: it decides about other classes, or for another metric\nhint: {}",
            run.file(DECISION).display(),
            Self::HINT
        );
        Ok(decision)
    }

    /// Fits what `metric` needs on predictions of images that the models had not seen; `targets` are
    /// their class indices and `folds` their folds (empty where there is none), in the same order.
    pub fn fit<'a>(
        metric: Metric,
        predictions: &Predictions,
        targets: impl IntoIterator<Item = &'a [usize]>,
        folds: &[usize],
        options: &TagOptions,
    ) -> Self {
        let Metric::MeanFbeta { beta } = metric else {
            return Self::quick(metric, predictions, targets);
        };
        let settings = options.settings(beta);
        let images = HeldOut::new(predictions.probabilities.clone(), targets, folds);
        let n_positive = |tag: usize| images.truth.column(tag).filter(|&set| set).count();
        let positives: Vec<usize> = (0..images.truth.width()).map(n_positive).collect();
        let fitted = tags::fit(&images, &settings, options.only);
        Self::Tags(Box::new(TagDecision::new(
            fitted,
            &settings,
            &predictions.classes,
            &positives,
            images.len(),
        )))
    }

    /// The same, for tags with a single threshold and without asking for more: enough to compare
    /// what comes before the decision.
    pub fn quick<'a>(
        metric: Metric,
        predictions: &Predictions,
        targets: impl IntoIterator<Item = &'a [usize]>,
    ) -> Self {
        match metric {
            Metric::LogLoss => {
                let first = |target: &[usize]| target.first().copied().unwrap_or_default();
                let truth: Vec<usize> = targets.into_iter().map(first).collect();
                Self::Calibration(log_loss::fit(&predictions.probabilities, &truth))
            }
            Metric::MeanFbeta { beta } => {
                let images = HeldOut::new(predictions.probabilities.clone(), targets, &[]);
                Self::Tags(Box::new(TagDecision::threshold_only(
                    &images,
                    beta,
                    &predictions.classes,
                )))
            }
        }
    }

    /// Turns probabilities into what is submitted.
    pub fn apply(&self, mut predictions: Predictions) -> Result<Answers> {
        if let Self::Calibration(Calibration { temperature, epsilon, .. }) = self {
            log_loss::apply(&mut predictions.probabilities, *temperature, *epsilon);
            return Ok(Answers::Probabilities(predictions));
        }
        let tags = self.tags(&predictions)?;
        Ok(Answers::Tags { ids: predictions.ids, classes: predictions.classes, tags })
    }

    /// The tags of every image; where probabilities are submitted, the most probable class.
    pub fn tags(&self, predictions: &Predictions) -> Result<Vec<Vec<usize>>> {
        match self {
            Self::Calibration(_) => {
                Ok(predictions.rows().map(|row| decide(row, |_| 1.0)).collect())
            }
            Self::Tags(tags) => tags.tags(predictions),
        }
    }

    /// The score with the decision made, on the images it was fitted on; of tags, on images that
    /// what decides had not seen.
    pub fn score(&self) -> f64 {
        match self {
            Self::Calibration(calibration) => calibration.loss_after,
            Self::Tags(tags) => tags.score(),
        }
    }

    /// The single threshold on probabilities as they are, if it decides.
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Self::Calibration(_) => None,
            Self::Tags(tags) => tags.threshold(),
        }
    }
}

impl TagOptions {
    fn settings(&self, beta: f64) -> Settings {
        Settings::new(beta, self.structure.clone(), self.rows, self.calibration)
    }
}

impl fmt::Display for Decision {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Calibration(calibration) => calibration.fmt(f),
            Self::Tags(tags) => tags.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::checked;
    use crate::table::Table;

    fn predictions(probabilities: &[f32]) -> Predictions {
        let classes = ["clear".to_owned(), "road".to_owned(), "water".to_owned()];
        let n = probabilities.len() / classes.len();
        Predictions {
            ids: (0..n).map(|i| format!("test_{i}")).collect(),
            probabilities: Table::new(probabilities.to_vec(), classes.len()),
            classes: classes.to_vec().into(),
        }
    }

    #[test]
    fn an_edited_decision_is_refused_by_file_and_line() {
        let classes = predictions(&[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
        let targets: [&[usize]; 3] = [&[0, 1], &[0, 2], &[0]];
        let tags = Decision::fit(Metric::MEAN_F2, &classes, targets, &[], &TagOptions::default());
        let clip = Decision::quick(Metric::LogLoss, &classes, [&[0][..], &[0], &[0]]);
        let [tags, clip] = [tags, clip].map(|decision| toml::to_string(&decision).unwrap());
        let epsilon = clip.lines().find(|line| line.starts_with("epsilon")).unwrap();
        for (text, old, new, expected) in [
            (&clip, epsilon, "epsilon = 2.0", "line 3: `calibration.epsilon` is 2: it must be"),
            (&clip, epsilon, "epsilon = nan", "`calibration.epsilon` is NaN"),
            (&clip, epsilon, "epsilon = -0.1", "`calibration.epsilon` is -0.1"),
            (&clip, "temperature = 1.0", "temperature = -1.0", "line 2: `calibration.temperature`"),
            (&clip, "temperature = 1.0", "temperature = 0.0", "`calibration.temperature` is 0"),
            (&tags, "beta = 2.0", "beta = -2.0", "`tags.beta` is -2"),
            (&tags, "beta = 2.0", "beta = inf", "`tags.beta` is inf"),
            (&tags, "images = 3", "images = -3", "failed to read"),
            (&tags, "\"road\"", "\"clear\"", "`tags.classes` has `clear` twice"),
            (&tags, "above = ", "above = -", "`tags.rule.way.above` is -"),
            (&tags, "above = ", "above-each = [0.5]\n#", "has 1 threshold"),
        ] {
            let edited = text.replacen(old, new, 1);
            assert_ne!(edited, *text, "{old}");
            let read = checked::parse::<Decision>(&edited, Path::new("decision.toml"));
            let error = format!("{:#}", read.unwrap_err());
            assert!(error.contains(expected) && error.contains("decision.toml`"), "{error}");
        }
    }

    #[test]
    fn a_decision_of_another_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let said = predictions(&[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
        let tags = Decision::quick(Metric::MEAN_F2, &said, [&[0][..], &[0], &[0]]);
        run.write_toml(DECISION, &tags).unwrap();
        assert_eq!(Decision::of(&run, Metric::MEAN_F2, &said.classes).unwrap(), tags);
        let others: Classes = ["clear", "road", "river"].map(str::to_owned).to_vec().into();
        for (metric, classes) in [(Metric::LogLoss, &said.classes), (Metric::MEAN_F2, &others)] {
            let error = Decision::of(&run, metric, classes).unwrap_err().to_string();
            assert!(error.contains("decision.toml` is of another run"), "{error}");
        }
    }

    #[test]
    fn a_decision_comes_back_the_same() {
        let classes = predictions(&[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
        let targets: [&[usize]; 3] = [&[0, 1], &[0, 2], &[0]];
        let options = TagOptions::default();
        let decision = Decision::fit(Metric::MEAN_F2, &classes, targets, &[], &options);
        let text = toml::to_string(&decision).unwrap();
        assert!(text.starts_with("[tags]\nbeta = 2.0\nimages = 3\n"), "{text}");
        assert_eq!(toml::from_str::<Decision>(&text).unwrap(), decision);
        assert_eq!((decision.score(), decision.threshold().is_some()), (1.0, true));

        let clip = Decision::quick(Metric::LogLoss, &classes, [&[0][..], &[0], &[0]]);
        let text = toml::to_string(&clip).unwrap();
        assert_eq!(toml::from_str::<Decision>(&text).unwrap(), clip);
        assert!(text.starts_with("[calibration]\ntemperature = 1.0\nepsilon = "), "{text}");
    }
}
