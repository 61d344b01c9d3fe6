//! Folds that trained their heads alone on one backbone predict together: each image is looked at once.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit::dataset::Sample;
use kaggle_kit::hash::Hash;
use kaggle_kit::learn::tta;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{self, PartialPredictions, Run, ViewMeans};
use kaggle_kit::target::Predictions;
use kaggle_kit::term;

use super::super::predict::{ToPredict, answered, look};
use super::super::ranks::Ranks;
use crate::torch::{Network, device};

/// Runs that may share a backbone, in the order of `runs`; most often each is alone.
pub(super) fn alike<'a>(runs: &[&'a Run], ranks: &Ranks) -> Result<Vec<Vec<&'a Run>>> {
    let mut groups: Vec<(Option<String>, Vec<&Run>)> = Vec::new();
    for run in runs {
        let key = key(run, ranks)?;
        match groups.iter_mut().find(|(of, _)| key.is_some() && *of == key) {
            Some((_, group)) => group.push(run),
            None => groups.push((key, vec![run])),
        }
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

/// What must be the same of two runs whose heads are on one backbone; none where the backbone trained. Numbers
/// are scaled by each fold's own training images, unless they have a range: such folds answer one by one.
fn key(run: &Run, ranks: &Ranks) -> Result<Option<String>> {
    let summary = run.summary()?;
    if run.recipe()?.unfreeze.run || summary.weights.len() != 1 {
        return Ok(None);
    }
    let ToPredict { recipe, outputs, .. } = ToPredict::of(run, ranks)?;
    let same = Recipe { fold: 1, seed: 0, refit: String::new(), ..recipe.of_own_backbone() };
    let same = toml::to_string(&same)?;
    let classes = run::hash_of_classes(&summary.classes);
    Ok(Some(format!("{same}\n{outputs:?} {classes} {}", summary.competition)))
}

/// What each of `runs` says of the test images; nothing where their backbones are not the same after all.
pub(super) fn predictions(
    runs: &[&Run],
    samples: &Arc<[Sample]>,
    ranks: &Ranks,
    partial: PartialPredictions,
) -> Result<Option<Vec<Predictions>>> {
    let [first, others @ ..] = runs else { return Ok(None) };
    let ToPredict { recipe, architectures, outputs } = ToPredict::of(first, ranks)?;
    device::set_up(ranks.device, &recipe)?;
    let mut network = Network::new(&architectures, &recipe, outputs, ranks.device)?;
    let summary = first.summary()?;
    network.restore_from(&first.file(&summary.weights[0]))?;
    let mut hashes = summary.weights_sha256;
    for run in others {
        let summary = run.summary()?;
        if !network.take_head_beside(&run.file(&summary.weights[0]))? {
            return Ok(None);
        }
        hashes.extend(summary.weights_sha256);
    }
    term::heading(format_args!(
        "{}: {} on one backbone, run `{}` and others",
        first.competition()?.name,
        term::count(runs.len(), "head"),
        first.id()
    ));
    term::say(format_args!(
        "   {} on {}, {} a picture",
        term::count(samples.len(), "test image"),
        ranks.in_plan(&recipe),
        term::count(tta::Views::of(&recipe).count(), "view"),
    ));
    let mut partial = partial.of_several(runs.len());
    // Another set of heads begins anew.
    let name = format!("heads-{}", Hash::of(hashes.join("\n").as_bytes()));
    let parts = look(&mut network, ranks, &name, samples, &recipe, Some(&mut partial))?;
    let width = parts.probabilities.first().map_or(0, Vec::len) / samples.len().max(1);
    let each = width / runs.len();
    let of_head = |head: usize| {
        let own = |part: &Vec<f32>| {
            let rows = part.chunks_exact(width.max(1));
            rows.flat_map(|row| &row[head * each..][..each]).copied().collect()
        };
        let probabilities = parts.probabilities.iter().map(own).collect();
        ViewMeans { names: parts.names.clone(), probabilities, n_images: parts.n_images }
    };
    let said = runs.iter().enumerate().map(|(head, run)| answered(run, of_head(head), samples));
    said.collect::<Result<_>>().map(Some)
}
