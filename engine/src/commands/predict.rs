//! What a run's weights say about images.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit::dataset::Sample;
use kaggle_kit::learn::tta::{self, Mean};
use kaggle_kit::recipe::Recipe;
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::run::{PartialPredictions, Run, ViewMeans};
use kaggle_kit::term;

use super::ranks::Ranks;
use crate::torch::Network;

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
        network.follow_first()?;
        let bar = Bar::new("predictions", Unit::Items("images"));
        let so_far = partial.as_ref().map(|place| place.read(name)).unwrap_or_default();
        if so_far.n_images > 0 {
            let n = term::count(so_far.n_images, "image");
            term::say(format_args!("   going on after {n}"));
        }
        let mut keep = |so_far: &ViewMeans| match &mut partial {
            Some(place) => place.keep(name, so_far),
            None => Ok(()),
        };
        let parts =
            tta::predict(network, &*ranks.for_learner(), samples, recipe, so_far, &mut keep, &bar)?;
        names = parts.names;
        means.resize_with(names.len(), Mean::default);
        for (mean, probabilities) in means.iter_mut().zip(parts.probabilities) {
            mean.add(probabilities);
        }
    }
    let probabilities = means.into_iter().map(|mean| mean.values).collect();
    Ok(ViewMeans { names, probabilities, n_images: samples.len() })
}
