//! The learner's model on libtorch: a pretrained backbone in two layer groups, and a new head.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor, nn, no_grad};

use super::backbone::{Architecture, Backbone, N_GROUPS};
use super::head::{Head, concat_pool};
use super::input::{Normalise, rows, to_host};
use super::optimizer::{AdamW, State};
use super::weights;
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, Rates, Trainable};
use kaggle_kit::recipe::{Optimizer, Recipe, Statistics};
use kaggle_kit::target::TargetKind;

/// A backbone with a head, and the optimiser that trains them.
#[derive(Debug)]
pub struct Network {
    store: nn::VarStore,
    architecture: &'static Architecture,
    backbone: Backbone,
    head: Head,
    normalise: Normalise,
    kind: TargetKind,
    n_classes: usize,
    settings: Optimizer,
    head_decay: f64,
    statistics: Statistics,
    trainable: Trainable,
    optimizer: AdamW,
}

/// Weights, norms' statistics and the optimiser's state.
#[derive(Debug)]
pub struct Snapshot {
    variables: BTreeMap<String, Tensor>,
    optimizer: State,
    trainable: Trainable,
}

impl Network {
    /// A network whose head has random weights that follow from the recipe's seed, and whose
    /// backbone has what `tch` gives it until [`Network::load_backbone`] or [`Network::restore`].
    pub fn new(
        architecture: &'static Architecture,
        recipe: &Recipe,
        kind: TargetKind,
        n_classes: usize,
        device: Device,
    ) -> Self {
        tch::manual_seed(recipe.seed as i64);
        let store = nn::VarStore::new(device);
        let backbone = Backbone::new(&store.root(), architecture);
        let head = Head::new(
            &(store.root() / "head"),
            2 * architecture.width,
            &recipe.head,
            n_classes as i64,
        );
        let mut network = Self {
            normalise: Normalise::new(architecture, device),
            store,
            architecture,
            backbone,
            head,
            kind,
            n_classes,
            settings: recipe.optimizer,
            head_decay: recipe.head.weight_decay,
            statistics: recipe.unfreeze.statistics,
            trainable: Trainable::Head,
            optimizer: AdamW::new(Vec::new(), recipe.optimizer.momentum),
        };
        network.begin(Trainable::Head);
        network
    }

    /// Fills the backbone with pretrained weights in timm's names.
    pub fn load_backbone(&self, path: &Path) -> Result<()> {
        weights::load(&self.store, path, self.architecture)
    }

    /// Writes all weights, backbone and head.
    pub fn save(&self, path: &Path) -> Result<()> {
        weights::save(&self.store, path)
    }

    /// Reads what [`Network::save`] wrote.
    pub fn restore_from(&self, path: &Path) -> Result<()> {
        weights::restore(&self.store, path)
    }

    /// The layer group of a variable.
    fn group_of(&self, name: &str) -> usize {
        self.architecture.group_of(name)
    }

    fn is_trained(&self, group: usize) -> bool {
        match self.trainable {
            Trainable::Head => group == N_GROUPS,
            Trainable::Everything => true,
        }
    }

    /// Pooled features, `[n, 2 * width]`. Norms of frozen groups stand still even while training.
    fn pooled(&self, images: &Images, train: bool) -> Result<Tensor> {
        let mut x = self.normalise.apply(images)?;
        for group in 0..N_GROUPS {
            let trains = train && self.is_trained(group);
            let moving = trains && self.statistics == Statistics::Moving;
            let forward = || self.backbone.forward_group(group, &x, moving);
            x = if trains { forward() } else { no_grad(forward) };
        }
        Ok(concat_pool(&x))
    }

    /// Logits, `[n, classes]`.
    fn logits(&self, input: &Input, train: bool) -> Result<Tensor> {
        let pooled = match input {
            Input::Images(images) => self.pooled(images, train)?,
            Input::Activations(values) => {
                rows(values, 2 * self.architecture.width as usize, self.store.device())?
            }
        };
        Ok(self.head.forward(&pooled, train))
    }

    fn loss(&self, logits: &Tensor, targets: &[f32]) -> Result<Tensor> {
        let targets = rows(targets, self.n_classes, self.store.device())?;
        Ok(match self.kind {
            TargetKind::SingleLabel => -(logits.log_softmax(-1, Kind::Float) * targets)
                .sum_dim_intlist(-1, false, Kind::Float)
                .mean(Kind::Float),
            TargetKind::MultiLabel => logits.binary_cross_entropy_with_logits::<Tensor>(
                &targets,
                None,
                None,
                tch::Reduction::Mean,
            ),
        })
    }
}

impl Model for Network {
    type Snapshot = Snapshot;

    fn begin(&mut self, trainable: Trainable) {
        self.trainable = trainable;
        let named: BTreeMap<String, Tensor> = self.store.variables().into_iter().collect();
        let mut variables = Vec::new();
        for (name, variable) in named {
            let group = self.group_of(&name);
            let learns = self.is_trained(group) && !is_statistic(&name);
            let variable = variable.set_requires_grad(learns);
            if learns {
                let in_head = group == N_GROUPS;
                let decay = if in_head { self.head_decay } else { self.settings.weight_decay };
                variables.push((variable, group, decay));
            }
        }
        self.optimizer = AdamW::new(variables, self.settings.momentum);
    }

    fn activations(&mut self, images: &Images) -> Result<Vec<f32>> {
        no_grad(|| to_host(&self.pooled(images, false)?)).context("failed to compute activations")
    }

    fn step(&mut self, input: &Input, targets: &[f32], rates: &Rates, seed: u64) -> Result<f64> {
        tch::manual_seed(seed as i64);
        self.optimizer.zero_grad();
        let loss = self.loss(&self.logits(input, true)?, targets)?;
        loss.f_backward().context("failed to compute gradients")?;
        self.optimizer.step(rates);
        Ok(loss.double_value(&[]))
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
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
        let variables =
            self.store.variables().into_iter().map(|(name, v)| (name, v.detach().copy()));
        Snapshot {
            variables: variables.collect(),
            optimizer: self.optimizer.state(),
            trainable: self.trainable,
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        no_grad(|| {
            for (name, mut variable) in self.store.variables() {
                variable.copy_(&snapshot.variables[&name]);
            }
        });
        // A snapshot of another stage has moments of other variables: that stage's optimiser is
        // gone, and the next stage begins with a fresh one.
        if snapshot.trainable == self.trainable {
            self.optimizer.restore(&snapshot.optimizer);
        }
    }
}

/// Running statistics of norms are not learnt by gradient.
fn is_statistic(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}
