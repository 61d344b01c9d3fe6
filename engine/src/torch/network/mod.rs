//! The learner's model on libtorch: pretrained backbones in two layer groups, and a new head.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, StepLoss, StepOutcome, StepRates, Trainable};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{self, Precision, Recipe, Statistics};
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Tensor, nn, no_grad};

use super::backbones::{Backbones, NormMode};
use super::ema::{Ema, Raw, copies, fill};
use super::head::Head;
use super::input::{part, rows, size, to_host};
use super::loss::{self, BatchLoss};
use super::optimizer::{Optimizer, Param};
use super::state::{Header, Snapshot};
use super::{micro_batch, numbers, weights};

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
        let head =
            Head::new(&(store.root() / "head"), width as i64, &recipe.head, outputs.n() as i64);
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

    /// Adds a batch's gradients up, a micro-batch at a time.
    fn gradients(&mut self, input: &Input, targets: &[f32]) -> Result<BatchLoss> {
        let (n, width) = (size(input, self.width()), self.outputs.n());
        let mut losses = Vec::new();
        for range in micro_batch::ranges(n, self.micro_batches) {
            let share = range.len() as f64 / n as f64;
            let targets = &targets[range.start * width..range.end * width];
            let targets = rows(targets, width, self.store.device())?;
            let images = part(input, self.width(), range);
            let logits = self.logits(&images, true)?;
            let weights = self.class_weights.as_ref();
            let loss = loss::loss(&self.recipe.loss, &self.outputs, weights, &logits, &targets);
            let scaled = &loss * (share * self.loss_scale);
            scaled.f_backward().context("failed to compute gradients")?;
            losses.push((share, loss.detach()));
        }
        Ok(BatchLoss(losses))
    }

    /// The same, in as many micro-batches as the memory asks for, with a word about it if those are
    /// more than before.
    fn gradients_that_fit(
        &mut self,
        input: &Input,
        targets: &[f32],
        seed: u64,
    ) -> Result<(BatchLoss, Option<String>)> {
        let mut note = None;
        loop {
            tch::manual_seed(seed as i64);
            self.optimizer.zero_grad();
            let error = match self.gradients(input, targets) {
                Ok(loss) => return Ok((loss, note)),
                Err(error) => error,
            };
            let n = size(input, self.width());
            let more = micro_batch::more(n, self.micro_batches);
            let Some(more) = more.filter(|_| micro_batch::is_out_of_memory(&error)) else {
                return Err(error);
            };
            self.micro_batches = more;
            note = Some(format!(
                "out of memory: a batch of {n} is computed in {more} pieces from here on"
            ));
        }
    }

    /// A step down the gradients that were computed.
    fn descend(&mut self, rates: &StepRates) -> Result<()> {
        let recipe::OptimizerSettings { clip_norm, precision, .. } = self.recipe.optimizer;
        let (scale, is_scaled) = (self.loss_scale, precision == Precision::F16);
        if is_scaled || clip_norm > 0.0 {
            let length = self.optimizer.scale_and_clip(1.0 / scale, clip_norm);
            if is_scaled && scale > 1.0 && !length.f_double_value(&[])?.is_finite() {
                // The loss was scaled too high for half precision: this step is left out.
                self.loss_scale = scale / 2.0;
                return Ok(());
            }
        }
        self.optimizer.step(rates);
        let variables = self.ema.is_some().then(|| self.changing());
        if let (Some(ema), Some(variables)) = (&mut self.ema, variables) {
            ema.update(&variables);
        }
        Ok(())
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

impl Model for Network {
    type Snapshot = Snapshot;

    fn begin(&mut self, trainable: Trainable) {
        if trainable == Trainable::Everything && self.original.is_empty() {
            let mut variables = self.variables();
            variables.retain(|name, _| self.group_of(name) < N_GROUPS);
            self.original = copies(&variables);
        }
        self.trainable = trainable;
        let named = self.variables();
        let names: Vec<String> = named.keys().cloned().collect();
        let shares = self.backbones.rate_shares(&names, self.recipe.earlier_layers.decay);
        let mut params = Vec::new();
        for ((name, variable), share) in named.into_iter().zip(shares) {
            let group = self.group_of(&name);
            let learns = self.is_trained(group) && !is_statistic(&name);
            let variable = variable.set_requires_grad(learns);
            if learns {
                let decay = match group {
                    N_GROUPS => self.recipe.head.weight_decay,
                    _ if self.backbones.decays(&name) => self.recipe.optimizer.weight_decay,
                    _ => 0.0,
                };
                params.push(Param { name, variable, group, share, decay });
            }
        }
        self.optimizer = Optimizer::new(self.recipe.optimizer.kind, params);
        self.ema = self.fresh_ema();
    }

    fn widths(&self) -> Vec<usize> {
        self.backbones.widths()
    }

    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>> {
        no_grad(|| to_host(&self.backbones.pooled_by(backbone, images)?))
            .context("failed to compute activations")
    }

    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepOutcome> {
        let (loss, note) = self.gradients_that_fit(input, targets, seed)?;
        // Asking a GPU here would make it wait for the program, step after step.
        let loss = match self.store.device() {
            Device::Cpu => StepLoss::Known(loss.value()?),
            _ => StepLoss::Pending(Box::new(move || loss.value())),
        };
        if !matches!(loss, StepLoss::Known(loss) if !loss.is_finite()) {
            self.descend(rates)?;
        }
        Ok(StepOutcome { loss, note })
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
        let network = self.averaged();
        no_grad(|| {
            let logits = network.logits(input, false)?;
            to_host(&numbers::answers(&network.outputs, &logits))
        })
        .context("failed to predict")
    }

    fn snapshot(&self) -> Snapshot {
        let [means, squares] = self.optimizer.memory();
        let ema = self.ema.as_ref();
        Snapshot {
            header: Header {
                trainable: self.trainable,
                steps: self.optimizer.steps(),
                averaged_steps: ema.map_or(0, |ema| ema.steps),
                micro_batches: self.micro_batches,
                loss_scale: self.loss_scale,
            },
            variables: copies(&self.changing()),
            means,
            squares,
            averages: ema.map(|ema| copies(&ema.weights)).unwrap_or_default(),
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        let Header { trainable, steps, averaged_steps, micro_batches, loss_scale } =
            snapshot.header;
        let variables = self.variables();
        // A snapshot of the head alone is one of an untrained backbone.
        if trainable == Trainable::Head {
            fill(&variables, &self.original);
        }
        fill(&variables, &snapshot.variables);
        // A snapshot of another stage has means of other variables: that stage's optimiser is gone,
        // and the next stage begins with a fresh one.
        let is_same = trainable == self.trainable;
        if is_same {
            self.optimizer.restore(&snapshot.means, &snapshot.squares, steps);
        } else {
            self.ema = self.fresh_ema();
        }
        if let Some(ema) = self.ema.as_mut().filter(|_| !snapshot.averages.is_empty()) {
            // What predicted best was the mean.
            ema.weights.extend(copies(&snapshot.averages));
            ema.steps = if is_same { averaged_steps } else { 0 };
        }
        // What was too much for the memory then is too much now.
        self.micro_batches = self.micro_batches.max(micro_batches);
        self.loss_scale = loss_scale;
    }

    fn to_bytes(snapshot: &Snapshot) -> Result<Vec<u8>> {
        snapshot.to_bytes()
    }

    fn snapshot_of(&self, bytes: &[u8]) -> Result<Snapshot> {
        let snapshot = Snapshot::from_bytes(bytes)?;
        let ours = self.variables();
        for (name, tensor) in &snapshot.variables {
            let fits = ours.get(name).is_some_and(|variable| variable.size() == tensor.size());
            ensure!(fits, "`{name}` is not one of this network's");
        }
        Ok(snapshot)
    }

    fn save(&self, path: &Path) -> Result<()> {
        let empty = BTreeMap::new();
        let means = self.ema.as_ref().map_or(&empty, |ema| &ema.weights);
        weights::save_with(&self.store, means, path)
    }
}

/// Running statistics of norms are not learnt by gradient.
fn is_statistic(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

#[cfg(test)]
mod tests;
