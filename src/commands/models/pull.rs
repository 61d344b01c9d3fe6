//! Getting a backbone's weights: from a file, our cache, Hugging Face's cache, or the hub.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::fs;
use crate::kaggle;
use crate::report::{Bar, Unit};
use crate::term;
use crate::weights::{Hub, cached_path};
use crate::zoo::{self, Architecture};

/// The weights file of an architecture; `explicit` is the recipe's path, or empty.
///
/// What is nowhere on this machine is downloaded into the cache, once.
pub fn pretrained(architecture: &Architecture, explicit: &str) -> Result<PathBuf> {
    if !explicit.is_empty() {
        let path = PathBuf::from(explicit);
        ensure!(path.is_file(), "no weights at `{}`: no such file", path.display());
        return Ok(path);
    }
    fetch(architecture, &fs::cache_folder(), &Hub::of_process())
}

/// Fetches the weights of the backbones named, those that are not there yet.
pub(super) fn pull(names: &[String]) -> Result<()> {
    let (cache, hub) = (fs::cache_folder(), Hub::of_process());
    let wanted = names.iter().map(|name| zoo::find(name)).collect::<Result<Vec<_>>>()?;
    for architecture in wanted {
        let path = fetch(architecture, &cache, &hub)?;
        let size = term::bytes(fs::metadata(&path)?.len());
        term::done(format_args!("{}: {size}, `{}`", architecture.name, path.display()));
    }
    Ok(())
}

fn fetch(architecture: &Architecture, cache: &Path, hub: &Hub) -> Result<PathBuf> {
    let path = cached_path(architecture, cache);
    if path.is_file() {
        return Ok(path);
    }
    if let Some(path) = hub.downloaded(architecture) {
        return Ok(path);
    }
    let url = hub.url(architecture);
    let shown = kaggle::shown_as_typed(&url);
    if hub.offline {
        let missing = missing(architecture, &path, &shown);
        let name = architecture.name;
        bail!(
            "`HF_HUB_OFFLINE` is set, and there are {missing}\nhint: or unset it and run \
             `kaggle-kit models pull {name}`"
        )
    }
    term::say(format_args!("{}: pretrained weights from `{shown}`", architecture.name));
    let bar = Bar::new(architecture.name, Unit::Bytes);
    let downloaded = kaggle::download_from_hub(&url, hub.token.as_deref(), &path, &bar);
    // The advice on where to save them by hand is worth more than the network's error.
    downloaded.with_context(|| missing(architecture, &path, &shown))?;
    Ok(path)
}

/// That there are no weights, and what to do about it.
fn missing(architecture: &Architecture, path: &Path, url: &str) -> String {
    let setup = if architecture.name == zoo::DEFAULT.name {
        "run `make setup`, which has them, or "
    } else {
        ""
    };
    format!(
        "no weights of `{}` at `{}`\nhint: {setup}save `{url}` there",
        architecture.name,
        path.display()
    )
}
