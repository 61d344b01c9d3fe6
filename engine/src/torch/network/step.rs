//! A step of training: a batch's gradients, in as many micro-batches as the memory asks for, and the
//! step down them.

use anyhow::{Context, Result};
use kaggle_kit::learn::{Input, StepRates};
use kaggle_kit::recipe::{OptimizerSettings, Precision};

use super::Network;
use crate::torch::input::{part, rows, size};
use crate::torch::loss::{self, BatchLoss};
use crate::torch::micro_batch;

impl Network {
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
    pub(super) fn gradients_that_fit(
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
    pub(super) fn descend(&mut self, rates: &StepRates) -> Result<()> {
        let OptimizerSettings { clip_norm, precision, .. } = self.recipe.optimizer;
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
}
