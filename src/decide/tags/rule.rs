//! A method fitted: what decides about new images.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Approach, HeldOut, Method, Rows};
use crate::decide::calibrate::{self, Calibration};
use crate::decide::expected_f::{self, Joint, Scratch, Worth};
use crate::decide::structure::{One, Structure};
use crate::decide::thresholds::{self, Images};
use crate::metric::sample_fbeta;
use crate::table::Table;

/// Images that one thread decides at a time.
const CHUNK: usize = 512;

/// What a method has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Which rows are answered.
    pub rows: Rows,
    /// What is done to probabilities first; nothing where a method takes them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How tags are chosen.
    pub way: Way,
}

/// How tags are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Those above a threshold.
    Above(f64),
    /// Those above their own thresholds.
    AboveEach(Vec<f64>),
    /// Those with the largest expected F, by the probabilities, and by what excludes and implies
    /// what.
    Expected,
}

/// What rules go by that is not fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// How many times as much recall counts as precision.
    pub beta: f64,
    /// What excludes and implies what.
    pub structure: Structure,
    /// How probabilities are calibrated.
    pub calibration: calibrate::Kind,
}

/// Images prepared for fitting: their probabilities calibrated without their own fold.
pub(super) struct Prepared<'a> {
    images: &'a HeldOut,
    calibration: Calibration,
    pub(super) calibrated: Table,
}

impl Frame {
    /// A calibrator that saw all images for new ones, and for each image one that did not see it.
    pub(super) fn prepare<'a>(&self, images: &'a HeldOut) -> Prepared<'a> {
        let dealt = images.clone().with_folds();
        let mut calibrated = images.probabilities.clone();
        let by_fold: Vec<(usize, Calibration)> = dealt
            .fold_set()
            .into_par_iter()
            .map(|fold| (fold, self.calibrate(&dealt.part(|other| other != fold))))
            .collect();
        for (fold, calibration) in by_fold {
            let mut own = dealt.part(|other| other == fold).probabilities;
            calibration.apply(&mut own);
            let places = (0..images.len()).filter(|&i| dealt.folds[i] == fold);
            for (row, place) in own.rows().zip(places) {
                calibrated.row_mut(place).copy_from_slice(row);
            }
        }
        Prepared { images, calibration: self.calibrate(images), calibrated }
    }

    fn calibrate(&self, images: &HeldOut) -> Calibration {
        let exactly = |group: &&crate::decide::structure::Group| group.one == One::Exactly;
        let groups = self.structure.groups.iter().filter(exactly);
        let groups: Vec<Vec<usize>> = groups.map(|group| group.members.clone()).collect();
        calibrate::fit(self.calibration, &images.probabilities, &images.truth, &groups)
    }

    /// Learns what a method needs.
    fn fit(&self, approach: Approach, prepared: &Prepared) -> Rule {
        let Approach { method, rows } = approach;
        let HeldOut { probabilities, truth, .. } = prepared.images;
        let raw = || Images::new(probabilities, truth, self.beta);
        let calibrated = || Images::new(&prepared.calibrated, truth, self.beta);
        let way = match method {
            Method::Threshold => Way::Above(thresholds::global(&raw())),
            Method::ThresholdPerTag => {
                let images = calibrated();
                Way::AboveEach(thresholds::per_class(&images, thresholds::global(&images)))
            }
            Method::ExpectedF => Way::Expected,
        };
        let calibration = (method != Method::Threshold).then(|| prepared.calibration.clone());
        Rule { rows, calibration, way }
    }

    /// What each of `approaches` learns from these images.
    pub fn rules(&self, images: &HeldOut, approaches: &[Approach]) -> Vec<Rule> {
        self.fit_all(approaches, &self.prepare(images))
    }

    /// The same of prepared images.
    pub(super) fn fit_all(&self, approaches: &[Approach], prepared: &Prepared) -> Vec<Rule> {
        approaches.iter().map(|&approach| self.fit(approach, prepared)).collect()
    }

    /// The tags of every image of `probabilities` (`[n, classes]`), sorted; never none.
    pub fn decide(&self, rule: &Rule, probabilities: &Table) -> Vec<Vec<usize>> {
        let joint = Joint::of(&self.structure, probabilities.width());
        let n_classes = probabilities.width().max(1);
        let worth = Worth::new(n_classes, self.beta);
        probabilities
            .as_slice()
            .par_chunks(CHUNK * n_classes)
            .flat_map_iter(|rows| {
                let mut decider = Decider {
                    frame: self,
                    rule,
                    joint: &joint,
                    worth: &worth,
                    p_is: vec![0.0; n_classes * n_classes],
                    scratch: Scratch::default(),
                };
                let mut rows = Table::new(rows.to_vec(), n_classes);
                if let Some(calibration) = &rule.calibration {
                    calibration.apply(&mut rows);
                }
                rows.rows().map(|row| decider.tags(row)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The score of each image as `rule` decides it, given what is true.
    pub fn scores(&self, rule: &Rule, images: &HeldOut) -> Vec<f64> {
        let decided = self.decide(rule, &images.probabilities);
        let score = |(tags, truth): (&Vec<usize>, &[bool])| {
            let n_right = tags.iter().filter(|&&tag| truth[tag]).count();
            let n_truth = truth.iter().filter(|&&tag| tag).count();
            sample_fbeta(n_right, n_truth, tags.len(), self.beta)
        };
        decided.iter().zip(images.truth.rows()).map(score).collect()
    }
}

/// A rule with room to work in, for one image after another.
struct Decider<'a> {
    frame: &'a Frame,
    rule: &'a Rule,
    joint: &'a Joint,
    worth: &'a Worth,
    /// `[classes, classes]`.
    p_is: Vec<f64>,
    scratch: Scratch,
}

impl Decider<'_> {
    /// The tags of an image with these probabilities, which are calibrated already.
    fn tags(&mut self, row: &[f32]) -> Vec<usize> {
        let structure = &self.frame.structure;
        let only_possible = self.rule.rows == Rows::Possible;
        let mut tags = match &self.rule.way {
            Way::Above(threshold) => thresholds::decide(row, |_| *threshold),
            Way::AboveEach(each) => thresholds::decide(row, |tag| each[tag]),
            Way::Expected => {
                expected_f::p_is(row, self.joint, &mut self.p_is, &mut self.scratch);
                self.best(only_possible)
            }
        };
        if only_possible {
            structure.repair(&mut tags, row);
        } else {
            structure.complete(&mut tags, row);
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
