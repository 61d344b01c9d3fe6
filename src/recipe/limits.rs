//! Numbers that no training could work with, however they came into a recipe: pictures that no memory
//! holds, courses that no life is long enough for.

use anyhow::{Result, ensure};

use super::Recipe;
use crate::schedule::cycle_epochs;

/// Pixels: no pretrained network sees more by far.
const SIZE: usize = 4096;
const BATCH: usize = 8192;
/// Bytes of the pictures of a batch.
const BATCH_BYTES: u64 = 1 << 32;
/// Epochs of a course, all cycles together.
const EPOCHS: usize = 1_000_000;
const CYCLES: usize = 1000;

impl Recipe {
    /// Finds what is beyond all use.
    pub(super) fn check_limits(&self) -> Result<()> {
        let whole = &self.whole_network;
        for (name, n, most) in [
            ("size", self.size, SIZE),
            ("whole-network.sizes", whole.sizes.iter().copied().max().unwrap_or(0), SIZE),
            ("batch-size", self.batch_size, BATCH),
            ("folds", self.folds, 1000),
            ("head.width", self.head.width, 1 << 16),
            ("optimizer.accumulate", self.optimizer.accumulate, BATCH),
            ("precompute.views", self.precompute.views, 1000),
            ("find-head-rate.steps", self.find_head_rate.steps, EPOCHS),
            ("find-full-rate.steps", self.find_full_rate.steps, EPOCHS),
            ("head-on-activations.epochs", self.head_on_activations.epochs, EPOCHS),
            ("head-on-activations.min-steps", self.head_on_activations.min_steps, 1_000_000_000),
            ("head-with-augmentation.epochs", self.head_with_augmentation.epochs, EPOCHS),
            ("whole-network.max-cycles", whole.max_cycles, CYCLES),
            ("whole-network.snapshots", whole.snapshots, CYCLES),
        ] {
            ensure!(n <= most, "`{name}` is {n}: give at most {most}");
        }
        for (name, x, most) in [
            ("find-head-rate.end", self.find_head_rate.end, 1e6),
            ("find-head-rate.rate", self.find_head_rate.rate, 1e6),
            ("find-full-rate.end", self.find_full_rate.end, 1e6),
            ("find-full-rate.rate", self.find_full_rate.rate, 1e6),
            ("head.weight-decay", self.head.weight_decay, 1e6),
            ("optimizer.weight-decay", self.optimizer.weight_decay, 1e6),
            ("optimizer.clip-norm", self.optimizer.clip_norm, 1e30),
            ("earlier-layers.factor", self.earlier_layers.factor, 1e6),
            ("loss.mixup", self.loss.mixup, 1000.0),
            ("loss.cutmix", self.loss.cutmix, 1000.0),
            ("whole-network.min-gain", whole.min_gain.abs(), 1000.0),
        ] {
            ensure!(x <= most, "`{name}` is {x}: give at most {most}");
        }
        ensure!(self.crop >= 0.01, "`crop` is {}: give a share of at least 0.01", self.crop);
        ensure!(
            self.random_area.iter().all(|&share| share >= 1e-4),
            "`random-area` is {:?}: give shares of at least 0.0001",
            self.random_area
        );
        let side = whole.sizes.iter().copied().max().unwrap_or(0).max(self.size) as u64;
        let bytes = self.batch_size as u64 * side * side * 3;
        ensure!(
            bytes <= BATCH_BYTES,
            "a batch of {} pictures of {side} x {side} pixels is too large: lower `batch-size` or \
             `size`",
            self.batch_size
        );
        let epochs = cycle_epochs(whole.cycle_len, whole.cycle_mult, whole.max_cycles)
            .fold(0, usize::saturating_add);
        ensure!(
            epochs <= EPOCHS,
            "`whole-network` has {epochs} epochs in all: lower `max-cycles`, `cycle-mult` or \
             `cycle-len`"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, resolve};

    #[test]
    fn what_is_beyond_all_use_is_refused_by_name() {
        for typed in [
            "size=1000000",
            "batch-size=9223372036854775807",
            "head.width=9223372036854775807",
            "precompute.views=9223372036854775807",
            "whole-network.max-cycles=9223372036854775807",
            "head-on-activations.epochs=9223372036854775807",
            "find-full-rate.steps=9223372036854775807",
            "find-full-rate.end=1e300",
            "loss.mixup=inf",
            "earlier-layers.factor=inf",
            "whole-network.min-gain=nan",
            "whole-network.sizes=[64, 1000000]",
            "crop=1e-9",
            "random-area=[1e-300, 1.0]",
        ] {
            let (name, _) = typed.split_once('=').unwrap();
            let error = resolve(&[Layer::assignment(typed).unwrap()]).unwrap_err();
            assert!(format!("{error:#}").contains(&format!("`{name}` is ")), "{error:#}");
        }
        let layers = |typed: &[&str]| -> Vec<Layer> {
            typed.iter().map(|typed| Layer::assignment(typed).unwrap()).collect()
        };
        let error = resolve(&layers(&["batch-size=8192", "size=4096"])).unwrap_err();
        assert!(format!("{error:#}").contains("lower `batch-size`"), "{error:#}");
        let long = layers(&["whole-network.cycle-mult=100", "whole-network.max-cycles=100"]);
        assert!(format!("{:#}", resolve(&long).unwrap_err()).contains("epochs in all"));
        assert!(resolve(&layers(&["batch-size=512", "size=512"])).is_ok());
    }
}
