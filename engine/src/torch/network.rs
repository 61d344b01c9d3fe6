//! The learner's model on libtorch: pretrained backbones in two layer groups, and a new head.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, Pace, Trainable};
use kaggle_kit::recipe::{self, LossKind, Precision, Recipe, Statistics};
use kaggle_kit::target::TargetKind;
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Kind, Tensor, nn, no_grad};

use super::average::{Average, copies, fill};
use super::head::Head;
use super::input::{part, rows, size, to_host};
use super::loss::{self, Loss};
use super::optimizer::{Optimizer, Trained};
use super::stack::{Pass, Stack};
use super::state::Snapshot;
use super::{pieces, weights};

/// Backbones with a head, and the optimiser that trains them.
#[derive(Debug)]
pub struct Network {
    store: nn::VarStore,
    pub(super) backbones: Stack,
    pub(super) head: Head,
    kind: TargetKind,
    n_classes: usize,
    settings: recipe::Optimizer,
    layer_decay: f64,
    loss: LossKind,
    head_decay: f64,
    statistics: Statistics,
    trainable: Trainable,
    optimizer: Optimizer,
    average: Option<Average>,
    /// The backbone's weights before it trained.
    original: BTreeMap<String, Tensor>,
    /// A batch is computed in so many.
    pieces: usize,
    scale: Scale,
    note: Option<String>,
}

/// What a loss in half precision is multiplied by, so that small gradients do not vanish.
#[derive(Clone, Copy, Debug)]
struct Scale {
    by: f64,
    is_on: bool,
}

impl Scale {
    /// `PyTorch`'s `GradScaler` starts there.
    const START: f64 = 65536.0;

    fn new(precision: Precision) -> Self {
        let is_on = precision == Precision::F16;
        Self { by: if is_on { Self::START } else { 1.0 }, is_on }
    }
}

