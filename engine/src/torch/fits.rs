//! How many images fitted into a device's memory at once where nothing is learnt from them, kept from one
//! command to the next, so that each need not run out of memory first.
//!
//! A batch to learn from is not kept: in how many pieces it is computed is part of what a run comes to.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::{fs, term};
use serde::{Deserialize, Serialize};
use tch::Device;

use super::{device, libtorch};

/// The newest of what is kept; a larger file is not ours.
const MOST: usize = 100;
const MOST_BYTES: u64 = 64 << 10;
/// More memory than a time ago, such as that of a program that has ended, is worth another try: so many
/// times as much.
const MORE: f64 = 1.25;

/// What is done with a network, which decides about what else is in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beside {
    Training,
    Nothing,
}

/// What is kept of one network on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fit {
    /// What computes, with which numbers: `libtorch 2.13.0 on CUDA (NVIDIA H100 PCIe) in bf16`.
    engine: String,
    backbone: String,
    /// Of the pictures, in pixels.
    size: usize,
    beside: Beside,
    /// So many fitted, and twice as many did not.
    images: usize,
    /// Of the memory that was free when the command began.
    free_megabytes: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    fit: Vec<Fit>,
}

/// A network on a device, for which may be known how many images fit.
#[derive(Debug)]
pub struct Fits {
    path: PathBuf,
    /// Without a number of images yet.
    of: Fit,
}

impl Fits {
    /// Of the network of a recipe, whose precision is settled; what is kept is in `cache`.
    pub fn of(device: Device, recipe: &Recipe, beside: Beside, cache: &Path) -> Self {
        let free = match device {
            Device::Cuda(number) => libtorch::cuda_free(number),
            _ => fs::free_memory(),
        };
        let of = Fit {
            engine: device::engine(device, recipe),
            backbone: recipe.own_backbone().to_owned(),
            size: recipe.size,
            beside,
            images: 0,
            free_megabytes: free.unwrap_or_default() / 1_000_000,
        };
        Self { path: cache.join("batches.toml"), of }
    }

    /// As if so much memory were free.
    #[cfg(test)]
    pub(super) fn with_free(mut self, megabytes: u64) -> Self {
        self.of.free_megabytes = megabytes;
        self
    }

    /// How many fitted before, where no more memory is free than then.
    pub(super) fn known(&self) -> Option<usize> {
        let kept = kept(&self.path);
        let known = kept.fit.iter().find(|fit| fit.is_of_same(&self.of))?;
        let is_as_full = self.of.free_megabytes as f64 <= MORE * known.free_megabytes.max(1) as f64;
        is_as_full.then_some(known.images)
    }

    /// Keeps that so many fit and twice as many do not. Where it cannot be written down, the next command
    /// knows no more than this one.
    pub(super) fn keep(&self, images: usize) {
        if let Err(error) = self.write(images) {
            let path = self.path.display();
            term::detail(format_args!("how many images fit is not kept in `{path}`: {error:#}"));
        }
    }

    fn write(&self, images: usize) -> Result<()> {
        let mut kept = kept(&self.path);
        kept.fit.retain(|fit| !fit.is_of_same(&self.of));
        let too_many = (kept.fit.len() + 1).saturating_sub(MOST);
        kept.fit.drain(..too_many);
        kept.fit.push(Fit { images, ..self.of.clone() });
        fs::create_dir_all(fs::folder_of(&self.path))?;
        fs::write_atomic(&self.path, toml::to_string(&kept)?)
    }
}

impl Fit {
    fn is_of_same(&self, other: &Self) -> bool {
        let key = |fit: &Self| (fit.engine.clone(), fit.backbone.clone(), fit.size, fit.beside);
        key(self) == key(other)
    }

    /// Whether it can be true.
    fn is_sound(&self) -> bool {
        (1..=1 << 16).contains(&self.images) && (1..=1 << 14).contains(&self.size)
    }
}

/// What is kept; a file that is not as we write it is nothing.
fn kept(path: &Path) -> Kept {
    let read = || {
        let (mut text, file) = (String::new(), fs::open(path).ok()?);
        file.take(MOST_BYTES + 1).read_to_string(&mut text).ok()?;
        (text.len() as u64 <= MOST_BYTES).then_some(text)
    };
    let mut kept: Kept = read().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    kept.fit.retain(Fit::is_sound);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(cache: &Path, size: usize, free_megabytes: u64) -> Fits {
        let recipe = Recipe { size, ..kaggle_kit::recipe::resolve(&[]).unwrap() };
        Fits::of(Device::Cpu, &recipe, Beside::Nothing, cache).with_free(free_megabytes)
    }

    #[test]
    fn what_fitted_is_known_to_the_next_command_and_to_no_other_network() {
        let cache = tempfile::tempdir().unwrap();
        let first = fits(cache.path(), 224, 8000);
        assert_eq!(first.known(), None);
        for images in [128, 64] {
            first.keep(images);
        }
        assert_eq!(fits(cache.path(), 224, 8000).known(), Some(64));
        assert_eq!(fits(cache.path(), 224, 3000).known(), Some(64));
        assert_eq!(fits(cache.path(), 224, 11_000).known(), None, "there is room now");
        assert_eq!(fits(cache.path(), 288, 8000).known(), None);
        let mut beside = fits(cache.path(), 224, 8000);
        beside.of.beside = Beside::Training;
        assert_eq!(beside.known(), None);
        beside.keep(16);
        let mut half = fits(cache.path(), 224, 8000);
        half.of.engine = half.of.engine.replace("f32", "bf16");
        assert_eq!(half.known(), None);
        assert_eq!((beside.known(), first.known()), (Some(16), Some(64)));
    }

    #[test]
    fn what_is_kept_is_bounded_and_checked() {
        let cache = tempfile::tempdir().unwrap();
        for size in 1..=MOST + 20 {
            fits(cache.path(), size, 8000).keep(8);
        }
        let of = |size| fits(cache.path(), size, 8000);
        assert_eq!(kept(&of(1).path).fit.len(), MOST);
        assert_eq!((of(20).known(), of(21).known(), of(120).known()), (None, Some(8), Some(8)));
        let path = &of(1).path;
        let whole = fs::read_to_string(path).unwrap();
        assert!((whole.len() as u64) < MOST_BYTES, "{}", whole.len());
        for wrong in [
            whole.replace("images = 8", "images = 0"),
            whole.replace("images = 8", "images = 1000000"),
            whole.replace("images = 8", "images = -8"),
            whole.replace("images = 8", "pictures = 8"),
            format!("{whole}#{}", "x".repeat(MOST_BYTES as usize)),
            "fit = 3".to_owned(),
        ] {
            fs::write_atomic(path, wrong).unwrap();
            assert_eq!(of(120).known(), None);
        }
        // It is made anew.
        of(120).keep(4);
        assert_eq!(of(120).known(), Some(4));
    }
}
