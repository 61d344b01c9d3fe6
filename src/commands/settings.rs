//! The recipe of a run, laid together from the competition's and what was typed.

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, Item, Table};

use crate::competition::Competition;
use crate::recipe::{self, DEFAULT, Layer, Recipe};

/// Defaults, then the competition's settings, then the layers.
pub fn recipe_of(competition: &Competition, layers: &[Layer]) -> Result<Recipe> {
    let own = Layer {
        origin: format!("[recipe] of {}", competition.name),
        settings: competition.recipe.clone(),
    };
    let layers: Vec<Layer> = std::iter::once(own).chain(layers.iter().cloned()).collect();
    recipe::resolve(&layers)
}

/// Settings that go through every step in seconds, to see that everything works.
pub fn smoke_layer() -> Result<Layer> {
    Layer::parse(
        "--smoke",
        "size = 96\nmax-images = 96\nbatch-size = 16\n\
         [find-head-rate]\nsteps = 20\n\
         [head-on-activations]\nmin-steps = 40\n\
         [head-with-augmentation]\nepochs = 1\n\
         [find-full-rate]\nsteps = 10\n\
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
                let decor = old.decor().clone();
                *old = new.clone();
                *old.decor_mut() = decor;
            }
            _ => {}
        }
    }
}

fn same_number(a: &toml_edit::Value, b: &toml_edit::Value) -> bool {
    matches!((a.as_float(), b.as_float()), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commented_recipe_has_the_settings_and_the_words() {
        let typed = ["size=160", "find-head-rate.rate=0.5", "whole-network.sizes=[96, 160]"];
        let layers = typed.map(|typed| Layer::assignment(typed).unwrap());
        let recipe = recipe::resolve(&layers).unwrap();
        let text = commented(&recipe).unwrap();
        assert!(text.contains("size = 160                         # pixels, the side"), "{text}");
        assert!(text.contains("rate = 0.5            # used when"), "{text}");
        assert!(text.contains("start = 1e-5") && text.contains("# 8. The whole network"), "{text}");
        let layer = Layer::parse("printed", &text).unwrap();
        assert_eq!(recipe::resolve(&[layer]).unwrap(), recipe);
        assert_eq!(commented(&recipe::resolve(&[]).unwrap()).unwrap(), DEFAULT);
    }
}
