//! A method fitted: what decides about new images.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::calibrate::{self, Calibration};
use super::expected_f::{self, Joint, Scratch, Worth};
use super::per_tag;
use super::rules::{Group, One, TagRules};
use super::threshold::{self, Predicted};
use super::{HeldOut, Method, Rows};
use crate::decide::compare::Folds;
use crate::metric::sample_fbeta;
use crate::run::checked::{Fault, between, hold};
use crate::table::Table;
use crate::term;

/// Images that one thread decides at a time.
const CHUNK: usize = 512;

/// What a method has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fitted {
    pub rows: Rows,
    /// What is done to probabilities first; nothing where a method takes them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    #[serde(rename = "way")]
    pub by: By,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Those above a threshold.
    Above(f64),
    /// Those above their own thresholds.
    AboveEach(Vec<f64>),
    /// Those with the largest expected F, by the probabilities, and by what excludes and implies
    /// what.
    Expected,
}

impl Fitted {
    /// Finds what rows of so many classes cannot be decided by.
    pub(super) fn check(&self, n_classes: usize) -> Result<(), Fault> {
        match &self.by {
            By::Above(threshold) => between("way.above", *threshold, 0.0, 1.0)?,
            By::AboveEach(each) => {
                hold(each.len() == n_classes, "way.above-each", || {
                    format!("has {} for {n_classes} classes", term::count(each.len(), "threshold"))
                })?;
                for (i, threshold) in each.iter().enumerate() {
                    between(&format!("way.above-each.{i}"), *threshold, 0.0, 1.0)?;
                }
            }
            By::Expected => {}
        }
        match &self.calibration {
            Some(calibration) => {
                calibration.check(n_classes).map_err(|fault| fault.within("calibration"))
            }
            None => Ok(()),
        }
    }
}

/// What a decision goes by that is not fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many times as much recall counts as precision.
    pub beta: f64,
    /// What excludes and implies what.
    pub structure: TagRules,
    pub rows: Rows,
    pub calibration: calibrate::Kind,
}

impl Settings {
    /// Without rules every row is possible, and `rows` says nothing.
    pub fn new(beta: f64, structure: TagRules, rows: Rows, calibration: calibrate::Kind) -> Self {
        let rows = if structure.is_empty() { Rows::Any } else { rows };
        Self { beta, structure, rows, calibration }
    }

    /// The methods, the one that others must beat first: expected F where the spec tells how tags hang together,
    /// which is what it knows and a threshold does not.
    pub fn methods(&self) -> [Method; 3] {
        use Method::{ExpectedF, Threshold, ThresholdPerTag};
        if self.structure.is_empty() {
            [Threshold, ThresholdPerTag, ExpectedF]
        } else {
            [ExpectedF, Threshold, ThresholdPerTag]
        }
    }

    /// What each method learns from these images, in the order of [`methods`](Self::methods).
    pub fn fit(&self, images: &HeldOut) -> Vec<Fitted> {
        let calibrated = self.calibrated(images);
        let calibration = self.calibrate(images);
        let raw = Predicted::new(&images.probabilities, &images.truth, self.beta);
        let calibrated = Predicted::new(&calibrated, &images.truth, self.beta);
        let fit = |method: Method| Fitted {
            rows: self.rows,
            calibration: (method != Method::Threshold).then(|| calibration.clone()),
            by: match method {
                Method::Threshold => By::Above(threshold::global(&raw)),
                Method::ThresholdPerTag => {
                    By::AboveEach(per_tag::thresholds(&calibrated, threshold::global(&calibrated)))
                }
                Method::ExpectedF => By::Expected,
            },
        };
        self.methods().map(fit).to_vec()
    }

