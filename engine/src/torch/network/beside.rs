//! Several heads on one backbone: what folds that trained their heads alone predict, with one look at each
//! image.

use std::path::Path;

use anyhow::Result;
use kaggle_kit::zoo::N_GROUPS;
use tch::Tensor;

use super::Network;
use crate::torch::numbers;

impl Network {
    /// Takes the head of another file of weights beside its own, if the backbones in it are its own to the
    /// last bit; whether they are. From then on [`predict_under`](kaggle_kit::learn::Model::predict_under)
    /// gives what all heads say of an image side by side, in the order in which they came.
    pub fn take_head_beside(&mut self, path: &Path) -> Result<bool> {
        let architectures: Vec<_> = self.backbones.prefixes().map(|(one, _)| one).collect();
        let device = self.store.device();
        let mut other = Self::new(&architectures, &self.recipe, self.outputs.clone(), device)?;
        other.restore_from(path)?;
        let theirs = other.variables();
        let is_same = |(name, own): (&String, &Tensor)| {
            self.backbones.group_of(name) == N_GROUPS
                || theirs.get(name).is_some_and(|other| own.equal(other))
        };
        if !self.variables().iter().all(is_same) {
            return Ok(false);
        }
        self.beside.push(other.head);
        Ok(true)
    }

    /// What all heads answer to pooled features, `[n, heads * outputs]`.
    pub(super) fn answers(&self, pooled: &Tensor) -> Tensor {
        let heads = std::iter::once(&self.head).chain(&self.beside);
        let answers: Vec<Tensor> = heads
            .map(|head| numbers::answers(&self.outputs, &head.forward(pooled, false)))
            .collect();
        match &answers[..] {
            [one] => one.shallow_clone(),
            all => Tensor::cat(all, 1),
        }
    }
}
