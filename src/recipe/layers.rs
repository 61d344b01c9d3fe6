//! How a recipe comes about: layers of partial settings laid over the defaults, then checked.

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml::{Table, Value};

use super::{EarlierLayers, LossSettings, Recipe};
use crate::zoo;

/// The commented defaults.
pub const DEFAULT: &str = include_str!("default.toml");

/// A few settings and where they came from, for errors.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Such as `--recipe mine.toml`.
    pub origin: String,
    pub settings: Table,
}

impl Layer {
    /// A recipe file's text.
    pub fn parse(origin: impl Into<String>, text: &str) -> Result<Self> {
        let origin = origin.into();
        let settings =
            toml::from_str(text).with_context(|| format!("failed to read `{origin}`"))?;
        Ok(Self { origin, settings })
    }

    /// One setting that is a text, whatever is in it.
    pub fn text(origin: impl Into<String>, key: &str, text: &str) -> Self {
        let settings = Table::from_iter([(key.to_owned(), Value::String(text.to_owned()))]);
        Self { origin: origin.into(), settings }
    }

    /// `key=value` as typed: `whole-network.max-cycles=2`. What is no TOML value is a string.
    pub fn assignment(typed: &str) -> Result<Self> {
        let (key, value) = typed.split_once('=').ok_or_else(|| {
            anyhow!("`--set {typed}` has no `=`\nhint: write `--set batch-size=16`")
        })?;
        let value = value.trim();
        let value = toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        let mut parts: Vec<&str> = key.trim().split('.').collect();
        let last = parts.pop().unwrap_or_default();
        let mut settings = Table::from_iter([(last.to_owned(), value)]);
        for part in parts.into_iter().rev() {
            settings = Table::from_iter([(part.to_owned(), Value::Table(settings))]);
        }
        Ok(Self { origin: format!("--set {typed}"), settings })
    }
}

/// Lays the layers over the defaults, in order, and then fills in what is the backbone's own.
///
/// An unknown key or a value of the wrong kind is an error that names the layer it came from.
pub fn resolve(layers: &[Layer]) -> Result<Recipe> {
    let mut settings: Table = toml::from_str(DEFAULT).context("the default recipe")?;
    for layer in layers {
        overlay(&mut settings, &layer.settings, "")
            .and_then(|()| read(&settings).map(drop))
            .with_context(|| format!("`{}` does not fit the recipe", layer.origin))?;
    }
    read(&settings)
}

/// The defaults, with the size and crop that `backbone` has by default: what a run of it is compared
/// with, so that only what somebody chose is told as a difference.
pub fn defaults_for(backbone: &str) -> Result<Recipe> {
    let square = zoo::square_of(&zoo::find_all(backbone)?);
    Ok(Recipe { size: square.size, crop: square.crop, ..resolve(&[])? })
}

fn overlay(base: &mut Table, over: &Table, path: &str) -> Result<()> {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let known: Vec<String> = base.keys().cloned().collect();
        let Some(old) = base.get_mut(key) else {
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key))
            });
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            bail!("unknown setting `{full}`\nhint: {near}known are `{}`", known.join("`, `"));
        };
        match (old, value) {
            (Value::Table(old), Value::Table(new)) => overlay(old, new, &full)?,
            (Value::Table(old), _) => {
                let keys: Vec<String> = old.keys().map(|k| format!("`{full}.{k}`")).collect();
                bail!("`{full}` is a group of settings\nhint: set one of {}", keys.join(", "))
            }
            // 1 is a fine way to write 1.0.
            (old @ Value::Float(_), Value::Integer(whole)) => *old = Value::Float(*whole as f64),
            (old, value) if old.same_type(value) => *old = value.clone(),
            (old, value) => bail!(
                "`{full}` is `{value}`, of type {}, where the recipe has `{old}`, of type {}",
                value.type_str(),
                old.type_str()
            ),
        }
    }
    Ok(())
}

fn read(settings: &Table) -> Result<Recipe> {
    let mut recipe: Recipe = settings.clone().try_into()?;
    recipe.fill_in()?;
    recipe.check()?;
    Ok(recipe)
}