    /// The probabilities of each image, calibrated by what was fitted without its fold.
    pub(super) fn calibrated(&self, images: &HeldOut) -> Table {
        let by_fold: Vec<(Vec<usize>, Table)> = Folds::of(&images.folds)
            .splits()
            .into_par_iter()
            .map(|[seen, unseen]| {
                let mut rows = images.probabilities.select(&unseen);
                self.calibrate(&images.select(&seen)).apply(&mut rows);
                (unseen, rows)
            })
            .collect();
        let mut calibrated = images.probabilities.clone();
        for (images, rows) in by_fold {
            for (image, row) in images.into_iter().zip(rows.rows()) {
                calibrated.row_mut(image).copy_from_slice(row);
            }
        }
        calibrated
    }

    fn calibrate(&self, images: &HeldOut) -> Calibration {
        let exactly = |group: &&Group| group.one == One::Exactly;
        let groups = self.structure.groups.iter().filter(exactly);
        let groups: Vec<Vec<usize>> = groups.map(|group| group.members.clone()).collect();
        calibrate::fit(self.calibration, &images.probabilities, &images.truth, &groups)
    }

    /// The tags of every image of `probabilities` (`[n, classes]`), sorted; never none.
    pub fn decide(&self, fitted: &Fitted, probabilities: &Table) -> Vec<Vec<usize>> {
        let n_classes = probabilities.width().max(1);
        let joint = Joint::of(&self.structure, probabilities.width());
        let worth = Worth::new(n_classes, self.beta);
        let rows = probabilities.as_slice().par_chunks(CHUNK * n_classes);
        rows.flat_map_iter(|rows| {
            let mut decider = Decider {
                structure: &self.structure,
                fitted,
                joint: &joint,
                worth: &worth,
                p_is: vec![0.0; n_classes * n_classes],
                scratch: Scratch::default(),
            };
            let mut rows = Table::new(rows.to_vec(), n_classes);
            if let Some(calibration) = &fitted.calibration {
                calibration.apply(&mut rows);
            }
            rows.rows().map(|row| decider.tags(row)).collect::<Vec<_>>()
        })
        .collect()
    }

    /// The score of each image as `fitted` decides it, given what is true.
    pub fn scores(&self, fitted: &Fitted, images: &HeldOut) -> Vec<f64> {
        let decided = self.decide(fitted, &images.probabilities);
        let score = |(tags, truth): (&Vec<usize>, &[bool])| {
            let n_right = tags.iter().filter(|&&tag| truth[tag]).count();
            let n_truth = truth.iter().filter(|&&tag| tag).count();
            sample_fbeta(n_right, n_truth, tags.len(), self.beta)
        };
        decided.iter().zip(images.truth.rows()).map(score).collect()
    }
}

/// What was fitted, with room to work in, for one image after another.
struct Decider<'a> {
    structure: &'a TagRules,
    fitted: &'a Fitted,
    joint: &'a Joint,
    worth: &'a Worth,
    /// `[classes, classes]`.
    p_is: Vec<f64>,
    scratch: Scratch,
}

impl Decider<'_> {
    /// The tags of an image with these probabilities, which are calibrated already.
    fn tags(&mut self, row: &[f32]) -> Vec<usize> {
        let only_possible = self.fitted.rows == Rows::Possible;
        let mut tags = match &self.fitted.by {
            By::Above(threshold) => threshold::decide(row, |_| *threshold),
            By::AboveEach(each) => threshold::decide(row, |tag| each[tag]),
            By::Expected => {
                expected_f::p_is(row, self.joint, &mut self.p_is, &mut self.scratch);
                self.best(only_possible)
            }
        };
        if only_possible {
            self.structure.repair(&mut tags, row);
        } else {
            self.structure.complete(&mut tags, row);
        }
        tags
    }

    fn best(&mut self, only_possible: bool) -> Vec<usize> {
        let Self { p_is, worth, joint, scratch, .. } = self;
        let mut tags = Vec::new();
        if only_possible {
            expected_f::best_possible(p_is, worth, joint, scratch, &mut tags);
        } else {
            expected_f::best(p_is, worth, scratch, &mut tags);
        }
        tags
    }
}
