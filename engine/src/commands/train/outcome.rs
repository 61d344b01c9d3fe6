//! What a trained network is kept as: the weights that predict, their predictions for the held-out
//! images, and how those are submitted.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::Sample;
use kaggle_kit::decide::ensemble::{Pool, ViewChoice, choose_views, members};
use kaggle_kit::decide::{Decision, Judged, Options, deal, together};
use kaggle_kit::fs;
use kaggle_kit::learn::tta;
use kaggle_kit::learn::{self, Data};
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{
    self, Entry, Fate, Journal, OUT_OF_FOLD, Run, Score, Stage, StageTime, ViewMeans, WEIGHTS,
    WayStep, cycle_file,
};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Predictions, Truth};
use kaggle_kit::term;

use crate::commands::predict::predict;
use crate::commands::ranks::Ranks;
use crate::torch::Network;

/// So many pictures tell whether an export is the network.
const COMPARED: usize = 16;

/// The weights that predict: the best, or those of the best `n` cycles of the whole network. Others
/// are removed.
pub(super) fn weights(run: &Run, journal: &Journal, n: usize) -> Result<Vec<String>> {
    let mut cycles: Vec<(f64, Stage, usize)> = Vec::new();
    for entry in &journal.done {
        if let Entry::Cycle { stage, number, scores } = entry {
            let loss = scores.last().map_or(f64::INFINITY, |score| score.loss);
            cycles.push((loss, *stage, *number));
        }
    }
    let mut candidates = cycles.clone();
    // A cycle that ended with a loss that is no number predicts nothing.
    candidates.retain(|(loss, stage, _)| *stage == Stage::WholeNetwork && loss.is_finite());
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    candidates.truncate(n);
    let chosen: Vec<String> =
        candidates.iter().map(|(_, stage, number)| cycle_file(*stage, *number)).collect();
    for (_, stage, number) in cycles {
        let name = cycle_file(stage, number);
        if !chosen.contains(&name) && run.file(&name).exists() {
            fs::remove_file(run.file(&name))?;
        }
    }
    Ok(if chosen.is_empty() { vec![WEIGHTS.to_owned()] } else { chosen })
}

/// Chooses the views that predict, by the held-out images; gives what these views predict, and the choice,
/// also in words.
pub(super) fn predictions(
    network: &mut Network,
    ranks: &Ranks,
    run: &Run,
    weights: &[String],
    data: &Data,
    recipe: &Recipe,
) -> Result<(Predictions, ViewChoice, String)> {
    // Others help from here on, and see no run.
    ranks.follow(weights.join("\n"))?;
    let parts = predict(network, ranks, Some(run), weights, &data.valid.samples, recipe, None)?;
    let options = Options::of(&run.competition()?, &data.classes)?;
    let views = choose_views(&pool(data, parts.clone(), options))?;
    let predictions = mean_of(&views, &parts, &data.valid.samples, data);
    let mut found = term::count(tta::Views::of(recipe).count(), "view");
    found = if views.is_all() {
        format!("mean over {found}")
    } else {
        format!("{} of {found}", views.chosen)
    };
    if weights.len() > 1 {
        found = format!("{found}, {} cycles", weights.len());
    }
    Ok((predictions, views, found))
}

/// What the chosen views say of images.
fn mean_of(views: &ViewChoice, parts: &ViewMeans, samples: &[Sample], data: &Data) -> Predictions {
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    let probabilities = Table::new(views.mean(&parts.probabilities), data.outputs.n());
    Predictions { ids, probabilities, classes: data.classes.clone() }
}

/// What a network that was trained on all images says of some of those that the first one held out, by the views
/// that one chose: no score, but what an export of it is compared with.
pub(super) fn said_by_itself(
    network: &mut Network,
    ranks: &Ranks,
    run: &Run,
    weights: &[String],
    data: &Data,
    recipe: &Recipe,
    views: &ViewChoice,
) -> Result<Predictions> {
    let samples: Arc<[Sample]> = data.valid.samples.iter().take(COMPARED).cloned().collect();
    // The others are done by now.
    let alone = Ranks::alone(ranks.device);
    let parts = predict(network, &alone, Some(run), weights, &samples, recipe, None)?;
    Ok(mean_of(views, &parts, &samples, data))
}

