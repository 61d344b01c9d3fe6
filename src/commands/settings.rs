//! The recipe of a run, laid together from the competition's and what was typed.

use anyhow::Result;

use crate::competition::Competition;
use crate::recipe::{self, Layer, Recipe};

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