impl Recipe {
    /// Puts the backbone's own size and crop in the place of 0. A backbone that there is not is found
    /// here, whether or not anything is missing: before a command does anything else.
    fn fill_in(&mut self) -> Result<()> {
        let square = zoo::square_of(&zoo::find_all(&self.backbone)?);
        if self.size == 0 {
            self.size = square.size;
        }
        if self.crop == 0.0 {
            self.crop = square.crop;
        }
        Ok(())
    }

    /// Finds values that types allow and training does not.
    fn check(&self) -> Result<()> {
        self.check_images()?;
        self.check_rates()?;
        self.check_course()?;
        self.check_limits()
    }

    fn check_images(&self) -> Result<()> {
        ensure!(
            self.size >= 32,
            "`size` is {}: give at least 32 pixels, or 0 for the backbone's own",
            self.size
        );
        ensure!(self.batch_size >= 2, "`batch-size` is {}: give at least 2", self.batch_size);
        ensure!(
            self.valid > 0.0 && self.valid < 0.9,
            "`valid` is {}: give a fraction above 0 and below 0.9",
            self.valid
        );
        ensure!(
            self.crop > 0.0 && self.crop <= 1.0,
            "`crop` is {}: give a share above 0, at most 1, or 0 for the backbone's own",
            self.crop
        );
        let is_area = match self.random_area.as_slice() {
            [] => true,
            [least, most] => *least > 0.0 && least <= most && *most <= 1.0,
            _ => false,
        };
        ensure!(
            is_area,
            "`random-area` is {:?}: give two shares such as [0.35, 1.0], or none",
            self.random_area
        );
        Ok(())
    }

