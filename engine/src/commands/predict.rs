//! What a run's weights say about images.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Result, ensure};
use kaggle_kit::dataset::Sample;
use kaggle_kit::decide::ensemble::ViewChoice;
use kaggle_kit::fs;
use kaggle_kit::learn::tta::{self, Mean};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::run::{PartialPredictions, Run, VIEWS, ViewMeans};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Predictions, TargetKind};
use kaggle_kit::term;
use kaggle_kit::zoo::Architecture;

use super::precision::{Work, settled};
use super::ranks::Ranks;
use crate::torch::{Beside, Fits, Network, device};

/// What a run says about images, which are called `what`: by the views that it has chosen, before anything
/// is decided. Where there is a place for what is predicted so far, this goes on from there. `begin` is
/// called before the first rank begins, with what the others need to know.
pub(super) fn predictions_of(
    run: &Run,
    samples: &Arc<[Sample]>,
    what: &str,
    ranks: &Ranks,
    partial: Option<&mut PartialPredictions>,
    begin: impl FnOnce(&Recipe, &[&'static Architecture], &Outputs, &[String]) -> Result<()>,
) -> Result<Predictions> {
    let ToPredict { recipe, architectures, outputs } = ToPredict::of(run, ranks)?;
    let weights = &run.summary()?.weights;
    term::heading(format_args!("{}: run `{}`", run.competition()?.name, run.id()));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), what),
        ranks.in_plan(&recipe),
        term::count(tta::Views::of(&recipe).count() * weights.len().max(1), "view"),
    ));
    begin(&recipe, &architectures, &outputs, weights)?;
    device::set_up(ranks.device, &recipe)?;
    let mut network = Network::new(&architectures, &recipe, outputs, ranks.device)?;
    network.go_by(Fits::of(ranks.device, &recipe, Beside::Nothing, &fs::cache_folder()));
    if let Some(group) = ranks.group() {
        network.join(Rc::clone(group))?;
    }
    let parts = predict(&mut network, ranks, Some(run), weights, samples, &recipe, partial)?;
    answered(run, parts, samples)
}

/// What a run's network is made of, and how it predicts on this device.
pub(super) struct ToPredict {
    pub(super) recipe: Recipe,
    pub(super) architectures: Vec<&'static Architecture>,
    pub(super) outputs: Outputs,
}

impl ToPredict {
    pub(super) fn of(run: &Run, ranks: &Ranks) -> Result<Self> {
        let mut recipe = run.recipe()?;
        let views: ViewChoice = run.read_toml(VIEWS)?;
        if views.chosen == tta::ONE {
            recipe.tta = false;
        }
        recipe = settled(&recipe, ranks.device, Work::Predict);
        recipe.batch_size = device::at_once(ranks.device, recipe.size).unwrap_or(recipe.batch_size);
        let architectures = run.architectures(&recipe)?;
        let n = run.summary()?.classes.len();
        let outputs = match run.competition()?.target.kind {
            TargetKind::SingleLabel => Outputs::Classes { n },
            TargetKind::MultiLabel => Outputs::Tags { n },
            TargetKind::Ordinal | TargetKind::Number => run.scaled_outputs()?,
        };
        Ok(Self { recipe, architectures, outputs })
    }
}

/// What a run answers, by the views that it has chosen, where these are what its network said.
pub(super) fn answered(
    run: &Run,
    mut parts: ViewMeans,
    samples: &Arc<[Sample]>,
) -> Result<Predictions> {
    let (views, classes): (ViewChoice, _) = (run.read_toml(VIEWS)?, run.summary()?.classes);
    // One view alone has no other parts.
    let probabilities = if views.chosen == tta::ONE {
        parts.probabilities.swap_remove(0)
    } else {
        ensure!(
            views.parts == parts.names,
            "`{}` is of another recipe: it chooses among `{}`, and the run has `{}`\nhint: copy the \
             run's folder again from where it was trained, or train again",
            run.file(VIEWS).display(),
            views.parts.join("`, `"),
            parts.names.join("`, `")
        );
        views.mean(&parts.probabilities)
    };
    let ids: Vec<String> = samples.iter().map(|sample| sample.id.clone()).collect();
    let n_outputs = run.competition()?.target.kind.n_outputs(classes.len());
    Ok(Predictions { ids, probabilities: Table::new(probabilities, n_outputs), classes })
}

/// The mean of the probabilities that each of the run's weights files gives, for each part of the
/// views; the network ends with the last one's. Where there is a place for what is predicted so
/// far, this goes on from there. Of several ranks the first one alone has the run.
pub(super) fn predict(
    network: &mut Network,
    ranks: &Ranks,
    run: Option<&Run>,
    weights: &[String],
    samples: &Arc<[Sample]>,
    recipe: &Recipe,
    mut partial: Option<&mut PartialPredictions>,
) -> Result<ViewMeans> {
    let (mut names, mut means) = (Vec::new(), Vec::new());
    for name in weights {
        if let Some(run) = run {
            network.restore_from(&run.file(name))?;
        }
        // Where this looks alone, nobody is there to follow.
        if ranks.group().is_some() {
            network.follow_first()?;
        }
        let parts = look(network, ranks, name, samples, recipe, partial.as_deref_mut())?;
        names = parts.names;
        means.resize_with(names.len(), Mean::default);
        for (mean, probabilities) in means.iter_mut().zip(parts.probabilities) {
            mean.add(probabilities);
        }
    }
    let probabilities = means.into_iter().map(|mean| mean.values).collect();
    Ok(ViewMeans { names, probabilities, n_images: samples.len() })
}

/// What a network says of the images, for each part of the views. Where there is a place for what is
/// predicted so far, under this `name`, this goes on from there.
pub(super) fn look(
    network: &mut Network,
    ranks: &Ranks,
    name: &str,
    samples: &Arc<[Sample]>,
    recipe: &Recipe,
    mut partial: Option<&mut PartialPredictions>,
) -> Result<ViewMeans> {
    let so_far = partial.as_ref().map(|place| place.read(name)).unwrap_or_default();
    if so_far.n_images > 0 {
        let n = term::count(so_far.n_images, "image");
        term::say(format_args!("   going on after {n}"));
    }
    // It draws at once: what is said first does not tear it.
    let bar = Bar::new("predictions", Unit::Items("images"));
    let mut keep = |so_far: &ViewMeans| match &mut partial {
        Some(place) => place.keep(name, so_far),
        None => Ok(()),
    };
    tta::predict(network, &*ranks.for_learner(), samples, recipe, so_far, &mut keep, &bar)
}
