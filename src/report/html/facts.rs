//! What a page tells: plain, owned data, so that a page is a pure function of it.

use std::collections::BTreeMap;

use image::RgbImage;

use super::{gallery, thumbnail};
use crate::dataset::Sample;
use crate::decide::Decision;
use crate::metric::Metric;
use crate::run::{Score, Stage};
use crate::target::{Classes, TargetKind};

/// All that a run's page tells. Whatever is empty or absent leaves its section out.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The head of the page.
    pub about: About,
    /// What is known to make held-out scores too good; from the competition's spec.
    pub leak: Option<String>,
    /// The golden rule's steps: planned, found, and how long they took.
    pub stages: Vec<StageFacts>,
    /// The learning-rate finder's sweeps, in order.
    pub sweeps: Vec<Sweep>,
    /// Every training step, in order.
    pub steps: Vec<StepFacts>,
    /// Every epoch, in order.
    pub epochs: Vec<EpochFacts>,
    /// The answers for the images held out.
    pub outcome: Option<Outcome>,
    /// What is done to probabilities before they are submitted.
    pub decision: Option<Decision>,
    /// Images of each class, in the classes' order.
    pub counts: Vec<ClassCount>,
    /// Images that are there twice.
    pub duplicates: Option<Duplicates>,
    /// Pictures by their row in `outcome`; see [`Facts::show`].
    pub pictures: BTreeMap<usize, Picture>,
    /// The whole recipe, as TOML.
    pub recipe: String,
    /// Where it is not the default.
    pub changed: Vec<Setting>,
    /// What else the run stood on: name and value.
    pub environment: Vec<(String, String)>,
}

impl Facts {
    /// Writes down beside each stage what it was to do.
    pub fn plan(&mut self, plan: &[(Stage, String)]) {
        for (stage, planned) in plan {
            if let Some(facts) = self.stages.iter_mut().find(|s| s.stage == stage.title()) {
                facts.planned.clone_from(planned);
            }
        }
    }

    /// Fills the galleries: `load` gives an image held out by its id, as the square that the network
    /// saw, with what the network looked at. One that cannot be had is told without its picture.
    pub fn show(&mut self, mut load: impl FnMut(&str) -> Option<(RgbImage, Option<Heat>)>) {
        let Some(outcome) = &self.outcome else { return };
        for row in gallery::wanted(outcome, self.decision.as_ref()) {
            let loaded = load(&outcome.ids[row]);
            let picture = loaded
                .and_then(|(image, heat)| Some(Picture { jpeg: thumbnail::jpeg(&image)?, heat }));
            if let Some(picture) = picture {
                self.pictures.insert(row, picture);
            }
        }
    }
}

/// A run in a few words.
#[derive(Clone, Debug)]
pub struct About {
    /// The run's id: its folder's name.
    pub run: String,
    /// The competition's short name.
    pub competition: String,
    /// Its title on Kaggle.
    pub title: String,
    /// How it is scored.
    pub metric: Metric,
    /// The score on the images held out.
    pub score: f64,
    /// When the run was finished, RFC 3339.
    pub finished: String,
    /// The program that made it.
    pub program: String,
    /// The device it ran on.
    pub device: String,
    /// The pretrained network.
    pub backbone: String,
    /// Side of the square it sees, in pixels.
    pub size: usize,
    /// Images trained on.
    pub train_images: usize,
    /// Images held out.
    pub valid_images: usize,
    /// Wall time in all.
    pub seconds: f64,
    /// This fold, from 1, and how many there are; none for a single split.
    pub fold: Option<(usize, usize)>,
}

/// A step of the golden rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageFacts {
    /// Its title.
    pub stage: String,
    /// What it was to do; empty where nobody wrote it down.
    pub planned: String,
    /// What it found.
    pub found: String,
    /// Wall time.
    pub seconds: f64,
}

/// A sweep of the learning-rate finder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// The stage's title.
    pub stage: String,
    /// The last group's rate at each step.
    pub rates: Vec<f64>,
    /// Smoothed batch losses.
    pub losses: Vec<f64>,
    /// Batch losses as they were; may be empty.
    pub batch_losses: Vec<f64>,
    /// Rules and the rates they read off the curve, where they found one.
    pub suggestions: Vec<(String, Option<f64>)>,
    /// The rate that was used.
    pub chosen: Option<f64>,
    /// Why that one.
    pub why: String,
}