    fn check_rates(&self) -> Result<()> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        for p in self.head.dropout {
            ensure!((0.0..1.0).contains(&p), "`head.dropout` is {p}: give fractions below 1");
        }
        for (name, find) in
            [("find-head-rate", &self.find_head_rate), ("find-full-rate", &self.find_full_rate)]
        {
            ensure!(
                positive(find.start) && find.end > find.start && find.end.is_finite(),
                "`{name}` must climb from a `start` above 0 to a higher `end`"
            );
            ensure!(positive(find.rate), "`{name}.rate` is {}: give a number above 0", find.rate);
            ensure!(
                find.steps >= 10 || find.steps == 0,
                "`{name}.steps` is {}: give at least 10, or 0 for one epoch",
                find.steps
            );
        }
        ensure!(
            self.optimizer.weight_decay >= 0.0
                && self.head.weight_decay >= 0.0
                && (0.0..1.0).contains(&self.optimizer.momentum)
                && (0.0..1.0).contains(&self.optimizer.warm_up),
            "a `weight-decay` is at least 0; `optimizer` wants a momentum and a warm-up from 0 to \
             below 1"
        );
        let EarlierLayers { factor, ratios, decay } = &self.earlier_layers;
        ensure!(*factor >= 1.0, "`earlier-layers.factor` is {factor}: give at least 1");
        ensure!(
            ratios.is_empty() || ratios.len() == 3 && ratios.iter().all(|&ratio| positive(ratio)),
            "`earlier-layers.ratios` is {ratios:?}: give three numbers above 0, or none"
        );
        ensure!(
            *decay > 0.0 && *decay <= 1.0,
            "`earlier-layers.decay` is {decay}: give a number above 0, at most 1"
        );
        Ok(())
    }

    fn check_course(&self) -> Result<()> {
        ensure!(
            self.folds != 1 && (1..=self.folds.max(1)).contains(&self.fold),
            "`folds` is {} and `fold` is {}: give two folds or more and one of them, or 0 and 1",
            self.folds,
            self.fold
        );
        let LossSettings { smoothing, mixup, cutmix, .. } = self.loss;
        ensure!(
            (0.0..1.0).contains(&smoothing) && mixup >= 0.0 && cutmix >= 0.0,
            "`loss` wants a `smoothing` from 0 to below 1, and a `mixup` and `cutmix` of at least 0"
        );
        ensure!(
            self.optimizer.clip_norm >= 0.0
                && self.optimizer.accumulate >= 1
                && (0.0..1.0).contains(&self.optimizer.average),
            "`optimizer` wants a `clip-norm` of at least 0, an `accumulate` of at least 1 and an \
             `average` from 0 to below 1"
        );
        ensure!(
            self.whole_network.sizes.iter().all(|&size| size >= 32),
            "`whole-network.sizes` has less than 32 pixels"
        );
        ensure!(
            self.whole_network.cycle_len >= 1 && self.whole_network.cycle_mult >= 1,
            "`whole-network` wants a `cycle-len` and a `cycle-mult` of at least 1"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_over_the_defaults_in_order() {
        let layers = ["size=128", "whole-network.max-cycles=1", "backbone=resnet18", "size=96"]
            .map(|typed| Layer::assignment(typed).unwrap());
        let recipe = resolve(&layers).unwrap();
        assert_eq!((recipe.size, recipe.whole_network.max_cycles), (96, 1));
        assert_eq!(recipe.backbone, "resnet18");
    }

    #[test]
    fn a_wrong_setting_names_its_origin_and_the_known_ones() {
        for (typed, expected) in [
            ("sise=128", "did you mean `size`?"),
            ("whole-network=1", "`whole-network.max-cycles`"),
            ("size=big", "of type string"),
            ("batch-size=1", "at least 2"),
            ("crop=1.5", "at most 1"),
            ("crop=-0.1", "above 0"),
            ("size=31", "at least 32"),
            ("size=-1", "`-1`"),
            ("backbone=resnet3", "did you mean `resnet34`?"),
            ("backbone=resnet18+resnet18", "names `resnet18` twice"),
            ("augment=sideways", "side-on"),
        ] {
            let error = resolve(&[Layer::assignment(typed).unwrap()]).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(expected) && text.contains(typed), "{text}");
        }
    }

    fn square(typed: &[&str]) -> (usize, f64) {
        let layers: Vec<Layer> =
            typed.iter().map(|typed| Layer::assignment(typed).unwrap()).collect();
        let recipe = resolve(&layers).unwrap();
        (recipe.size, recipe.crop)
    }

    #[test]
    fn size_and_crop_are_the_backbones_unless_they_are_set() {
        assert_eq!(square(&[]), (224, 0.875));
        let lite2 = "backbone=tf_efficientnet_lite2";
        assert_eq!(square(&[lite2]), (260, 0.89));
        // Whichever comes first: what is filled in is filled in at the end.
        assert_eq!(square(&["size=160", lite2]), (160, 0.89));
        assert_eq!(square(&[lite2, "crop=1"]), (260, 1.0));
        assert_eq!(square(&["size=160", "crop=0.5", lite2, "size=0", "crop=0"]), (260, 0.89));
        assert_eq!(square(&["backbone=resnet18+vit_small_patch14_dinov2"]), (224, 1.0));
        let defaults = defaults_for("tf_efficientnet_lite2").unwrap();
        assert_eq!((defaults.size, defaults.crop), (260, 0.89));
        assert_eq!(Recipe { size: 224, crop: 0.875, ..defaults }, resolve(&[]).unwrap());
    }

    #[test]
    fn a_saved_recipe_reads_back() {
        for typed in ["seed=7", "backbone=tf_efficientnet_lite2", "backbone=convnext_small"] {
            let recipe = resolve(&[Layer::assignment(typed).unwrap()]).unwrap();
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(resolve(&[Layer::parse("saved", &text).unwrap()]).unwrap(), recipe);
        }
        // Of an older version, whose defaults were the same for all backbones.
        let old = "backbone = \"resnet34\"\nsize = 224\ncrop = 0.875\n";
        let recipe = resolve(&[Layer::parse("old", old).unwrap()]).unwrap();
        assert_eq!((recipe.size, recipe.crop), (224, 0.875));
    }
}
