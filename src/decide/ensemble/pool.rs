//! What the members of an ensemble predicted about images that they had not seen, aligned.

use std::borrow::Cow;

use anyhow::Result;

use super::Rule;
use crate::competition;
use crate::decide::compare::Folds;
use crate::decide::{Judged, Options, together};
use crate::metric::Metric;
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind, Truth};

/// Out-of-fold predictions of several members for the same images.
#[derive(Clone, Debug)]
pub struct Pool {
    /// How the competition is scored.
    pub metric: Metric,
    pub kind: TargetKind,
    pub classes: Classes,
    pub names: Vec<String>,
    /// What each member predicted: `[n, outputs]`.
    pub members: Vec<Table>,
    /// One id an image.
    pub ids: Vec<String>,
    /// What is true of each image.
    pub truth: Truth,
    /// The fold of each image. Near-duplicates share theirs, so that no blend is scored on a twin
    /// of what it was fitted on.
    pub folds: Vec<usize>,
    /// What a decision is to go by.
    pub options: Options,
}

impl Pool {
    /// The same with folds: images that are all of one are dealt out to several.
    pub(super) fn with_folds(mut self) -> Self {
        self.folds = Folds::of(&self.folds).into_vec();
        self
    }

    /// The same with a row for all images that get one answer: those of one of `sets`.
    pub(super) fn of_answers(&self, sets: &[usize], how: competition::Pool) -> Result<Self> {
        let answers = together::answers(&self.truth, sets);
        let first: Vec<usize> = answers.iter().map(|images| images[0]).collect();
        let pooled = |rows: &Table| -> Result<Table> {
            let said = self.predictions(rows.clone());
            Ok(together::pooled(&said, &answers, how)?.probabilities)
        };
        let members = self.members.iter().map(pooled).collect::<Result<_>>()?;
        Ok(Self { members, ..self.select(&first) })
    }

    /// The images blended: `[n, outputs]`.
    pub(super) fn blended(&self, rule: &Rule) -> Table {
        rule.apply(self.kind, &self.members.iter().collect::<Vec<_>>())
    }

    /// What is said about the pool's images.
    pub fn predictions(&self, probabilities: Table) -> Predictions {
        Predictions { ids: self.ids.clone(), probabilities, classes: self.classes.clone() }
    }

    /// What is said about the pool's images beside what is true.
    pub fn judged<'a>(&'a self, predictions: &'a Predictions) -> Judged<'a> {
        Judged { kind: self.kind, predictions, truth: &self.truth, folds: &self.folds }
    }

    /// Some of the images, in the order of `images`.
    pub(super) fn select(&self, images: &[usize]) -> Self {
        Self {
            metric: self.metric.clone(),
            kind: self.kind,
            classes: self.classes.clone(),
            names: self.names.clone(),
            members: self.members.iter().map(|member| member.select(images)).collect(),
            ids: images.iter().map(|&i| self.ids[i].clone()).collect(),
            truth: self.truth.select(images),
            folds: images.iter().map(|&i| self.folds[i]).collect(),
            options: self.options.clone(),
        }
    }

    /// The same images with a single member, if one is named.
    pub(super) fn of(&self, member: Option<usize>) -> Cow<'_, Self> {
        member.map_or(Cow::Borrowed(self), |member| {
            Cow::Owned(Self {
                names: vec![self.names[member].clone()],
                members: vec![self.members[member].clone()],
                metric: self.metric.clone(),
                kind: self.kind,
                classes: self.classes.clone(),
                ids: self.ids.clone(),
                truth: self.truth.clone(),
                folds: self.folds.clone(),
                options: self.options.clone(),
            })
        })
    }
}
