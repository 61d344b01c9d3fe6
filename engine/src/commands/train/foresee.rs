//! `train --preset`: how long it will take, measured before it begins; and with `--max-minutes` which preset
//! fits into them.

use std::time::Duration;

use anyhow::Result;
use kaggle_kit::commands::models::NoWeights;
use kaggle_kit::learn::{Cores, Pace};
use kaggle_kit::recipe::{self, Preset, Recipe};
use kaggle_kit::run::Run;
use kaggle_kit::term;

use super::{NewNetwork, Training};
use crate::commands::ranks::Ranks;

/// Of the minutes that there are, what a plan may take: measurements are not exact, and looking at images
/// and writing takes time as well.
const MARGIN: f64 = 0.85;

/// What is trained.
pub(super) struct Planned {
    pub(super) recipe: Recipe,
    /// So many networks are trained on all images afterwards.
    pub(super) networks: usize,
    /// What each fold takes at most, where all of it was found to fit into the minutes.
    pub(super) each: Vec<Duration>,
}

impl Planned {
    /// Where nothing is known of how long it takes.
    fn new(recipe: Recipe, networks: usize) -> Self {
        Self { recipe, networks, each: Vec::new() }
    }
}

/// What was typed, with less where that would take longer than the minutes that there are. Tells how long it will
/// take, if that was asked for.
pub(super) fn planned(training: &Training, recipe: Recipe) -> Result<Planned> {
    let Training { args, competition, images, ranks, networks, .. } = training;
    // What follows a plan takes as long as that says.
    let Some(preset) = args.recipe.preset.filter(|_| recipe.refit.is_empty()) else {
        return Ok(Planned::new(recipe, *networks));
    };
    // Minutes are for one process alone.
    let Some(minutes) = args.max_minutes else {
        // One fold of several may be trained beside others.
        if ranks.is_first() && args.fold.is_none() && !is_begun(training, &recipe)? {
            let foreseen = Foreseen::of(&recipe, training)?;
            let told = foreseen.told(*networks);
            term::say(format_args!("   `{}`, as measured here: {told}", preset.word()));
        }
        return Ok(Planned::new(recipe, *networks));
    };
    let mut last: Option<(Preset, Recipe)> = None;
    for (place, preset) in preset.and_quicker().enumerate() {
        let layers = args.layers_with(preset)?;
        let chosen = match place {
            0 => recipe::of_competition(competition, &layers)?,
            // It may have no folds for the backbones that were named.
            _ => recipe::of_fewer_folds(competition, &layers)?,
        };
        let most = args.networks(&chosen, images.dataset.train.len());
        // What was begun goes on, whatever a measurement says today.
        if is_begun(training, &chosen)? {
            return Ok(Planned::new(chosen, most));
        }
        let foreseen = match Foreseen::of(&chosen, training) {
            Err(error) if preset != Preset::Quick && error.is::<NoWeights>() => {
                let (why, _) = term::describe(&error);
                term::warn(format_args!("`{}` is passed over: {why}", preset.word()));
                continue;
            }
            measured => measured?,
        };
        let tell = |networks, what: &str| {
            let told = foreseen.told(networks);
            term::say(format_args!("   `{}`, as measured here: {told}; {what}", preset.word()));
        };
        // Without all images it would be less than the next preset.
        let least = if preset == Preset::Best { most.min(1) } else { 0 };
        let fits = |networks: &usize| foreseen.most.in_all(*networks) <= minutes * 60.0 * MARGIN;
        let fitting = (least..=most).rev().find(fits);
        if fitting != Some(most) {
            tell(most, "too long");
        }
        if let Some(networks) = fitting {
            tell(networks, "it is taken");
            let each = foreseen.most.each.into_iter().map(Duration::from_secs_f64).collect();
            return Ok(Planned { recipe: chosen, networks, each });
        }
        last = Some((preset, chosen));
    }
    let Some((preset, chosen)) = last else {
        return Ok(Planned::new(recipe, 0));
    };
    term::say(format_args!(
        "   `{}` is taken, since there is none quicker, and ended when the time is over",
        preset.word()
    ));
    Ok(Planned::new(chosen, 0))
}

