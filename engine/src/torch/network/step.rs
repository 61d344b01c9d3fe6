//! A step of training: a batch's gradients, in as many micro-batches as the memory asks for, and the
//! step down them.

use anyhow::{Context, Result};
use kaggle_kit::learn::{Input, StepRates};

use super::Network;
use crate::torch::input::{part, rows, size};
use crate::torch::loss::{self, BatchLoss};
use crate::torch::{fitting, libtorch, micro_batch};

const TOO_NARROW: &str = "gradients are infinite however small the loss is made: f16 is too narrow for \
                          this, and steps are left out; `--set optimizer.precision=bf16` is not";

impl Network {
    /// Adds a batch's gradients up, a micro-batch at a time.
    fn gradients(&mut self, input: &Input, targets: &[f32], seed: u64) -> Result<BatchLoss> {
        // Activations are the whole batch's on every rank.
        if let (Some(group), Input::Images(_)) = (self.group.clone(), input) {
            return self.gradients_together(&group, input, targets, seed);
        }
        let (n, width) = (size(input, self.width()), self.outputs.n());
        let mut losses = Vec::new();
        for range in micro_batch::ranges(n, self.micro_batches) {
            let share = range.len() as f64 / n as f64;
            let targets = &targets[range.start * width..range.end * width];
            let targets = rows(targets, width, self.store.device())?;
            let dropping = self.drop_paths(seed, &range);
            let images = part(input, self.width(), range);
            let logits = self.logits(&images, true)?;
            drop(dropping);
            let weights = self.class_weights.as_ref();
            let loss = loss::loss(&self.recipe.loss, &self.outputs, weights, &logits, &targets);
            let scaled = &loss * (share * self.loss_scale.by);
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
            let error = match fitting::caught(|| self.gradients(input, targets, seed)) {
                Ok(loss) => return Ok((loss, note)),
                Err(error) => error,
            };
            let n = targets.len() / self.outputs.n();
            let more = micro_batch::more(n, self.micro_batches);
            let Some(more) = more.filter(|_| fitting::is_out_of_memory(&error)) else {
                return Err(error);
            };
            libtorch::empty_cuda_cache();
            self.micro_batches = more;
            note = Some(format!(
                "out of memory: a batch of {n} is computed in {more} pieces from here on"
            ));
        }
    }

    /// A step down the gradients that were computed; a word where they are of no use.
    pub(super) fn descend(&mut self, rates: &StepRates) -> Result<Option<String>> {
        let (scale, longest) = (self.loss_scale, self.recipe.optimizer.clip_norm);
        if scale.is_on() || longest > 0.0 {
            let length = self.optimizer.scale_and_clip(1.0 / scale.by, longest);
            if scale.is_on() {
                let is_finite = length.f_double_value(&[])?.is_finite();
                self.loss_scale = scale.after(is_finite);
                if !is_finite {
                    let is_new = self.loss_scale.is_at_its_end() && !scale.is_at_its_end();
                    return Ok(is_new.then(|| TOO_NARROW.to_owned()));
                }
            }
        }
        self.optimizer.step(rates)?;
        if let Some(ema) = &mut self.ema {
            ema.update();
        }
        Ok(None)
    }
}
