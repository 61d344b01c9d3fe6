//! The learner's model on libtorch: pretrained backbones in two layer groups, and a new head.

mod beside;
mod model;
mod step;
mod together;

use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{Precision, Recipe, Statistics};
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Tensor, nn};

use super::backbone::Dropping;
use super::backbones::{Backbones, NormMode};
use super::blocks::{Alike, Block};
use super::ema::{Ema, Raw};
use super::fits::Fits;
use super::group::{Group, Overlap};
use super::head::Head;
use super::input::{bytes_of, rows};
use super::loss_scale::LossScale;
use super::optimizer::Optimizer;
use super::{device, weights};

/// Backbones with a head, and the optimiser that trains them. Its weights are the raw ones, but for
/// the life of an [`Averaged`].
#[derive(Debug)]
pub struct Network {
    store: nn::VarStore,
    pub(super) backbones: Backbones,
    pub(super) head: Head,
    /// Heads of others on the same backbones, which predict beside its own.
    beside: Vec<Head>,
    outputs: Outputs,
    /// How much each class counts in the loss, `[classes]`, if not all count alike.
    class_weights: Option<Tensor>,
    recipe: Recipe,
    trainable: Trainable,
    /// All variables, those that learn alike side by side.
    blocks: Vec<Rc<Block>>,
    optimizer: Optimizer,
    ema: Option<Ema>,
    /// The backbones' weights before they trained.
    original: BTreeMap<String, Tensor>,
    /// A batch is computed in so many.
    micro_batches: usize,
    /// Those that train it together, if there are several.
    group: Option<Rc<Group>>,
    /// Adds their gradients up while others are computed, where that pays; and whether that is known.
    overlap: Option<Overlap>,
    has_overlap: bool,
    /// Images that are looked at at once where nothing is learnt; fewer once they did not fit.
    at_once: usize,
    /// Where that is kept for later commands.
    fits: Option<Fits>,
    loss_scale: LossScale,
    /// More images than these are taken to be too many for the memory.
    #[cfg(test)]
    room_for: usize,
}

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
    ) -> Result<Self> {
        tch::manual_seed(recipe.seed as i64);
        // Drawn on the CPU wherever it computes: one seed is one start.
        let mut store = nn::VarStore::new(Device::Cpu);
        let precision = device::precision(device, recipe.optimizer.precision);
        let backbones = Backbones::new(&store.root(), architectures, device, precision)?;
        let width: usize = backbones.widths().iter().sum();
        let head = Head::new(&(store.root() / "head"), width as i64, recipe, &outputs);
        let variables = store.variables().into_iter().collect();
        backbones.lay_out(&variables);
        let blocks = Block::of(alike(variables, &backbones, recipe), device);
        store.set_device(device);
        let mut network = Self {
            store,
            backbones,
            head,
            beside: Vec::new(),
            outputs,
            class_weights: None,
            recipe: recipe.clone(),
            trainable: Trainable::Head,
            blocks,
            optimizer: Optimizer::new(recipe.optimizer.kind, Vec::new()),
            ema: None,
            original: BTreeMap::new(),
            micro_batches: recipe.optimizer.accumulate,
            group: None,
            overlap: None,
            has_overlap: false,
            at_once: usize::MAX,
            fits: None,
            loss_scale: LossScale::new(precision == Precision::F16),
            #[cfg(test)]
            room_for: usize::MAX,
        };
        network.begin(Trainable::Head);
        Ok(network)
    }

    /// Goes by what fitted into the memory before, and keeps what will.
    pub fn go_by(&mut self, fits: Fits) {
        self.at_once = fits.known().unwrap_or(usize::MAX);
        self.fits = Some(fits);
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
        let raw = self.ema.as_ref().map(Ema::swap_in);
        Averaged { network: self, _raw: raw }
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

    /// Lets images leave residual branches out, where they do, until what it gives is dropped; `images` are
    /// their numbers in the batch of a step with a seed.
    fn drop_paths(&self, seed: u64, images: &Range<usize>) -> Vec<Dropping> {
        let rate = self.recipe.unfreeze.drop_path;
        if rate == 0.0 || self.trainable == Trainable::Head {
            return Vec::new();
        }
        self.backbones.drop_paths(rate, seed, images, self.store.device())
    }

    /// Logits, `[n, classes]`.
    fn logits(&self, input: &Input, train: bool) -> Result<Tensor> {
        #[cfg(test)]
        self.fill_memory(super::input::size(input, self.width()));
        let pooled = match input {
            Input::Images(images) => self.pooled(&self.bytes_of(images)?, train),
            Input::Activations(values) => rows(values, self.width(), self.store.device())?,
        };
        Ok(self.head.forward(&pooled, train))
    }

    /// What the head takes of pictures as bytes.
    fn pooled(&self, bytes: &Tensor, train: bool) -> Tensor {
        self.backbones.pool(&self.backbones.features(bytes, self.norm_mode(train)))
    }

    pub(super) fn bytes_of(&self, images: &Images) -> Result<Tensor> {
        bytes_of(images, self.store.device())
    }

    /// What libtorch does where there is no room.
    #[cfg(test)]
    pub(super) fn fill_memory(&self, n: usize) {
        if n > self.room_for {
            drop(Tensor::zeros([1 << 50], (tch::Kind::Float, Device::Cpu)));
        }
    }

    fn variables(&self) -> BTreeMap<String, Tensor> {
        self.store.variables().into_iter().collect()
    }

    /// The variables that training changes: weights, and statistics beside them.
    fn changing(&self) -> impl Iterator<Item = &Rc<Block>> {
        self.blocks.iter().filter(|block| self.is_trained(block.alike.group))
    }

    /// An average that starts at the weights as they are, where the recipe wants one.
    fn fresh_ema(&self) -> Option<Ema> {
        let decay = self.recipe.optimizer.average;
        (decay > 0.0).then(|| Ema::new(decay, self.changing().cloned()))
    }
}

/// How each variable learns, once it does.
fn alike(
    variables: BTreeMap<String, Tensor>,
    backbones: &Backbones,
    recipe: &Recipe,
) -> Vec<(String, Tensor, Alike)> {
    let names: Vec<String> = variables.keys().cloned().collect();
    let shares = backbones.rate_shares(&names, recipe.earlier_layers.decay);
    let how = |((name, variable), share): ((String, Tensor), f64)| {
        let group = backbones.group_of(&name);
        let decay = match group {
            // Norms and biases are vectors; pulling them to zero does no good.
            _ if variable.dim() < 2 => 0.0,
            N_GROUPS => recipe.head.weight_decay,
            _ if backbones.decays(&name) => recipe.optimizer.weight_decay,
            _ => 0.0,
        };
        let share = share * Head::share(&name);
        let learns = backbones.learns(&name);
        (name, variable, Alike { group, share, decay, learns })
    };
    variables.into_iter().zip(shares).map(how).collect()
}

#[cfg(test)]
mod tests;
