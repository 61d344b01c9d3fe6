//! What the learner asks of a network: the doors through which everything outside of libtorch goes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::{Images, Symmetry};
use kaggle_kit::learn::{
    Input, LinearLayer, Model, Moments, StepLoss, StepOutcome, StepRates, Trainable,
};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{LossKind, LossSettings};
use kaggle_kit::term;
use kaggle_kit::zoo::N_GROUPS;
use tch::{Device, Tensor, no_grad};

use super::Network;
use crate::torch::blocks::{copies, fill};
use crate::torch::ema::Ema;
use crate::torch::input::{images_at, part, rows, size, to_host, under};
use crate::torch::optimizer::Optimizer;
use crate::torch::state::{Header, Snapshot};
use crate::torch::{fitting, linear_fit, loss, numbers, weights};

impl Model for Network {
    type Snapshot = Snapshot;

    fn begin(&mut self, trainable: Trainable) {
        if trainable == Trainable::Everything && self.original.is_empty() {
            let backbones = self.blocks.iter().filter(|block| block.alike.group < N_GROUPS);
            self.original = copies(backbones);
        }
        self.trainable = trainable;
        // It is of the gradients of the optimiser before.
        (self.overlap, self.has_overlap) = (None, false);
        let (learning, others): (Vec<_>, Vec<_>) = self
            .blocks
            .iter()
            .cloned()
            .partition(|block| block.alike.learns && self.is_trained(block.alike.group));
        for block in others {
            block.set_gradients(None);
        }
        self.optimizer = Optimizer::new(self.recipe.optimizer.kind, learning);
        self.ema = self.fresh_ema();
    }

    fn n_outputs(&self) -> usize {
        self.outputs.n() * (1 + self.beside.len())
    }

    fn widths(&self) -> Vec<usize> {
        self.backbones.widths()
    }

    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>> {
        let mut at_once = self.at_once;
        let found = fitting::in_pieces(images.n, &mut at_once, |range| {
            #[cfg(test)]
            self.fill_memory(range.len());
            let bytes = self.bytes_of(&images_at(images, range))?;
            no_grad(|| to_host(&self.backbones.pooled_by(backbone, &bytes)))
        });
        self.remember(at_once, images.n);
        found.context("failed to compute activations")
    }

    fn standardise(&mut self, moments: &Moments) {
        self.head.standardise(moments);
        // A mean of the weights would come to the new statistics step by step.
        self.ema = self.fresh_ema();
    }

    fn linear_path(
        &mut self,
        activations: &[f32],
        targets: &[f32],
        strengths: &[f64],
    ) -> Result<Vec<LinearLayer>> {
        let (device, n_outputs) = (self.store.device(), self.outputs.n());
        let pooled = rows(activations, self.width(), device)?;
        let features = no_grad(|| self.head.standardised(&pooled));
        let features = features.context("the head has no place for a linear layer")?;
        let targets = rows(targets, n_outputs, device)?;
        // Of the others not all are convex. Each tag and each number counts in full, so that a strength
        // means the same for one of them and for many.
        let settings = LossSettings { kind: LossKind::Auto, ..self.recipe.loss };
        let times = match self.outputs {
            Outputs::Classes { .. } => 1.0,
            _ => n_outputs as f64,
        };
        let weights = self.class_weights.as_ref();
        let loss = |logits: &Tensor| {
            loss::loss(&settings, &self.outputs, weights, logits, &targets) * times
        };
        let n_outputs = n_outputs as i64;
        linear_fit::path(
            &linear_fit::Problem { features: &features, n_outputs, loss: &loss },
            strengths,
        )
    }