/// Whether a run of this recipe is unfinished, or some of those that it takes are trained.
fn is_begun(training: &Training, recipe: &Recipe) -> Result<bool> {
    let Training { args, workspace, competition, images, .. } = training;
    if args.start.anew {
        return Ok(false);
    }
    let runs = &workspace.runs();
    for fold in training.folds(recipe) {
        let recipe = Recipe { fold, ..recipe.clone() };
        if !Run::unfinished(runs, competition, &recipe)?.is_empty() {
            return Ok(true);
        }
        let group = images.group(&recipe)?;
        if training.trained(&group, &recipe)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How long a recipe takes: if the network over-fits in its second cycle, so that the first is all that is
/// repeated, and if it never does.
struct Foreseen {
    least: Seconds,
    most: Seconds,
    /// So many folds are trained; 0: it has none.
    folds: usize,
    has_teachers: bool,
}

struct Seconds {
    /// Each of its folds; the first with a backbone computes activations for all of these.
    each: Vec<f64>,
    /// A network on all images, whose activations are there by then; of folds one by the plan of each.
    again: f64,
}

impl Foreseen {
    /// Of folds with backbones of their own each backbone is measured.
    fn of(recipe: &Recipe, training: &Training) -> Result<Self> {
        let folds: Vec<Recipe> =
            training.folds(recipe).map(|fold| Recipe { fold, ..recipe.clone() }).collect();
        let mut foreseen = Self {
            least: Seconds::of(folds.len()),
            most: Seconds::of(folds.len()),
            folds: if recipe.folds == 0 { 0 } else { folds.len() },
            has_teachers: !recipe.distil.teacher.is_empty(),
        };
        let same = |one: &Recipe, other: &Recipe| one.own_backbone() == other.own_backbone();
        for (at, fold) in folds.iter().enumerate() {
            if !folds[..at].iter().any(|before| same(before, fold)) {
                let alike = (0..folds.len()).filter(|&other| same(fold, &folds[other]));
                foreseen.add(fold, &alike.collect::<Vec<_>>(), training)?;
            }
        }
        Ok(foreseen)
    }

    /// What the folds with the backbone of one of them take, by their places among all.
    fn add(&mut self, recipe: &Recipe, places: &[usize], training: &Training) -> Result<()> {
        let Training { competition, images, ranks, .. } = training;
        let mut data = images.split(recipe)?;
        let alone = Ranks::alone(ranks.device);
        let mut new = NewNetwork::new(competition, recipe, &data, &alone)?;
        let pace = Pace::measure(&mut new.network, &data)?;
        let cores = if ranks.device.is_cuda() { Cores::Apart } else { Cores::Shared };
        let held_out = match recipe.folds {
            0 => recipe.valid,
            folds => 1.0 / folds as f64,
        };
        let [most, least, one_cycle] = [usize::MAX, 2, 1].map(|cycles| {
            data.recipe.whole_network.max_cycles = recipe.whole_network.max_cycles.min(cycles);
            [true, false].map(|is_first| pace.seconds(&data, cores, is_first))
        });
        self.most.add(places, most, most[1] / (1.0 - held_out));
        self.least.add(places, least, one_cycle[1] / (1.0 - held_out));
        Ok(())
    }

    fn told(&self, networks: usize) -> String {
        let more = match (self.folds, networks) {
            (0, 0) => String::new(),
            (0, 1) => ", with once more on all images".to_owned(),
            (0, n) => format!(", with {n} networks on all images"),
            (n, 0) => format!(" for {}", term::count(n, "fold")),
            (n, _) => format!(" for {}, each once more on all images", term::count(n, "fold")),
        };
        let [least, most] =
            [&self.least, &self.most].map(|seconds| term::duration(seconds.in_all(networks)));
        let range = if least == most { most } else { format!("{least} to {most}") };
        let teachers = if self.has_teachers { ", beside what the teachers take" } else { "" };
        format!("about {range}{more}{teachers}")
    }
}

impl Seconds {
    fn of(folds: usize) -> Self {
        Self { each: vec![0.0; folds], again: 0.0 }
    }

    /// Of the folds with one backbone, by their places: the first of them, each other, and each once more.
    fn add(&mut self, places: &[usize], [first, next]: [f64; 2], again: f64) {
        for (nth, &place) in places.iter().enumerate() {
            self.each[place] = if nth == 0 { first } else { next };
        }
        self.again += places.len() as f64 * again;
    }

    fn in_all(&self, networks: usize) -> f64 {
        self.each.iter().sum::<f64>() + networks as f64 * self.again
    }
}