/// What a rank that is not the first does meanwhile: its share of the images.
pub(super) fn help(
    network: &mut Network,
    ranks: &Ranks,
    data: &Data,
    recipe: &Recipe,
) -> Result<()> {
    let weights = ranks.follow(String::new())?;
    let weights: Vec<String> = weights.lines().map(str::to_owned).collect();
    predict(network, ranks, None, &weights, &data.valid.samples, recipe, None)?;
    Ok(())
}

/// What the parts of the views say of the held-out images, as an ensemble.
fn pool(data: &Data, parts: ViewMeans, options: Options) -> Pool {
    let samples = data.valid.samples.iter();
    let table = |cells| Table::new(cells, data.outputs.n());
    Pool {
        metric: data.metric.clone(),
        kind: data.kind,
        classes: data.classes.clone(),
        names: parts.names,
        members: parts.probabilities.into_iter().map(table).collect(),
        ids: samples.clone().map(|sample| sample.id.clone()).collect(),
        truth: data.valid.truth(data.kind),
        folds: deal(&data.valid.sets),
        options,
    }
}

/// How what is predicted is submitted, by what was predicted for the held-out images.
pub(super) fn decide(
    competition: &Competition,
    data: &Data,
    predictions: &Predictions,
) -> Result<Decision> {
    let options = Options::of(competition, &data.classes)?;
    let truth = data.valid.truth(data.kind);
    let fit = |said: &Predictions, truth: &Truth, sets: &[usize]| {
        let images = Judged { folds: &deal(sets), ..Judged::new(data.kind, said, truth) };
        Decision::fit(&competition.metric, &images, &options)
    };
    match competition.pools_training() {
        // An answer is for several images: what is decided is decided about these together.
        Some(how) => {
            let (said, truth, sets) = together(predictions, &truth, &data.valid.sets, how)?;
            fit(&said, &truth, &sets)
        }
        None => fit(predictions, &truth, &data.valid.sets),
    }
}

/// How the score came about: what each step of training had, all views, and as it is decided.
pub(super) fn way(
    competition: &Competition,
    data: &Data,
    journal: &Journal,
    (predictions, views): (&Predictions, &str),
    decision: &Decision,
) -> Vec<WayStep> {
    let mut way = run::way(journal);
    // An answer for several images is scored by other rows.
    if competition.pools_training().is_some() {
        return way;
    }
    let finite = |number: f64| Some(number).filter(|number| number.is_finite());
    let after = |step: String, score: Option<Score>, metric: f64| WayStep {
        step,
        stage: None,
        loss: score.and_then(|score| finite(score.loss)),
        error: score.and_then(|score| score.error),
        metric: finite(metric),
        seconds: None,
        fate: Fate::Kept,
    };
    if let Ok(score) = learn::score(data, &predictions.probabilities) {
        way.push(after(views.to_owned(), Some(score), score.metric));
    }
    way.push(after("as it is decided: the score".to_owned(), None, decision.score()));
    way
}

/// Writes what all finished folds of a model say of the images that they held out into the folder of each
/// of them. A run is as good without, so trouble is told and no more.
pub(super) fn keep_out_of_fold(run: &Run) {
    let keep = || -> Result<()> {
        let member = members::of(run.clone())?;
        let fold = |run: &Run| Ok(run.summary()?.fold);
        let folds = member.runs.iter().map(fold).collect::<Result<Vec<usize>>>()?;
        let parts: Vec<(&Run, usize)> = member.runs.iter().zip(folds).collect();
        let csv = run::out_of_fold(&parts, &member.classes, member.kind)?;
        member.runs.iter().try_for_each(|run| run.write_out_of_fold(&csv))
    };
    if let Err(error) = keep() {
        term::warn(format_args!("`{OUT_OF_FOLD}` has this fold alone: {error:#}"));
    }
}

/// The stages that the journal tells of.
pub(super) fn stages(journal: &Journal) -> Vec<StageTime> {
    let stages = journal.done.iter().filter_map(|entry| match entry {
        Entry::Stage { stage, seconds, found } => Some(StageTime {
            stage: stage.title().to_owned(),
            seconds: *seconds,
            found: found.clone(),
        }),
        _ => None,
    });
    stages.collect()
}
