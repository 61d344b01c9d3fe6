//! The learner's model on libtorch: pretrained backbones in two layer groups, and a new head.

mod model;
mod step;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kaggle_kit::learn::{Input, Model, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Precision, Recipe, Statistics};
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Tensor, nn};

use super::backbones::{Backbones, NormMode};
use super::ema::{Ema, Raw};
use super::head::Head;
use super::input::rows;
use super::optimizer::Optimizer;
use super::weights;

/// Backbones with a head, and the optimiser that trains them. Its weights are the raw ones, but for
/// the life of an [`Averaged`].
#[derive(Debug)]
pub struct Network {
    store: nn::VarStore,
    pub(super) backbones: Backbones,
    pub(super) head: Head,
    outputs: Outputs,
    /// How much each class counts in the loss, `[classes]`, if not all count alike.
    class_weights: Option<Tensor>,
    recipe: Recipe,
    trainable: Trainable,
    optimizer: Optimizer,
    ema: Option<Ema>,
    /// The backbones' weights before they trained.
    original: BTreeMap<String, Tensor>,
    /// A batch is computed in so many.
    micro_batches: usize,
    /// What a loss in half precision is multiplied by, so that small gradients do not vanish.
    loss_scale: f64,
}

/// `PyTorch`'s `GradScaler` starts there.
const FIRST_LOSS_SCALE: f64 = 65536.0;

/// A network with its averaged weights, if it keeps an average: the one that predicts. Nothing trains
/// it meanwhile, and it has its raw weights again when this is dropped.
pub(super) struct Averaged<'a> {
    network: &'a Network,
    _raw: Option<Raw>,
}

impl Deref for Averaged<'_> {
    type Target = Network;

    fn deref(&self) -> &Network {
        self.network
    }
}

impl Network {
    /// A network whose head has random weights that follow from the recipe's seed, and whose
    /// backbones have what `tch` gives them until [`Network::load_backbones`] or
    /// [`Network::restore_from`].
    pub fn new(
        architectures: &[&'static Architecture],
        recipe: &Recipe,
        outputs: Outputs,
        device: Device,
    ) -> Self {
        tch::manual_seed(recipe.seed as i64);
        let store = nn::VarStore::new(device);
        let precision = recipe.optimizer.precision;
        let backbones = Backbones::new(&store.root(), architectures, device, precision);
        let width: usize = backbones.widths().iter().sum();
        let head = Head::new(&(store.root() / "head"), width as i64, recipe, &outputs);
        let mut network = Self {
            store,
            backbones,
            head,
            outputs,
            class_weights: None,
            recipe: recipe.clone(),
            trainable: Trainable::Head,
            optimizer: Optimizer::new(recipe.optimizer.kind, Vec::new()),
            ema: None,
            original: BTreeMap::new(),
            micro_batches: recipe.optimizer.accumulate,
            loss_scale: if precision == Precision::F16 { FIRST_LOSS_SCALE } else { 1.0 },
        };
        network.begin(Trainable::Head);
        network
    }

    /// Makes classes count so much in the loss.
    pub fn weigh_classes(&mut self, weights: &[f32]) {
        self.class_weights = Some(Tensor::from_slice(weights).to_device(self.store.device()));
    }

    /// Fills each backbone with pretrained weights in timm's names.
    pub fn load_backbones(&self, paths: &[PathBuf]) -> Result<()> {
        let variables = self.variables();
        for ((architecture, prefix), path) in self.backbones.prefixes().zip(paths) {
            let own = variables.iter().filter_map(|(name, variable)| {
                Some((name.strip_prefix(prefix)?.to_owned(), variable.shallow_clone()))
            });
            weights::load_into(own.collect(), path, architecture)?;
        }
        Ok(())
    }

    /// Reads what [`Model::save`] wrote.
    pub fn restore_from(&mut self, path: &Path) -> Result<()> {
        // What is saved is what predicts.
        self.ema = None;
        weights::restore(&self.store, path)
    }

    /// The network as it predicts.
    pub(super) fn averaged(&mut self) -> Averaged<'_> {
        let raw = self.ema.as_ref().map(|ema| ema.swap_in(self.changing()));
        Averaged { network: self, _raw: raw }
    }

    fn group_of(&self, name: &str) -> usize {
        self.backbones.group_of(name)
    }

    fn is_trained(&self, group: usize) -> bool {
        match self.trainable {
            Trainable::Head => group == N_GROUPS,
            Trainable::Everything => true,
        }
    }

    /// Of all backbones together.
    fn width(&self) -> usize {
        self.backbones.widths().iter().sum()
    }

    /// Norms of frozen backbones stand still even while training.
    fn norm_mode(&self, train: bool) -> NormMode {
        let is_learning = train && self.trainable == Trainable::Everything;
        match (is_learning, self.recipe.unfreeze.statistics) {
            (false, _) => NormMode::Still,
            (true, Statistics::Fixed) => NormMode::Fixed,
            (true, Statistics::Moving) => NormMode::Moving,
        }
    }

    /// Logits, `[n, classes]`.
    fn logits(&self, input: &Input, train: bool) -> Result<Tensor> {
        let pooled = match input {
            Input::Images(images) => {
                self.backbones.pool(&self.backbones.features(images, self.norm_mode(train))?)
            }
            Input::Activations(values) => rows(values, self.width(), self.store.device())?,
        };
        Ok(self.head.forward(&pooled, train))
    }

    fn variables(&self) -> BTreeMap<String, Tensor> {
        self.store.variables().into_iter().collect()
    }

    /// The variables that training changes: weights, and statistics beside them.
    fn changing(&self) -> BTreeMap<String, Tensor> {
        let mut variables = self.variables();
        variables.retain(|name, _| self.is_trained(self.group_of(name)));
        variables
    }

    /// An average that starts at the weights as they are, where the recipe wants one.
    fn fresh_ema(&self) -> Option<Ema> {
        let decay = self.recipe.optimizer.average;
        (decay > 0.0).then(|| Ema::new(decay, &self.changing()))
    }
}

/// Running statistics of norms are not learnt by gradient.
fn is_statistic(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

#[cfg(test)]
mod tests;