    fn add_linear(&mut self, layer: &LinearLayer, share: f64) {
        // What predicts is what goes on.
        if let Some(ema) = &self.ema {
            fill(&self.variables(), &ema.copies());
        }
        self.head.add_linear(layer, share);
        self.ema = self.fresh_ema();
    }

    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepOutcome> {
        let (loss, mut note) = self.gradients_that_fit(input, targets, seed)?;
        // Asking a GPU here would make it wait for the program, step after step.
        let group = self.group.clone();
        let value = move || match &group {
            Some(group) => group.agreed(loss.value()?),
            None => loss.value(),
        };
        let loss = match self.store.device() {
            Device::Cpu => StepLoss::Known(value()?),
            _ => StepLoss::Pending(Box::new(value)),
        };
        if !matches!(loss, StepLoss::Known(loss) if !loss.is_finite()) {
            note = self.descend(rates)?.or(note);
        }
        Ok(StepOutcome { loss, note })
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
        let (n, width, mut at_once) = (size(input, self.width()), self.width(), self.at_once);
        let network = self.averaged();
        let found = fitting::in_pieces(n, &mut at_once, |range| {
            no_grad(|| {
                let logits = network.logits(&part(input, width, range), false)?;
                to_host(&numbers::answers(&network.outputs, &logits))
            })
        });
        drop(network);
        self.remember(at_once, n);
        found.context("failed to predict")
    }

    fn predict_under(&mut self, images: &Images, symmetries: &[Symmetry]) -> Result<Vec<Vec<f32>>> {
        // They go to the device once, and are turned there.
        let mut at_once = self.at_once;
        let network = self.averaged();
        let bytes = network.bytes_of(images)?;
        let predict = |symmetry: &Symmetry| {
            fitting::in_pieces(images.n, &mut at_once, |range| {
                let some = bytes.narrow(0, range.start as i64, range.len() as i64);
                no_grad(|| {
                    let pooled = network.pooled(&under(*symmetry, &some), false);
                    to_host(&network.answers(&pooled))
                })
            })
        };
        let found = symmetries.iter().map(predict).collect::<Result<_>>();
        drop(network);
        self.remember(at_once, images.n);
        found.context("failed to predict")
    }

    fn align(&mut self) -> Result<f64> {
        match self.group.clone() {
            Some(group) => self.align_with(&group).context("failed to compare the ranks' weights"),
            None => Ok(0.0),
        }
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
                loss_scale: self.loss_scale.by,
                good_steps: self.loss_scale.good_steps,
            },
            variables: copies(self.changing()),
            means,
            squares,
            averages: ema.map(Ema::copies).unwrap_or_default(),
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        let Header { trainable, steps, averaged_steps, micro_batches, loss_scale, good_steps } =
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
            // What predicted best was the mean. Copied into place: a snapshot from a file is on the
            // CPU, whatever the network is on.
            fill(&ema.weights(), &snapshot.averages);
            ema.steps = if is_same { averaged_steps } else { 0 };
        }
        // What was too much for the memory then is too much now.
        self.micro_batches = self.micro_batches.max(micro_batches);
        self.loss_scale = self.loss_scale.restored(loss_scale, good_steps);
    }

    fn go_towards(&mut self, to: &Snapshot, share: f64) {
        let from = self.predicting();
        self.restore(to);
        let to = self.predicting();
        let mean = to.iter().map(|(name, tensor)| {
            let mean = no_grad(|| tensor.lerp(&from[name], 1.0 - share));
            (name.clone(), mean)
        });
        fill(&self.variables(), &mean.collect());
        self.ema = self.fresh_ema();
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
        let means = self.ema.as_ref().map(Ema::weights).unwrap_or_default();
        weights::save_with(&self.store, &means, path)
    }
}

impl Network {
    /// Copies of the weights that predict.
    pub(super) fn predicting(&self) -> BTreeMap<String, Tensor> {
        let mut all = copies(self.blocks.iter());
        all.extend(self.ema.as_ref().map(Ema::copies).unwrap_or_default());
        all
    }

    /// Keeps how many images fitted at once, with a word where those were fewer than `n`.
    fn remember(&mut self, at_once: usize, n: usize) {
        if at_once < self.at_once {
            term::warn(format_args!(
                "out of memory: {n} images are looked at {at_once} at a time from here on"
            ));
            self.at_once = at_once;
            if let Some(fits) = &self.fits {
                fits.keep(at_once);
            }
        }
    }
}
