//! What the learner asks of a network: the doors through which everything outside of libtorch goes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, Moments, StepLoss, StepOutcome, StepRates, Trainable};
use kaggle_kit::zoo::N_GROUPS;
use tch::{Device, no_grad};

use super::{Network, is_statistic};
use crate::torch::ema::{copies, fill};
use crate::torch::input::to_host;
use crate::torch::optimizer::{Optimizer, Param};
use crate::torch::state::{Header, Snapshot};
use crate::torch::{numbers, weights};

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

    fn standardise(&mut self, moments: &Moments) {
        self.head.standardise(moments);
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
