//! What every number of a recipe must fulfil: types allow more than training can do, and what is far
//! beyond use would end in a panic or in all of the memory.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use anyhow::{Result, ensure};

use super::{EarlierLayers, FindRate, LossSettings, Recipe, WeightAverage, WholeNetwork};
use crate::schedule::cycle_epochs;

/// Sides of the square that a network sees, in pixels.
const SIDES: RangeInclusive<usize> = 32..=4096;
/// The most pixels in a batch: 6 GB of bytes.
const MOST_PIXELS: usize = 1 << 31;
/// The most folds, as of `--folds`.
const MOST_FOLDS: usize = 100;
const MOST_VIEWS: usize = 200;
const MOST_UNITS: usize = 1 << 16;
const MOST_EPOCHS: usize = 10_000;
const MOST_STEPS: usize = 10_000_000;
/// More is no learning rate, decay or length of a gradient.
const MOST_OF_A_RATE: f64 = 1e4;
/// Less is none.
const LEAST_OF_A_RATE: f64 = 1e-12;

impl Recipe {
    /// Finds values that types allow and training does not.
    pub(super) fn check(&self) -> Result<()> {
        self.check_images()?;
        self.check_finders()?;
        self.check_steps_down()?;
        self.check_course()
    }

    fn check_images(&self) -> Result<()> {
        let side = "at least 32 and at most 4096 pixels";
        let own = "or 0 for the backbone's own";
        within("size", self.size, SIDES, &format!("{side}, {own}"))?;
        for &size in &self.whole_network.sizes {
            within("whole-network.sizes", size, SIDES, side)?;
        }
        within("batch-size", self.batch_size, 2..=MOST_UNITS, "at least 2 and at most 65536")?;
        let largest = self.whole_network.sizes.iter().copied().fold(self.size, usize::max);
        ensure!(
            self.batch_size * largest * largest <= MOST_PIXELS,
            "`batch-size` is {} and the size {largest}: together more than 2^31 pixels a batch: lower \
             `batch-size` or `size`",
            self.batch_size
        );
        ensure!(
            self.valid > 0.0 && self.valid < 0.9,
            "`valid` is {}: give a fraction above 0 and below 0.9",
            self.valid
        );
        let share = "a share above 0 (at least 0.05), at most 1";
        within("crop", self.crop, 0.05..=1.0, &format!("{share}, {own}"))?;
        let is_area = match self.random_area.as_slice() {
            [] => true,
            [least, most] => *least >= 0.001 && least <= most && *most <= 1.0,
            _ => false,
        };
        ensure!(
            is_area,
            "`random-area` is {:?}: give two shares from 0.001 to 1, such as [0.35, 1.0], or none",
            self.random_area
        );
        let strength = "at least 0 and at most 30";
        within("augment-magnitude", self.augment_magnitude, 0..=30, strength)?;
        within("random-erasing", self.random_erasing, 0.0..=1.0, "a number from 0 to 1")?;
        let views = format!("at most {MOST_VIEWS}");
        within("precompute.views", self.precompute.views, 0..=MOST_VIEWS, &views)
    }

    fn check_finders(&self) -> Result<()> {
        for (name, find) in
            [("find-head-rate", &self.find_head_rate), ("find-full-rate", &self.find_full_rate)]
        {
            let FindRate { start, end, steps, share, rate, run: _ } = *find;
            let number = "a number above 0 (at least 1e-12), at most 1e4";
            for (what, value) in [("start", start), ("end", end), ("rate", rate)] {
                let rates = LEAST_OF_A_RATE..=MOST_OF_A_RATE;
                within(&format!("{name}.{what}"), value, rates, number)?;
            }
            within(&format!("{name}.share"), share, 0.0..=1.0, "a number from 0 to 1")?;
            ensure!(end > start, "`{name}` climbs from {start} to {end}: give a higher `end`");
            let n = "at least 10 and at most 10000000, or 0 for one epoch";
            within(&format!("{name}.steps"), steps, 10..=MOST_STEPS, n)
                .or_else(|error| if steps == 0 { Ok(()) } else { Err(error) })?;
        }
        Ok(())
    }

