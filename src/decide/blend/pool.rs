//! What the members of an ensemble said about images that they had not seen, aligned.

use std::collections::BTreeSet;

use super::Rule;
use crate::decide::{TagOptions, folds};
use crate::metric::Metric;
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind};

/// Out-of-fold predictions of several members for the same images.
#[derive(Clone, Debug)]
pub struct Pool {
    /// How the competition is scored.
    pub metric: Metric,
    /// One class or many tags.
    pub kind: TargetKind,
    /// What the columns mean.
    pub classes: Classes,
    /// The members' names.
    pub names: Vec<String>,
    /// What each member said: `[n, classes]`.
    pub members: Vec<Table>,
    /// One id an image.
    pub ids: Vec<String>,
    /// The class indices of each image, sorted.
    pub targets: Vec<Vec<usize>>,
    /// The fold of each image. Near-duplicates share theirs, so that no blend is scored on a twin
    /// of what it was fitted on.
    pub folds: Vec<usize>,
    /// What a decision about tags is to go by.
    pub tags: TagOptions,
}

impl Pool {
    /// The same with folds: images that are all of one are dealt out to several.
    pub(super) fn with_folds(mut self) -> Self {
        self.folds = folds::several(self.folds);
        self
    }

    /// The images blended: `[n, classes]`.
    pub(super) fn blended(&self, rule: &Rule) -> Table {
        rule.apply(self.kind, &self.members.iter().collect::<Vec<_>>())
    }

    /// Probabilities for the pool's images.
    pub(super) fn predictions(&self, probabilities: Table) -> Predictions {
        Predictions { ids: self.ids.clone(), probabilities, classes: self.classes.clone() }
    }

    /// The folds that there are.
    pub(super) fn fold_set(&self) -> BTreeSet<usize> {
        folds::all(&self.folds)
    }

    /// The images for which `takes` the fold.
    pub(super) fn part(&self, takes: impl Fn(usize) -> bool) -> Self {
        let taken = folds::images(&self.folds, takes);
        Self {
            metric: self.metric,
            kind: self.kind,
            classes: self.classes.clone(),
            names: self.names.clone(),
            members: self.members.iter().map(|member| member.select(&taken)).collect(),
            ids: taken.iter().map(|&i| self.ids[i].clone()).collect(),
            targets: taken.iter().map(|&i| self.targets[i].clone()).collect(),
            folds: taken.iter().map(|&i| self.folds[i]).collect(),
            tags: self.tags.clone(),
        }
    }

    /// The same images with a single member.
    pub(super) fn only(&self, member: usize) -> Self {
        Self {
            names: vec![self.names[member].clone()],
            members: vec![self.members[member].clone()],
            ..self.clone()
        }
    }
}
