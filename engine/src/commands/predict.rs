//! What a run's weights say about images.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit::dataset::Sample;
use kaggle_kit::predict::tta::{self, Mean};
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
    let mut mean = Mean::default();
    for name in weights {
        network.restore_from(&run.file(name))?;
        let bar = Bar::new("predictions", Unit::Items("images"));
        mean.add(tta::predict(network, samples, classes, recipe, &bar)?.probabilities);
    }
    let ids = samples.iter().map(|sample| sample.id.clone()).collect();
    Ok(Predictions { ids, probabilities: mean.values, classes: classes.clone() })
}