    fn check_steps_down(&self) -> Result<()> {
        within("head.width", self.head.width, 0..=MOST_UNITS, "at most 65536")?;
        for p in self.head.dropout {
            below_one("head.dropout", p)?;
        }
        let optimizer = &self.optimizer;
        below_one("optimizer.momentum", optimizer.momentum)?;
        below_one("optimizer.warm-up", optimizer.warm_up)?;
        below_one("optimizer.average", optimizer.average)?;
        below_one("unfreeze.drop-path", self.unfreeze.drop_path)?;
        within("distil.share", self.distil.share, 0.0..=1.0, "a number from 0 to 1")?;
        let positive = 0.0..=MOST_OF_A_RATE;
        let number = "a number from 0 to 1e4";
        within("optimizer.weight-decay", optimizer.weight_decay, positive.clone(), number)?;
        within("head.weight-decay", self.head.weight_decay, positive.clone(), number)?;
        within("optimizer.clip-norm", optimizer.clip_norm, positive.clone(), number)?;
        let pieces = "at least 1 and at most 65536";
        within("optimizer.accumulate", optimizer.accumulate, 1..=MOST_UNITS, pieces)?;
        let LossSettings { gamma, smoothing, mixup, cutmix, .. } = self.loss;
        within("loss.gamma", gamma, 0.0..=10.0, "a number from 0 to 10")?;
        below_one("loss.smoothing", smoothing)?;
        for (name, alpha) in [("loss.mixup", mixup), ("loss.cutmix", cutmix)] {
            ensure!(
                alpha == 0.0 || (0.001..=100.0).contains(&alpha),
                "`{name}` is {alpha}: give a number from 0.001 to 100, or 0 to leave it out"
            );
        }
        let EarlierLayers { factor, ratios, decay } = &self.earlier_layers;
        within("earlier-layers.factor", *factor, 1.0..=MOST_OF_A_RATE, "at least 1, at most 1e4")?;
        let are_ratios = ratios.iter().all(|ratio| (1e-12..=1e6).contains(ratio));
        ensure!(
            ratios.is_empty() || ratios.len() == 3 && are_ratios,
            "`earlier-layers.ratios` is {ratios:?}: give three numbers above 0 (from 1e-12 to 1e6), or \
             none"
        );
        let share = "a number above 0 (at least 0.01), at most 1";
        within("earlier-layers.decay", *decay, 0.01..=1.0, share)
    }

    fn check_course(&self) -> Result<()> {
        ensure!(
            self.folds != 1
                && self.folds <= MOST_FOLDS
                && (1..=self.folds.max(1)).contains(&self.fold),
            "`folds` is {} and `fold` is {}: give from two to {MOST_FOLDS} folds and one of them, or 0 \
             and 1",
            self.folds,
            self.fold
        );
        let epochs = format!("at most {MOST_EPOCHS}");
        for (name, n) in [
            ("head-on-activations.epochs", self.head_on_activations.epochs),
            ("head-with-augmentation.epochs", self.head_with_augmentation.epochs),
        ] {
            within(name, n, 0..=MOST_EPOCHS, &epochs)?;
        }
        let steps = format!("at most {MOST_STEPS}");
        let min_steps = self.head_on_activations.min_steps;
        within("head-on-activations.min-steps", min_steps, 0..=MOST_STEPS, &steps)?;
        let WholeNetwork { cycle_len, cycle_mult, max_cycles, snapshots, min_gain, .. } =
            self.whole_network;
        let n = format!("at least 1 and at most {MOST_EPOCHS}");
        within("whole-network.cycle-len", cycle_len, 1..=MOST_EPOCHS, &n)?;
        within("whole-network.cycle-mult", cycle_mult, 1..=MOST_EPOCHS, &n)?;
        within("whole-network.max-cycles", max_cycles, 0..=MOST_EPOCHS, &epochs)?;
        within("whole-network.snapshots", snapshots, 0..=MOST_EPOCHS, &epochs)?;
        ensure!(
            snapshots == 0 || self.whole_network.average == WeightAverage::None,
            "`whole-network.snapshots` is {snapshots}, a mean of predictions, and `whole-network.average` a \
             mean of weights: set one of them"
        );
        let total = cycle_epochs(cycle_len, cycle_mult, max_cycles).fold(0, usize::saturating_add);
        ensure!(
            total <= MOST_EPOCHS,
            "`whole-network` has cycles of more than {MOST_EPOCHS} epochs in all: give a smaller \
             `cycle-len`, `cycle-mult` or `max-cycles`"
        );
        let gain = "a part from -1000 to 1";
        within("whole-network.min-gain", min_gain, -1000.0..=1.0, gain)
    }
}