/// A training step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFacts {
    /// The stage's title.
    pub stage: String,
    /// The cycle within the stage, from 1.
    pub cycle: usize,
    /// The epoch within the stage, from 1.
    pub epoch: usize,
    /// The batch's loss.
    pub loss: f64,
    /// The last group's rate.
    pub rate: f64,
    /// The optimiser's momentum.
    pub momentum: f64,
}

/// An epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochFacts {
    /// The stage's title.
    pub stage: String,
    /// The cycle within the stage, from 1.
    pub cycle: usize,
    /// Its number within the stage, from 1.
    pub epoch: usize,
    /// Mean loss over its batches.
    pub train_loss: f64,
    /// How the network did on the images held out.
    pub score: Score,
    /// Each group's rate at the cycle's height.
    pub rates: Vec<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// The answers for the images held out, before anything is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// An id a row.
    pub ids: Vec<String>,
    /// What the columns mean.
    pub classes: Classes,
    /// One class or many tags.
    pub kind: TargetKind,
    /// `[rows, classes]`, row-major.
    pub probabilities: Vec<f32>,
    /// Class indices, a list a row.
    pub truth: Vec<Vec<usize>>,
}

impl Outcome {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// The probabilities of an image.
    pub fn row(&self, row: usize) -> &[f32] {
        let n = self.classes.len();
        &self.probabilities[row * n..(row + 1) * n]
    }

    /// Rows of probabilities, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.probabilities.chunks_exact(self.classes.len().max(1))
    }

    /// The one class of every image of a single-label competition.
    pub fn classes_true(&self) -> Vec<usize> {
        self.truth.iter().map(|truth| truth.first().copied().unwrap_or_default()).collect()
    }

    /// A class's name.
    pub fn name(&self, class: usize) -> &str {
        &self.classes.names()[class]
    }
}

/// How many images of a class there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// Its name.
    pub class: String,
    /// Among those trained on.
    pub train: usize,
    /// Among those held out.
    pub valid: usize,
}

/// Images that are the same picture, or nearly so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// Ids of training images that show the same.
    pub groups: Vec<Vec<String>>,
    /// A training and a test image that show the same.
    pub across: Vec<(String, String)>,
    /// Groups whose labels contradict each other: ids with their labels.
    pub conflicts: Vec<Vec<(String, String)>>,
}

impl Duplicates {
    /// Names what was found among images: `groups` of training images, those of them (`conflicts`)
    /// whose labels differ, and pairs of a training and a test image.
    pub fn named(
        train: &[Sample],
        test: &[Sample],
        classes: &Classes,
        groups: &[Vec<usize>],
        conflicts: &[usize],
        across: &[(usize, usize)],
    ) -> Self {
        let ids = |group: &Vec<usize>| group.iter().map(|&i| train[i].id.clone()).collect();
        let labelled = |&i: &usize| {
            let labels: Vec<&str> =
                train[i].target.iter().map(|&class| classes.names()[class].as_str()).collect();
            (train[i].id.clone(), labels.join(", "))
        };
        Self {
            groups: groups.iter().map(ids).collect(),
            across: across
                .iter()
                .map(|&(i, j)| (train[i].id.clone(), test[j].id.clone()))
                .collect(),
            conflicts: conflicts
                .iter()
                .map(|&group| groups[group].iter().map(labelled).collect())
                .collect(),
        }
    }
}

/// A picture of a gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// A small JPEG of the square that the network saw; see [`super::thumbnail::jpeg`].
    pub jpeg: Vec<u8>,
    /// What the network looked at.
    pub heat: Option<Heat>,
}

/// A class-activation map over the same square.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Cells a side.
    pub side: usize,
    /// `[side, side]`, row-major, from 0 (cold) to 1.
    pub values: Vec<f32>,
}

/// A setting of the recipe that is not the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its full name: `whole-network.max-cycles`.
    pub key: String,
    /// What the other has; empty where it has none.
    pub other: String,
    /// What this run has; empty where it has none.
    pub value: String,
}
