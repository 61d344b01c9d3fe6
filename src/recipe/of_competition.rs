//! The recipe of a run, laid together from the competition's and what was typed.

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, Item, RawString, Table, Value};

use super::of_fold::fewer;
use super::{DEFAULT, Layer, Recipe, laid_over, resolve};
use crate::competition::Competition;

/// Defaults, then a preset's settings, the competition's, which know its pictures, and the other layers.
pub fn of_competition(competition: &Competition, layers: &[Layer]) -> Result<Recipe> {
    resolve(&in_order(competition, layers))
}

/// The same, with the first backbone where several are named and there are fewer folds.
pub fn of_fewer_folds(competition: &Competition, layers: &[Layer]) -> Result<Recipe> {
    let mut layers = in_order(competition, layers);
    layers.extend(fewer(&laid_over(&layers)?));
    resolve(&layers)
}

fn in_order(competition: &Competition, layers: &[Layer]) -> Vec<Layer> {
    let own = Layer {
        origin: format!("[recipe] of {}", competition.name),
        settings: competition.recipe.clone(),
        is_of_preset: false,
    };
    let (preset, typed): (Vec<Layer>, Vec<Layer>) =
        layers.iter().cloned().partition(|layer| layer.is_of_preset);
    [preset, vec![own], typed].concat()
}

/// Settings that go through every step in seconds, to see that everything works.
pub fn smoke() -> Result<Layer> {
    Layer::parse(
        "--smoke",
        "size = 96\nmax-images = 96\nbatch-size = 16\n\
         [find-head-rate]\nsteps = 20\n\
         [head-on-activations]\nmin-steps = 40\n\
         [head-with-augmentation]\nepochs = 1\n\
         [find-full-rate]\nsteps = 10\nshare = 0\n\
         [whole-network]\nmax-cycles = 1\n",
    )
}

/// A recipe as the defaults are written, with their comments: a file for `train --recipe`.
pub fn commented(recipe: &Recipe) -> Result<String> {
    let mut document: DocumentMut = DEFAULT.parse().context("the default recipe")?;
    let values: DocumentMut = toml::to_string(recipe)?.parse()?;
    fill(document.as_table_mut(), values.as_table());
    Ok(document.to_string())
}

/// Puts values in the place of others, and leaves what is around them.
fn fill(into: &mut Table, values: &Table) {
    for (key, value) in values {
        match (into.get_mut(key), value) {
            (Some(Item::Table(into)), Item::Table(values)) => fill(into, values),
            (Some(Item::Value(old)), Item::Value(new)) => {
                // `3e-3` and `0.003` are the same: what has not changed stays as it was written.
                if old.to_string().trim() == new.to_string().trim() || same_number(old, new) {
                    continue;
                }
                *old = in_place_of(old, new);
            }
            _ => {}
        }
    }
}

/// `new` with what is around `old`, its comment in the same column.
fn in_place_of(old: &Value, new: &Value) -> Value {
    let new = new.clone().decorated("", "");
    let length = |value: &Value| value.clone().decorated("", "").to_string().chars().count();
    let around =
        |text: Option<&RawString>| text.and_then(RawString::as_str).unwrap_or_default().to_owned();
    let (before, after) = (around(old.decor().prefix()), around(old.decor().suffix()));
    let comment = after.trim_start();
    if comment.is_empty() {
        return new.decorated(before, after);
    }
    let room = length(old) + after.len() - comment.len();
    let room = room.saturating_sub(length(&new)).max(1);
    let after = format!("{:room$}{comment}", "");
    new.decorated(before, after)
}

fn same_number(a: &Value, b: &Value) -> bool {
    matches!((a.as_float(), b.as_float()), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commented_recipe_has_the_settings_and_the_words() {
        let typed = ["size=160", "find-head-rate.rate=0.5", "whole-network.sizes=[96, 160]"];
        let layers = typed.map(|typed| Layer::assignment(typed).unwrap());
        let recipe = resolve(&layers).unwrap();
        let text = commented(&recipe).unwrap();
        assert!(text.contains("size = 160                         # pixels, the side"), "{text}");
        assert!(text.contains("rate = 0.5             # used when"), "{text}");
        assert!(text.contains("start = 1e-5") && text.contains("# 8. The whole network"), "{text}");
        let layer = Layer::parse("printed", &text).unwrap();
        assert_eq!(resolve(&[layer]).unwrap(), recipe);
    }

    #[test]
    fn a_spec_lies_over_a_preset_and_what_is_typed_over_both() {
        let mut planet = crate::competition::find("planet").unwrap();
        let recipe = |planet: &Competition, typed: &[&str]| {
            let typed = typed.iter().map(|typed| Layer::assignment(typed));
            let typed = typed.collect::<Result<Vec<_>>>().unwrap();
            let best = crate::recipe::Preset::Best.layer().unwrap();
            of_competition(planet, &[vec![best], typed].concat()).unwrap()
        };
        let plain = recipe(&planet, &[]);
        assert!(plain.backbone.contains(',') && plain.folds > 0, "{}", plain.backbone);
        planet.recipe.insert("backbone".to_owned(), "resnet18".into());
        let own = recipe(&planet, &[]);
        assert_eq!((own.backbone.as_str(), own.folds), ("resnet18", plain.folds));
        assert_eq!(recipe(&planet, &["backbone=resnet34"]).backbone, "resnet34");
    }

    #[test]
    fn with_fewer_folds_the_first_backbone_is_taken() {
        let planet = crate::competition::find("planet").unwrap();
        let typed = ["backbone=resnet18,tf_efficientnet_lite2", "weights=one,two"];
        let layers = typed.map(|typed| Layer::assignment(typed).unwrap());
        assert!(of_competition(&planet, &layers).is_err());
        let one = of_fewer_folds(&planet, &layers).unwrap();
        assert_eq!(
            (one.backbone.as_str(), one.weights.as_str(), one.size),
            ("resnet18", "one", 224)
        );
        let folds = Layer::assignment("folds=2").unwrap();
        let both = of_fewer_folds(&planet, &[&layers[..], &[folds]].concat()).unwrap();
        assert_eq!(both.backbone, "resnet18,tf_efficientnet_lite2");
    }

    #[test]
    fn the_commented_defaults_have_the_backbones_size_and_crop_filled_in() {
        let text = commented(&resolve(&[]).unwrap()).unwrap();
        let pairs = DEFAULT.lines().zip(text.lines());
        let changed: Vec<(&str, &str)> = pairs.filter(|(default, told)| default != told).collect();
        let [size, crop] = changed[..] else { panic!("{changed:?}") };
        for ((default, told), zero, filled_in) in
            [(size, "size = 0 ", "size = 224 "), (crop, "crop = 0.0 ", "crop = 0.875 ")]
        {
            assert!(default.starts_with(zero) && told.starts_with(filled_in), "{default}\n{told}");
            let comment = |line: &str| {
                line.split_once('#').map(|(value, text)| (value.len(), text.to_owned()))
            };
            assert_eq!(comment(told), comment(default), "it stays in its column");
        }
        assert_eq!(text.lines().count(), DEFAULT.lines().count());
    }
}