impl Network {
    /// A network whose head has random weights that follow from the recipe's seed, and whose
    /// backbones have what `tch` gives them until [`Network::load_backbones`] or
    /// [`Network::restore`].
    pub fn new(
        architectures: &[&'static Architecture],
        recipe: &Recipe,
        kind: TargetKind,
        n_classes: usize,
        device: Device,
    ) -> Self {
        tch::manual_seed(recipe.seed as i64);
        let store = nn::VarStore::new(device);
        let precision = recipe.optimizer.precision;
        let backbones = Stack::new(&store.root(), architectures, device, precision);
        let width: usize = backbones.widths().iter().sum();
        let head =
            Head::new(&(store.root() / "head"), width as i64, &recipe.head, n_classes as i64);
        let mut network = Self {
            store,
            backbones,
            head,
            kind,
            n_classes,
            settings: recipe.optimizer,
            layer_decay: recipe.earlier_layers.decay,
            loss: recipe.loss.kind,
            head_decay: recipe.head.weight_decay,
            statistics: recipe.unfreeze.statistics,
            trainable: Trainable::Head,
            optimizer: Optimizer::new(recipe.optimizer.kind, Vec::new()),
            average: None,
            original: BTreeMap::new(),
            pieces: recipe.optimizer.accumulate,
            scale: Scale::new(recipe.optimizer.precision),
            note: None,
        };
        network.begin(Trainable::Head);
        network
    }

    /// Fills each backbone with pretrained weights in timm's names.
    pub fn load_backbones(&self, paths: &[PathBuf]) -> Result<()> {
        let variables = self.variables();
        for ((architecture, prefix), path) in self.backbones.parts().zip(paths) {
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
        self.average = None;
        weights::restore(&self.store, path)
    }

    /// The layer group of a variable.
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

    /// How a batch goes through the backbones. Norms of frozen ones stand still even while training.
    fn pass(&self, train: bool) -> Pass {
        match (train && self.trainable == Trainable::Everything, self.statistics) {
            (false, _) => Pass::Still,
            (true, Statistics::Fixed) => Pass::Fixed,
            (true, Statistics::Moving) => Pass::Moving,
        }
    }

    /// Logits, `[n, classes]`.
    fn logits(&self, input: &Input, train: bool) -> Result<Tensor> {
        let pooled = match input {
            Input::Images(images) => {
                self.backbones.pool(&self.backbones.features(images, self.pass(train))?)
            }
            Input::Activations(values) => rows(values, self.width(), self.store.device())?,
        };
        Ok(self.head.forward(&pooled, train))
    }

    /// Adds a batch's gradients up, piece by piece.
    fn gradients(&mut self, input: &Input, targets: &[f32]) -> Result<Loss> {
        let (n, width) = (size(input, self.width()), self.n_classes);
        let mut of_pieces = Vec::new();
        for range in pieces::ranges(n, self.pieces) {
            let share = range.len() as f64 / n as f64;
            let targets = &targets[range.start * width..range.end * width];
            let targets = rows(targets, width, self.store.device())?;
            let piece = part(input, self.width(), range);
            let logits = self.logits(&piece, true)?;
            let loss = loss::loss(self.loss, self.kind, &logits, &targets);
            let scaled = &loss * (share * self.scale.by);
            scaled.f_backward().context("failed to compute gradients")?;
            of_pieces.push((share, loss.detach()));
        }
        Ok(Loss(of_pieces))
    }

    /// The same, in as many pieces as the memory asks for.
    fn gradients_that_fit(&mut self, input: &Input, targets: &[f32], seed: u64) -> Result<Loss> {
        loop {
            tch::manual_seed(seed as i64);
            self.optimizer.zero_grad();
            let error = match self.gradients(input, targets) {
                Ok(loss) => return Ok(loss),
                Err(error) => error,
            };
            let n = size(input, self.width());
            match pieces::more(n, self.pieces).filter(|_| pieces::is_out_of_memory(&error)) {
                Some(more) => {
                    self.pieces = more;
                    self.note = Some(format!(
                        "out of memory: a batch of {n} is computed in {more} pieces from here on"
                    ));
                }
                None => return Err(error),
            }
        }
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

    /// The weights that predict are the running means, if there are any.
    pub(super) fn stand_in(&mut self, means: bool) {
        let variables = self.changing();
        if let Some(average) = &mut self.average {
            if means {
                average.stand_in(&variables);
            } else {
                average.step_back(&variables);
            }
        }
    }
}

impl Model for Network {
    type Snapshot = Snapshot;
    type Loss = Loss;

    fn begin(&mut self, trainable: Trainable) {
        self.stand_in(false);
        if trainable == Trainable::Everything && self.original.is_empty() {
            let mut variables = self.variables();
            variables.retain(|name, _| self.group_of(name) < N_GROUPS);
            self.original = copies(&variables);
        }
        self.trainable = trainable;
        let named = self.variables();
        let names: Vec<String> = named.keys().cloned().collect();
        let shares = self.backbones.rate_shares(&names, self.layer_decay);
        let mut variables = Vec::new();
        for ((name, variable), share) in named.into_iter().zip(shares) {
            let group = self.group_of(&name);
            let learns = self.is_trained(group) && !is_statistic(&name);
            let variable = variable.set_requires_grad(learns);
            if learns {
                let decay = match group {
                    N_GROUPS => self.head_decay,
                    _ if self.backbones.decays(&name) => self.settings.weight_decay,
                    _ => 0.0,
                };
                variables.push(Trained { name, variable, group, share, decay });
            }
        }
        self.optimizer = Optimizer::new(self.settings.kind, variables);
        self.average = (self.settings.average > 0.0)
            .then(|| Average::new(self.settings.average, &self.changing()));
    }

    fn widths(&self) -> Vec<usize> {
        self.backbones.widths()
    }

    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>> {
        no_grad(|| to_host(&self.backbones.pooled_by(backbone, images)?))
            .context("failed to compute activations")
    }

    fn step(&mut self, input: &Input, targets: &[f32], pace: &Pace, seed: u64) -> Result<Loss> {
        self.stand_in(false);
        let loss = self.gradients_that_fit(input, targets, seed)?;
        // Asking a GPU here would make it wait for the program, step after step.
        if !self.works_ahead() && !loss.value()?.is_finite() {
            return Ok(loss);
        }
        let Scale { by, is_on } = self.scale;
        if is_on || self.settings.clip_norm > 0.0 {
            let length = self.optimizer.scale_and_clip(1.0 / by, self.settings.clip_norm);
            if is_on && by > 1.0 && !length.f_double_value(&[])?.is_finite() {
                // The loss was scaled too high for half precision: this step is left out.
                self.scale.by = by / 2.0;
                return Ok(loss);
            }
        }
        self.optimizer.step(pace);
        let variables = self.changing();
        if let Some(average) = &mut self.average {
            average.update(&variables);
        }
        Ok(loss)
    }

    fn loss(&self, loss: &Loss) -> Result<f64> {
        loss.value()
    }

    fn works_ahead(&self) -> bool {
        self.store.device() != Device::Cpu
    }

    fn note(&mut self) -> Option<String> {
        self.note.take()
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
        self.stand_in(true);
        no_grad(|| {
            let logits = self.logits(input, false)?;
            to_host(&match self.kind {
                TargetKind::SingleLabel => logits.softmax(-1, Kind::Float),
                TargetKind::MultiLabel => logits.sigmoid(),
            })
        })
        .context("failed to predict")
    }

    fn snapshot(&self) -> Snapshot {
        let [means, squares] = self.optimizer.memory();
        let mut variables = copies(&self.changing());
        if let Some(aside) = self.average.as_ref().and_then(Average::aside) {
            variables = copies(aside);
        }
        Snapshot {
            trainable: self.trainable,
            variables,
            means,
            squares,
            steps: i64::from(self.optimizer.steps()),
            average: self.average.as_ref().map(|a| (copies(&a.weights), a.steps)),
            pieces: self.pieces,
            scale: self.scale.by,
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        self.stand_in(false);
        let variables = self.variables();
        // A snapshot of the head alone is one of an untrained backbone.
        if snapshot.trainable == Trainable::Head {
            fill(&variables, &self.original);
        }
        fill(&variables, &snapshot.variables);
        // A snapshot of another stage has means of other variables: that stage's optimiser is gone,
        // and the next stage begins with a fresh one.
        let is_same = snapshot.trainable == self.trainable;
        if is_same {
            let steps = snapshot.steps as i32;
            self.optimizer.restore(&snapshot.means, &snapshot.squares, steps);
        }
        if !is_same && self.average.is_some() {
            self.average = Some(Average::new(self.settings.average, &self.changing()));
        }
        if let (Some(average), Some((weights, steps))) = (&mut self.average, &snapshot.average) {
            // What predicted best was the mean.
            let changing = weights.iter().map(|(name, w)| (name.clone(), w.copy()));
            average.weights.extend(changing);
            average.steps = if is_same { *steps } else { 0 };
        }
        self.scale.by = snapshot.scale;
    }

    fn resume(&mut self, snapshot: &Snapshot) {
        self.begin(snapshot.trainable);
        self.pieces = snapshot.pieces;
        self.restore(snapshot);
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
        let means = self.average.as_ref().map_or(&empty, |average| &average.weights);
        weights::save_with(&self.store, means, path)
    }
}

/// Running statistics of norms are not learnt by gradient.
fn is_statistic(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