fn within<T: PartialOrd + Debug + Copy>(
    name: &str,
    value: T,
    bounds: RangeInclusive<T>,
    told: &str,
) -> Result<()> {
    ensure!(bounds.contains(&value), "`{name}` is {value:?}: give {told}");
    Ok(())
}

fn below_one(name: &str, value: f64) -> Result<()> {
    ensure!((0.0..1.0).contains(&value), "`{name}` is {value:?}: give a number from 0 to below 1");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, resolve, settings};

    /// Settings that are no measure of anything: any number goes.
    const FREE: [&str; 2] = ["seed", "max-images"];

    fn told(typed: &str) -> Option<String> {
        let layer = Layer::assignment(typed).unwrap();
        resolve(&[layer]).err().map(|error| format!("{error:#}"))
    }

    /// A sibling of each of them panicked or took all memory: `size=1e12`, `folds=2^63-1`.
    #[test]
    fn no_number_of_the_recipe_is_without_bounds() {
        let mut n = 0;
        for (key, value) in settings(&resolve(&[]).unwrap()).unwrap() {
            let table: toml::Table = toml::from_str(&format!("value = {value}")).unwrap();
            let extremes: &[&str] = match &table["value"] {
                toml::Value::Integer(_) => &["9223372036854775807", "1000000000000", "-1"],
                toml::Value::Float(_) => &["1e308", "inf", "nan", "-inf", "-1e308"],
                _ => continue,
            };
            n += 1;
            for extreme in extremes {
                let told = told(&format!("{key}={extreme}"));
                if FREE.contains(&key.as_str()) && !extreme.starts_with('-') {
                    continue;
                }
                let told = told.unwrap_or_else(|| panic!("{key}={extreme} was taken"));
                let last = key.rsplit('.').next().unwrap();
                assert!(told.contains(last), "{key}={extreme}: {told}");
            }
        }
        assert!(n >= 25, "{n} numbers");
        for typed in [
            "crop=1e-320",
            "random-area=[1e-320, 1.0]",
            "random-area=[nan, nan]",
            "earlier-layers.ratios=[inf, 1.0, 1.0]",
            "head.dropout=[nan, 0.5]",
            "whole-network.sizes=[224, 9223372036854775807]",
            "loss.mixup=1e-320",
            // Left out of a recipe's settings where they are off, and so not met above.
            "augment-magnitude=31",
            "augment-magnitude=-1",
            "augment-magnitude=9223372036854775807",
            "random-erasing=1.01",
            "random-erasing=-0.1",
            "random-erasing=nan",
            "unfreeze.drop-path=1.0",
            "unfreeze.drop-path=-0.1",
            "unfreeze.drop-path=nan",
        ] {
            assert!(told(typed).is_some(), "{typed} was taken");
        }
    }

    #[test]
    fn what_is_beyond_all_use_is_refused_by_name() {
        for typed in [
            "size=1000000",
            "batch-size=9223372036854775807",
            "precompute.views=9223372036854775807",
            "whole-network.max-cycles=9223372036854775807",
            "find-full-rate.end=1e300",
            "loss.mixup=inf",
            "earlier-layers.factor=inf",
            "whole-network.min-gain=nan",
            "whole-network.sizes=[64, 1000000]",
            "crop=1e-9",
            "random-area=[1e-300, 1.0]",
        ] {
            let (name, _) = typed.split_once('=').unwrap();
            let told = told(typed).unwrap_or_default();
            assert!(told.contains(&format!("`{name}` is ")), "{typed}: {told}");
        }
    }

    #[test]
    fn bounds_hold_of_what_numbers_make_together() {
        let two = |a: &str, b: &str| {
            let layers = [a, b].map(|typed| Layer::assignment(typed).unwrap());
            resolve(&layers).err().map(|error| format!("{error:#}")).unwrap_or_default()
        };
        let both = two("whole-network.snapshots=2", "whole-network.average=epochs");
        assert!(both.contains("set one of them"), "{both}");
        assert!(two("size=4096", "batch-size=65536").contains("2^31 pixels"));
        assert!(
            two("whole-network.cycle-mult=10", "whole-network.max-cycles=30").contains("epochs")
        );
        assert_eq!(two("size=384", "batch-size=4096"), "");
    }
}
