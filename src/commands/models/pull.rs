//! Getting a backbone's weights: from a file, our cache, Hugging Face's cache, or the hub.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use thiserror::Error;

use crate::fs;
use crate::hash::hash_file;
use crate::kaggle;
use crate::report::{Bar, Unit};
use crate::term;
use crate::weights::cached::{self, Cached};
use crate::weights::{Hub, cached_path, place};
use crate::zoo::{self, Architecture};

/// The weights file of an architecture; `explicit` is the recipe's path, or empty.
///
/// What is nowhere on this machine is downloaded into the cache, once. What is there must be what came.
pub fn pretrained(architecture: &Architecture, explicit: &str) -> Result<PathBuf> {
    if !explicit.is_empty() {
        let path = PathBuf::from(explicit);
        ensure!(
            fs::symlink_metadata(&path).is_ok(),
            "no weights at `{}`: no such file",
            path.display()
        );
        // What is no plain file is named.
        drop(fs::open(&path)?);
        return Ok(path);
    }
    fetch(architecture, &fs::cache_folder(), &Hub::of_process(), Unusable::Refuse)
}

/// Fetches the weights of the backbones named, those that are not there yet.
pub(super) fn pull(names: &[String]) -> Result<()> {
    let (cache, hub) = (fs::cache_folder(), Hub::of_process());
    let wanted = names.iter().map(|name| zoo::find(name)).collect::<Result<Vec<_>>>()?;
    for architecture in wanted {
        let path = fetch(architecture, &cache, &hub, Unusable::Replace)?;
        let size = term::bytes(fs::metadata(&path)?.len());
        term::done(format_args!("{}: {size}, `{}`", architecture.name, path.display()));
    }
    Ok(())
}

/// What to do about a file in the cache that is not what came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unusable {
    Refuse,
    /// Fetch another, and put it in that one's place.
    Replace,
}

fn fetch(
    architecture: &Architecture,
    cache: &Path,
    hub: &Hub,
    unusable: Unusable,
) -> Result<PathBuf> {
    let path = place(architecture, cache);
    if let Some(net) = architecture.imported() {
        let found = cached::check(architecture, cache)?;
        let name = &net.described.name;
        ensure!(
            found.is_some(),
            "no weights of `{}` at `{}`\nhint: run `kaggle-kit models import {name}` again, or name a file \
             with `--weights`",
            architecture.name,
            path.display()
        );
        return Ok(path);
    }
    match cached::check(architecture, cache) {
        Ok(Some(found)) => {
            if let Cached::Unknown { hash, .. } = found {
                // Where it cannot be written down, the next run knows no more than this one.
                let _ = cached::record(&path, hash);
            }
            return Ok(path);
        }
        Ok(None) => {
            if let Some(path) = hub.downloaded(architecture) {
                cached::check_downloaded(architecture, &path)?;
                return Ok(path);
            }
        }
        Err(error) if unusable == Unusable::Replace && path.is_file() => {
            term::warn(format_args!("{}: it is fetched anew", term::describe(&error).0));
        }
        Err(error) => return Err(error),
    }
    let path = cached_path(architecture, cache);
    download(architecture, &path, hub)?;
    Ok(path)
}

/// Downloads into the cache, and writes down what came.
fn download(architecture: &Architecture, path: &Path, hub: &Hub) -> Result<()> {
    let url = hub.url(architecture);
    let shown = kaggle::shown_as_typed(&url);
    if hub.offline {
        let missing = missing(architecture, path, &shown);
        let name = architecture.name;
        return Err(NoWeights(format!(
            "`HF_HUB_OFFLINE` is set, and there are {missing}\nhint: or unset it and run \
             `kaggle-kit models pull {name}`"
        ))
        .into());
    }
    term::say(format_args!("{}: pretrained weights from `{shown}`", architecture.name));
    let bar = Bar::new(architecture.name, Unit::Bytes);
    // A record of what was there before would refuse what comes.
    cached::forget(path)?;
    let downloaded = kaggle::download_from_hub(&url, hub.token.as_deref(), path, &bar);
    // The advice on where to save them by hand is worth more than the network's error.
    downloaded.with_context(|| NoWeights(missing(architecture, path, &shown)))?;
    if let Err(error) = cached::look(path) {
        fs::remove_flushed(path)?;
        return Err(error.context(format!("what came from `{shown}` are no weights")));
    }
    cached::record(path, hash_file(path)?)
}

/// A pretrained network's weights are not here, and could not be fetched.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct NoWeights(String);

/// That there are no weights, and what to do about it.
fn missing(architecture: &Architecture, path: &Path, url: &str) -> String {
    let setup = if architecture.name == zoo::DEFAULT.name {
        "run `make setup`, which has them, or "
    } else {
        ""
    };
    let usual = zoo::DEFAULT.name;
    let others = if path.with_file_name(format!("{usual}.safetensors")).is_file() {
        format!("\nhint: weights of `{usual}` are here: `--backbone {usual}` goes without others")
    } else {
        String::new()
    };
    format!(
        "no weights of `{}` at `{}`\nhint: {setup}save `{url}` there{others}",
        architecture.name,
        path.display()
    )
}
