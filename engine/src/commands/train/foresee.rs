//! `train --preset`: how long it will take, measured before it begins; and with `--max-minutes` which preset
//! fits into them.

use anyhow::Result;
use kaggle_kit::competition::Competition;
use kaggle_kit::learn::{Cores, Data, Pace};
use kaggle_kit::recipe::{self, Preset, Recipe};
use kaggle_kit::run::Run;
use kaggle_kit::term;

use super::{CompetitionImages, NewNetwork, Training};
use crate::commands::ranks::Ranks;

/// Of the minutes that there are, what a plan may take: measurements are not exact, and looking at images
/// and writing takes time as well.
const MARGIN: f64 = 0.85;

/// The recipe that is trained, and how many networks are trained on all images afterwards: what was typed, with
/// less where that would take longer than the minutes that there are. Tells how long it will take, if that was
/// asked for.
pub(super) fn planned(training: &Training, recipe: Recipe) -> Result<(Recipe, usize)> {
    let Training { args, competition, images, ranks, networks, .. } = training;
    // What follows a plan takes as long as that says.
    let Some(preset) = args.recipe.preset.filter(|_| recipe.refit.is_empty()) else {
        return Ok((recipe, *networks));
    };
    // Minutes are for one process alone.
    let Some(minutes) = args.max_minutes else {
        if ranks.is_first() && !is_begun(training, &recipe)? {
            let foreseen = Foreseen::of(&recipe, competition, images, ranks)?;
            let told = foreseen.told(&recipe, *networks);
            term::say(format_args!("   `{}`, as measured here: {told}", preset.word()));
        }
        return Ok((recipe, *networks));
    };
    let mut last: Option<(Preset, Recipe)> = None;
    for preset in preset.and_quicker() {
        let chosen = recipe::of_competition(competition, &args.layers_with(preset)?)?;
        let most = args.networks(&chosen, images.dataset.train.len());
        // What was begun goes on, whatever a measurement says today.
        if is_begun(training, &chosen)? {
            return Ok((chosen, most));
        }
        let foreseen = Foreseen::of(&chosen, competition, images, ranks)?;
        let tell = |networks, what: &str| {
            let told = foreseen.told(&chosen, networks);
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
            return Ok((chosen, networks));
        }
        last = Some((preset, chosen));
    }
    let Some((preset, chosen)) = last else { return Ok((recipe, 0)) };
    term::say(format_args!(
        "   `{}` is taken, since there is none quicker, and ended when the time is over",
        preset.word()
    ));
    Ok((chosen, 0))
}

/// Whether a run of this recipe is unfinished, or some of those that it takes are trained.
fn is_begun(training: &Training, recipe: &Recipe) -> Result<bool> {
    let Training { args, workspace, competition, images, .. } = training;
    if args.start.anew {
        return Ok(false);
    }
    let runs = &workspace.runs();
    for fold in 1..=recipe.folds.max(1) {
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
}

struct Seconds {
    /// All of its folds, one after the other.
    once: f64,
    /// A network on all images, whose activations are there by then; of folds one by the plan of each.
    again: f64,
}

impl Foreseen {
    fn of(
        recipe: &Recipe,
        competition: &Competition,
        images: &CompetitionImages,
        ranks: &Ranks,
    ) -> Result<Self> {
        let mut data = images.split(&Recipe { fold: 1, ..recipe.clone() })?;
        let alone = Ranks::alone(ranks.device);
        let mut new = NewNetwork::new(competition, recipe, &data, &alone)?;
        let pace = Pace::measure(&mut new.network, &data)?;
        let cores = if ranks.device.is_cuda() { Cores::Apart } else { Cores::Shared };
        let seconds = |data: &Data| {
            let [first, later] = [true, false].map(|is_first| pace.seconds(data, cores, is_first));
            let others = recipe.folds.saturating_sub(1) as f64;
            let (all, again) = match recipe.folds {
                0 => (1.0, later / (1.0 - recipe.valid)),
                folds => (folds as f64, later * folds as f64 / others),
            };
            Seconds { once: first + others * later, again: all * again }
        };
        let most = seconds(&data);
        let [least, first_cycle] = [2, 1].map(|cycles| {
            data.recipe.whole_network.max_cycles = recipe.whole_network.max_cycles.min(cycles);
            seconds(&data)
        });
        Ok(Self { least: Seconds { once: least.once, again: first_cycle.again }, most })
    }

    fn told(&self, recipe: &Recipe, networks: usize) -> String {
        let more = match (recipe.folds, networks) {
            (0, 0) => String::new(),
            (0, 1) => ", with once more on all images".to_owned(),
            (0, n) => format!(", with {n} networks on all images"),
            (n, 0) => format!(" for {}", term::count(n, "fold")),
            (n, _) => format!(" for {}, each once more on all images", term::count(n, "fold")),
        };
        let [least, most] =
            [&self.least, &self.most].map(|seconds| term::duration(seconds.in_all(networks)));
        let range = if least == most { most } else { format!("{least} to {most}") };
        format!("about {range}{more}")
    }
}

impl Seconds {
    fn in_all(&self, networks: usize) -> f64 {
        self.once + networks as f64 * self.again
    }
}
