//! `kaggle-kit lr-find`: the golden rule up to one of its two learning-rate finders, and no further.

use anyhow::{Context, Result};
use kaggle_kit::commands::bad_images;
use kaggle_kit::commands::lr_find::{Args, Sweeps, print, up_to};
use kaggle_kit::competition;
use kaggle_kit::learn::{Learner, golden_rule};
use kaggle_kit::recipe;
use kaggle_kit::report::{Both, Console};
use kaggle_kit::run::Workspace;
use kaggle_kit::term;

use super::ranks::Ranks;
use super::train::{CompetitionImages, NewNetwork};
use crate::torch::device;

/// Shows the curves and the rates read off them; nothing is kept but the activations' cache.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let name = args.competition.as_deref().context("no competition")?;
    let competition = competition::find(name)?;
    let mut layers = args.recipe.layers()?;
    layers.push(up_to(args.finder)?);
    let recipe = recipe::of_competition(&competition, &layers)?;
    let data = workspace.data().join(&competition.name);
    if recipe.own_backbone() != recipe.backbone {
        let (own, all) = (recipe.own_backbone(), &recipe.backbone);
        term::warn(format_args!("of `{all}` this is `{own}` alone: others may want other rates"));
    }
    let ranks = Ranks::alone(device::resolve(args.device)?);
    let images = CompetitionImages::open(&competition, &data, &recipe, &ranks)
        .inspect_err(|error| bad_images::tell(error, args.json))?;
    let mut data = images.split(&recipe)?;
    data.at_once = ranks.at_once(recipe.size)?;
    let NewNetwork { mut network, precomputed, .. } =
        NewNetwork::new(&competition, &recipe, &data, &ranks)?;
    let (mut console, mut sweeps) = (Console::new(String::new()), Sweeps::default());
    let mut listener = Both(&mut console, &mut sweeps);
    let learner = Learner::new(&mut network, &data, &mut listener);
    golden_rule(&mut learner.with_precomputed(precomputed))?;
    print(&sweeps.found, args)
}
