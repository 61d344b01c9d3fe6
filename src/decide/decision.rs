//! The step between a model's probabilities and a submission, kept with the run.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::answers::{AnswerDecision, Options};
use super::judged::Judged;
use super::log_loss::{self, Calibration};
use super::tags::threshold::decide;
use super::tags::{self, Settings, TagDecision};
use crate::metric::{Metric, Serving};
use crate::run::checked::{Checked, Fault};
use crate::run::{DECISION, Run};
use crate::target::{Answers, Classes, Predictions, Said, TargetKind};

/// What is done to what a model says before it is submitted, fitted on validation predictions.
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
    /// Everything else.
    Answers(Box<AnswerDecision>),
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
            Self::Answers(answers) => answers.check().map_err(|fault| fault.within("answers")),
        }
    }
}

impl Decision {
    /// What a run keeps, if it is about its classes and its metric.
    pub fn of(run: &Run, metric: &Metric, classes: &Classes) -> Result<Self> {
        let decision: Self = run.read_toml(DECISION)?;
        let is_about = match (&decision, metric.family().serves) {
            (Self::Calibration(_), Serving::Calibrated) => true,
            (Self::Answers(answers), _) => {
                answers.metric == metric.name() && answers.classes == *classes
            }
            (Self::Tags(tags), Serving::TagsAnImage) => {
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

    /// Fits what `metric` needs on predictions of images that the models had not seen.
    pub fn fit(metric: &Metric, images: &Judged, options: &Options) -> Result<Self> {
        if is_calibrated(metric, images.kind) {
            return Self::quick(metric, images, options);
        }
        if !is_tagged(metric, images.kind) {
            let decision = AnswerDecision::fit(metric, images, options)?;
            return Ok(Self::Answers(Box::new(decision)));
        }
        let beta = beta(metric);
        let settings =
            Settings::new(beta, options.structure.clone(), options.rows, options.calibration);
        let held_out = images.tagged(true);
        let n_positive = |tag: usize| held_out.truth.column(tag).filter(|&set| set).count();
        let positives: Vec<usize> = (0..held_out.truth.width()).map(n_positive).collect();
        let fitted = tags::fit(&held_out, &settings, options.only);
        Ok(Self::Tags(Box::new(TagDecision::new(
            fitted,
            &settings,
            &images.predictions.classes,
            &positives,
            held_out.len(),
        ))))
    }

    /// The same by one way alone, and without asking for more: enough to compare what comes before
    /// the decision.
    pub fn quick(metric: &Metric, images: &Judged, options: &Options) -> Result<Self> {
        if is_calibrated(metric, images.kind) {
            let rows = &images.predictions.probabilities;
            return Ok(Self::Calibration(log_loss::fit(rows, &images.classes())));
        }
        if !is_tagged(metric, images.kind) {
            let decision = AnswerDecision::quick(metric, images, options)?;
            return Ok(Self::Answers(Box::new(decision)));
        }
        Ok(Self::Tags(Box::new(TagDecision::threshold_only(
            &images.tagged(false),
            beta(metric),
            &images.predictions.classes,
        ))))
    }

    /// Turns what a model says into what is submitted.
    pub fn apply(&self, mut predictions: Predictions) -> Result<Answers> {
        let said = match self {
            Self::Calibration(Calibration { temperature, epsilon, .. }) => {
                log_loss::apply(&mut predictions.probabilities, *temperature, *epsilon);
                Said::Probabilities(predictions.probabilities.wide())
            }
            Self::Tags(tags) => Said::Lists(tags.tags(&predictions)?),
            Self::Answers(answers) => return answers.answers(predictions),
        };
        Ok(Answers { ids: predictions.ids, classes: predictions.classes, said })
    }

    /// The tags of every image; where one class is submitted, or probabilities, the most probable one.
    pub fn tags(&self, predictions: &Predictions) -> Result<Vec<Vec<usize>>> {
        if let Self::Tags(tags) = self {
            return tags.tags(predictions);
        }
        if let Self::Answers(answers) = self
            && let Said::Lists(lists) = answers.answers(predictions.clone())?.said
        {
            return Ok(lists);
        }
        Ok(predictions.rows().map(|row| decide(row, |_| 1.0)).collect())
    }

    /// The score with the decision made, on the images it was fitted on; of tags, on images that
    /// what decides had not seen.
    pub fn score(&self) -> f64 {
        match self {
            Self::Calibration(calibration) => calibration.loss_after,
            Self::Tags(tags) => tags.score(),
            Self::Answers(answers) => answers.score(),
        }
    }

    /// The single threshold on probabilities as they are, if it decides.
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Self::Calibration(_) | Self::Answers(_) => None,
            Self::Tags(tags) => tags.threshold(),
        }
    }
}

impl fmt::Display for Decision {
    /// One line for the story of a run.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Calibration(calibration) => calibration.fmt(f),
            Self::Tags(tags) => tags.fmt(f),
            Self::Answers(answers) => answers.fmt(f),
        }
    }
}

