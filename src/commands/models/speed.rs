//! What backbones were measured at on this machine, kept in the cache folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::fs;

/// A measurement of prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Speed {
    pub backbone: String,
    /// Where it was computed: `CPU, 2 threads`.
    pub device: String,
    /// Side of the pictures, in pixels.
    pub size: usize,
    /// Pictures a second, the median of rounds.
    pub images_per_second: f64,
}

/// How many times as fast a network is in bf16 as in f32 on a processor that has instructions for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HalfSpeed {
    pub backbone: String,
    /// As of a [`Speed`].
    pub device: String,
    pub predict: f64,
    /// A step of the whole network.
    pub train: f64,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    speed: Vec<Speed>,
    #[serde(default)]
    half: Vec<HalfSpeed>,
}

impl Speed {
    /// `158 (224 px, CPU, 2 threads)`.
    pub(super) fn describe(&self) -> String {
        let digits = usize::from(self.images_per_second < 10.0);
        let Self { images_per_second, size, device, .. } = self;
        format!("{images_per_second:.digits$} ({size} px, {device})")
    }

    fn is_of_same(&self, other: &Self) -> bool {
        (&self.backbone, &self.device, self.size) == (&other.backbone, &other.device, other.size)
    }
}

fn path(cache: &Path) -> PathBuf {
    cache.join("speeds.toml")
}

/// What was kept; a file that cannot be read is nothing.
fn kept(cache: &Path) -> Kept {
    let text = fs::read_to_string(path(cache)).unwrap_or_default();
    let mut kept: Kept = toml::from_str(&text).unwrap_or_default();
    let of_speed = kept.speed.iter_mut().map(|speed| &mut speed.device);
    let of_half = kept.half.iter_mut().map(|half| &mut half.device);
    // As 0.1.0 wrote it.
    for device in of_speed.chain(of_half).filter(|device| *device == "CPU, 1 threads") {
        "CPU, 1 thread".clone_into(device);
    }
    kept
}

/// What was measured before.
pub fn measured(cache: &Path) -> Vec<Speed> {
    kept(cache).speed
}

/// What was measured of a backbone in bf16 before.
pub fn measured_half(cache: &Path, backbone: &str, device: &str) -> Option<HalfSpeed> {
    let mut half = kept(cache).half.into_iter();
    half.find(|half| (half.backbone.as_str(), half.device.as_str()) == (backbone, device))
}

/// Keeps a measurement in the place of an older one of the same.
pub fn keep(new: &Speed, cache: &Path) -> Result<()> {
    let mut kept = kept(cache);
    kept.speed.retain(|old| !old.is_of_same(new));
    kept.speed.push(new.clone());
    write(&kept, cache)
}

/// The same of bf16.
pub fn keep_half(new: &HalfSpeed, cache: &Path) -> Result<()> {
    let mut kept = kept(cache);
    kept.half.retain(|old| (&old.backbone, &old.device) != (&new.backbone, &new.device));
    kept.half.push(new.clone());
    write(&kept, cache)
}

fn write(kept: &Kept, cache: &Path) -> Result<()> {
    fs::create_dir_all(cache)?;
    fs::write_atomic(path(cache), toml::to_string(kept)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_measurement_takes_the_place_of_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let speed = |device: &str, images_per_second| Speed {
            backbone: "resnet18".to_owned(),
            device: device.to_owned(),
            size: 224,
            images_per_second,
        };
        assert!(measured(folder.path()).is_empty());
        for (device, rate) in
            [("CPU, 2 threads", 60.0), ("GPU 0 (CUDA)", 900.0), ("CPU, 2 threads", 5.25)]
        {
            keep(&speed(device, rate), folder.path()).unwrap();
        }
        let expected = [speed("GPU 0 (CUDA)", 900.0), speed("CPU, 2 threads", 5.25)];
        assert_eq!(measured(folder.path()), expected);
        let half = |train| HalfSpeed {
            backbone: "resnet18".to_owned(),
            device: "CPU, 2 threads".to_owned(),
            predict: 3.4,
            train,
        };
        for train in [2.5, 2.8] {
            keep_half(&half(train), folder.path()).unwrap();
        }
        let found = measured_half(folder.path(), "resnet18", "CPU, 2 threads");
        assert_eq!(found, Some(half(2.8)));
        assert_eq!(measured_half(folder.path(), "resnet18", "CPU, 1 thread"), None);
        // What an older version has kept is known under today's name.
        let old = HalfSpeed { device: "CPU, 1 threads".to_owned(), ..half(1.5) };
        keep_half(&old, folder.path()).unwrap();
        let found = measured_half(folder.path(), "resnet18", "CPU, 1 thread");
        assert_eq!(found.map(|half| half.train), Some(1.5));
        assert_eq!(measured(folder.path()), expected);
        assert_eq!(expected[1].describe(), "5.2 (224 px, CPU, 2 threads)");
        fs::write_atomic(path(folder.path()), "speed = 3").unwrap();
        assert!(measured(folder.path()).is_empty());
    }
}
