//! What a run's weights say about images.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit::dataset::Sample;
use kaggle_kit::predict::tta;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::run::{Run, WEIGHTS};
use kaggle_kit::target::{Classes, Predictions};

use crate::torch::Network;

/// The mean of the probabilities that each of the run's weights files gives, with test-time
/// augmentation; the network ends with the last one's.
pub(super) fn predict(
    network: &mut Network,
    run: &Run,
    weights: &[String],
    samples: &Arc<[Sample]>,
    classes: &Classes,
    recipe: &Recipe,
) -> Result<Predictions> {
    let best = [WEIGHTS.to_owned()];
    let weights = if weights.is_empty() { &best } else { weights };
    let mut mean: Option<Predictions> = None;
    for (i, name) in weights.iter().enumerate() {
        network.restore_from(&run.file(name))?;
        let bar = Bar::new("predictions", Unit::Items("images"));
        let predictions = tta::predict(network, samples, classes, recipe, &bar)?;
        let Some(mean) = &mut mean else {
            mean = Some(predictions);
            continue;
        };
        for (mean, p) in mean.probabilities.iter_mut().zip(predictions.probabilities) {
            *mean += (p - *mean) / (i + 1) as f32;
        }
    }
    Ok(mean.unwrap_or_default())
}
