//! Where a backbone's pretrained weights come from: a file, the cache, or Hugging Face.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::torch::weights::{Located, locate};
use kaggle_kit::fs;
use kaggle_kit::kaggle;
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::term;
use kaggle_kit::zoo::Architecture;

/// The weights file of an architecture; `explicit` is the recipe's path, or empty.
///
/// What is in neither place is downloaded into the cache, once.
pub(super) fn pretrained(architecture: &Architecture, explicit: &str) -> Result<PathBuf> {
    let explicit = (!explicit.is_empty()).then(|| Path::new(explicit));
    let located = locate(architecture, explicit, &fs::cache_folder())?;
    if let Located::Missing { url, path } = &located {
        term::say(format_args!("{}: pretrained weights from `{url}`", architecture.name));
        let bar = Bar::new(architecture.name, Unit::Bytes);
        let downloaded = kaggle::download(url, path, &bar);
        return match downloaded {
            Ok(()) => Ok(path.clone()),
            // The advice on where to save them by hand is worth more than the network's error.
            Err(error) => {
                let advice = located.file(architecture).expect_err("it is missing");
                Err(error).context(advice)
            }
        };
    }
    located.file(architecture)
}
