//! `kaggle-kit lr-find`: the golden rule up to one of its two learning-rate finders, and no further.

use std::path::PathBuf;

use anyhow::Result;
use kaggle_kit::commands::lr_find::{Finder, Sweeps, tell, up_to};
use kaggle_kit::commands::settings::recipe_of;
use kaggle_kit::competition::Competition;
use kaggle_kit::device::Choice;
use kaggle_kit::learn::{Learner, golden_rule};
use kaggle_kit::recipe::Layer;
use kaggle_kit::report::{Both, Console};

use super::train::{Images, Prepared};
use crate::torch::device;

/// For what, on what, and where the curves go.
pub struct FindOptions {
    /// The competition.
    pub competition: Competition,
    /// Its data folder.
    pub data: PathBuf,
    /// Settings laid over the defaults and the competition's own, in order.
    pub layers: Vec<Layer>,
    /// Which of the two finders.
    pub finder: Finder,
    /// Where to compute.
    pub device: Choice,
    /// A folder for SVG files, if they are wanted.
    pub out: Option<PathBuf>,
    /// Print JSON.
    pub json: bool,
}

/// Shows the curves and the rates read off them; nothing is kept but the activations' cache.
pub fn run(options: FindOptions) -> Result<()> {
    let FindOptions { competition, data, mut layers, finder, device, out, json } = options;
    layers.push(up_to(finder)?);
    let recipe = recipe_of(&competition, &layers)?;
    let data = Images::open(&competition, &data, &recipe)?.split(&recipe)?;
    let device = device::resolve(device)?;
    let Prepared { mut network, precomputed } =
        Prepared::new(&competition, &recipe, &data, device)?;
    let (mut console, mut sweeps) = (Console::default(), Sweeps::default());
    let mut listener = Both(&mut console, &mut sweeps);
    let learner = Learner::new(&mut network, &data, &mut listener);
    golden_rule(&mut learner.with_precomputed(precomputed))?;
    tell(&sweeps.found, out.as_deref(), json)
}
