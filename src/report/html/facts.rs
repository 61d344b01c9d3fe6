//! What a page tells: plain, owned data, so that a page is a pure function of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::dataset::Found;
use crate::decide::Decision;
use crate::metric::Metric;
use crate::recipe::Setting;
use crate::run::{Epoch, Stage, Step, Sweep, WayStep};
use crate::target::{Predictions, TargetKind, Truth};

/// All that a run's page tells. Whatever is empty or absent leaves its section out.
#[derive(Clone, Debug)]
pub struct Facts {
    pub about: About,
    /// What is known to make held-out scores too good; from the competition's spec.
    pub leak: Option<String>,
    /// The golden rule's steps: planned, found, and how long they took.
    pub stages: Vec<StageFacts>,
    /// What each step had on the held-out images.
    pub way: Vec<WayStep>,
    pub sweeps: Vec<Sweep>,
    pub steps: Vec<Step>,
    pub epochs: Vec<Epoch>,
    /// The answers for the images held out.
    pub validation: Option<Validation>,
    /// What is done to probabilities before they are submitted.
    pub decision: Option<Decision>,
    /// What Kaggle said of the run's answers, once it did.
    pub submitted: Option<Submitted>,
    /// Images of each class, in the classes' order.
    pub counts: Vec<ClassCount>,
    pub duplicates: Option<NamedDuplicates>,
    /// What was found in the data folder before training.
    pub found: Option<Found>,
    /// The galleries' pictures, by their row in `validation`.
    pub pictures: BTreeMap<usize, Thumbnail>,
    /// Tables in the run's folder, each with what is in it.
    pub files: Vec<(&'static str, &'static str)>,
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

    /// The stages that are to come.
    pub fn foresee(&mut self, plan: &[(Stage, String)]) {
        let stage = |(stage, planned): &(Stage, String)| StageFacts {
            stage: stage.title().to_owned(),
            planned: planned.clone(),
            ..StageFacts::default()
        };
        self.stages = plan.iter().map(stage).collect();
    }

    /// Takes what was found in the data folder, with what people call the classes.
    pub fn tell_found(&mut self, found: Found) {
        if let Some(validation) = &mut self.validation {
            validation.called.clone_from(&found.names);
        }
        self.found = Some(found);
    }
}

/// A run in a few words.
#[derive(Clone, Debug)]
pub struct About {
    /// The run's id: its folder's name.
    pub run: String,
    pub competition: String,
    pub title: String,
    pub metric: Metric,
    /// The score on the images held out.
    pub score: f64,
    /// When the run was finished, RFC 3339.
    pub finished: String,
    pub program: String,
    pub device: String,
    pub backbone: String,
    /// Side of the square it sees, in pixels.
    pub size: usize,
    pub train_images: usize,
    pub valid_images: usize,
    pub seconds: f64,
    /// The run that held images out, by whose plan this one was trained on all.
    pub refit: Option<String>,
    /// This fold, from 1, and how many there are; none for a single split.
    pub fold: Option<(usize, usize)>,
}

/// The scores of an upload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Submitted {
    pub public: Option<f64>,
    pub private: Option<f64>,
    /// Where the public one stands, in words.
    pub place: Option<String>,
}

/// A step of the golden rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageFacts {
    pub stage: String,
    /// What it was to do; empty where nobody wrote it down.
    pub planned: String,
    pub found: String,
    pub seconds: f64,
}

/// The answers for the images held out, before anything is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    pub predictions: Predictions,
    pub kind: TargetKind,
    /// What is true, row by row.
    pub truth: Truth,
    /// What people call the classes (`target.names`), where that is told.
    pub called: BTreeMap<String, String>,
}

impl Validation {
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// The class indices of every row; of numbers there are none.
    pub fn classes(&self) -> &[Vec<usize>] {
        self.truth.classes()
    }

    pub fn n_classes(&self) -> usize {
        self.predictions.classes.len()
    }

    pub fn row(&self, row: usize) -> &[f32] {
        self.predictions.probabilities.row(row)
    }

    /// Rows of probabilities, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.predictions.rows()
    }

    /// The one class of every image of a single-label competition.
    pub fn classes_true(&self) -> Vec<usize> {
        let first = |truth: &Vec<usize>| truth.first().copied().unwrap_or_default();
        self.classes().iter().map(first).collect()
    }

    /// A class as it is shown: what people call it, with its own name behind.
    pub fn name(&self, class: usize) -> Cow<'_, str> {
        let own = &self.predictions.classes.names()[class];
        match self.called.get(own).filter(|called| *called != own) {
            Some(called) => Cow::Owned(format!("{called} ({own})")),
            None => Cow::Borrowed(own),
        }
    }
}

/// How many images of a class there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    pub class: String,
    pub train: usize,
    pub valid: usize,
}

/// Images that are the same picture, or nearly so, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedDuplicates {
    /// Ids of training images that show the same.
    pub groups: Vec<Vec<String>>,
    /// A training and a test image that show the same.
    pub across: Vec<(String, String)>,
    /// Groups whose labels contradict each other: ids with their labels.
    pub conflicts: Vec<Vec<(String, String)>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Thumbnail {
    /// A small JPEG of the square that the network saw.
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
