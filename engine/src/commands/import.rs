//! `kaggle-kit models import`: whether the engine computes what Python does.

use anyhow::{Context, Result};
use kaggle_kit::commands::models::import::{self, Args};
use kaggle_kit::fs;

use crate::torch::parity;

/// Has Python trace a network, compares, and keeps it.
pub(super) fn run(args: &Args) -> Result<()> {
    let cache = fs::cache_folder();
    let made = import::make(args, &cache)?;
    let (weights, check) = (made.weights(), made.check());
    let found = parity::compare(made.architecture, &weights, &check, &made.parameters)
        .with_context(|| format!("the engine cannot use what Python made of `{}`", args.name))?;
    import::keep(made, found, &cache)
}