/// Whether it is the log loss of one class, every image counting alike.
fn is_calibrated(metric: &Metric, kind: TargetKind) -> bool {
    let is_plain = metric.options().weights.is_none() && metric.options().weight.is_empty();
    metric.family().serves == Serving::Calibrated && kind == TargetKind::SingleLabel && is_plain
}

/// Whether it is a mean over images of F-beta.
fn is_tagged(metric: &Metric, kind: TargetKind) -> bool {
    metric.family().serves == Serving::TagsAnImage && kind == TargetKind::MultiLabel
}

/// How many times as much recall counts as precision.
fn beta(metric: &Metric) -> f64 {
    metric.number().unwrap_or(2.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::checked;
    use crate::table::Table;
    use crate::target::{TargetKind, Truth};

    fn judged<'a>(predictions: &'a Predictions, truth: &'a Truth) -> Judged<'a> {
        Judged::new(TargetKind::MultiLabel, predictions, truth)
    }

    fn single<'a>(predictions: &'a Predictions, truth: &'a Truth) -> Judged<'a> {
        Judged::new(TargetKind::SingleLabel, predictions, truth)
    }

    fn truth(targets: [&[usize]; 3]) -> Truth {
        Truth::Classes(targets.map(<[usize]>::to_vec).to_vec())
    }

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
        let tagged = truth([&[0, 1], &[0, 2], &[0]]);
        let options = Options::default();
        let tags = Decision::fit(&Metric::mean_fbeta(2.0), &judged(&classes, &tagged), &options);
        let one = truth([&[0], &[0], &[0]]);
        let clip = Decision::quick(&Metric::log_loss(), &single(&classes, &one), &options);
        let [tags, clip] =
            [tags, clip].map(|decision| toml::to_string(&decision.unwrap()).unwrap());
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
        let (f2, one) = (Metric::mean_fbeta(2.0), truth([&[0], &[0], &[0]]));
        let tags = Decision::quick(&f2, &judged(&said, &one), &Options::default()).unwrap();
        run.write_toml(DECISION, &tags).unwrap();
        assert_eq!(Decision::of(&run, &f2, &said.classes).unwrap(), tags);
        let others: Classes = ["clear", "road", "river"].map(str::to_owned).to_vec().into();
        for (metric, classes) in [(Metric::log_loss(), &said.classes), (f2, &others)] {
            let error = Decision::of(&run, &metric, classes).unwrap_err().to_string();
            assert!(error.contains("decision.toml` is of another run"), "{error}");
        }
    }

    #[test]
    fn a_decision_comes_back_the_same() {
        let classes = predictions(&[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
        let tagged = truth([&[0, 1], &[0, 2], &[0]]);
        let (f2, options) = (Metric::mean_fbeta(2.0), Options::default());
        let decision = Decision::fit(&f2, &judged(&classes, &tagged), &options).unwrap();
        let text = toml::to_string(&decision).unwrap();
        assert!(text.starts_with("[tags]\nbeta = 2.0\nimages = 3\n"), "{text}");
        assert_eq!(toml::from_str::<Decision>(&text).unwrap(), decision);
        assert_eq!((decision.score(), decision.threshold().is_some()), (1.0, true));

        let one = truth([&[0], &[0], &[0]]);
        let clip = Decision::quick(&Metric::log_loss(), &single(&classes, &one), &options).unwrap();
        let text = toml::to_string(&clip).unwrap();
        assert_eq!(toml::from_str::<Decision>(&text).unwrap(), clip);
        assert!(text.starts_with("[calibration]\ntemperature = 1.0\nepsilon = "), "{text}");
    }
}
