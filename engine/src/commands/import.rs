//! `kaggle-kit models import`: whether the engine computes what Python does.

use anyhow::{Context, Result};
use kaggle_kit::commands::models::import::{self, Args};
use kaggle_kit::term;

use crate::torch::parity;

/// Has Python trace a network, compares, and keeps it.
pub(super) fn run(args: &Args) -> Result<()> {
    let made = import::make(args)?;
    let (weights, check) = (made.weights(), made.check());
    let found = parity::compare(made.architecture, &weights, &check, &made.parameters)
        .with_context(|| format!("the engine cannot use what Python made of `{}`", args.name))?;
    if let Some(why) = &found.stays_on_the_cpu {
        term::warn(format_args!(
            "`{}` may work on a CPU alone: {}",
            args.name,
            term::short(why, 300)
        ));
    }
    import::keep(made, found.parity)
}
