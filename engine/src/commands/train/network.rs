//! A network to train: a pretrained backbone with a new head.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use kaggle_kit::cache::Store;
use kaggle_kit::commands::models::pretrained;
use kaggle_kit::competition::Competition;
use kaggle_kit::hash::hash_file;
use kaggle_kit::learn::{Data, Precomputed, Pretrained};
use kaggle_kit::recipe::{LossKind, Recipe};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use kaggle_kit::zoo::{self, Architecture};

use crate::torch::{Device, Network, device};

/// A network to train, and where its activations are kept.
pub(in crate::commands) struct NewNetwork {
    pub(in crate::commands) network: Network,
    pub(in crate::commands) precomputed: Option<Precomputed>,
    /// What it starts from.
    pub(super) pretrained: Vec<Pretrained>,
}

impl NewNetwork {
    /// A pretrained backbone with a new head.
    pub(in crate::commands) fn new(
        competition: &Competition,
        recipe: &Recipe,
        data: &Data,
        device: Device,
    ) -> Result<Self> {
        ensure!(
            data.kind == TargetKind::MultiLabel || recipe.loss.kind == LossKind::Auto,
            "`loss.kind` is for tags; `{}` has one class an image\nhint: leave it at \"auto\"",
            competition.name
        );
        let architectures = zoo::find_all(&recipe.backbone)?;
        let weights = weights_of(&architectures, &recipe.weights)?;
        let n_outputs = data.kind.n_outputs(data.classes.len());
        let network = Network::new(&architectures, recipe, data.kind, n_outputs, device);
        network.load_backbones(&weights)?;
        for path in &weights {
            term::detail(format_args!("weights: `{}`", path.display()));
        }
        let backbone = |(architecture, path): (&&Architecture, &PathBuf)| {
            Ok(Pretrained { name: architecture.name.to_owned(), weights: hash_file(path)? })
        };
        let pretrained: Vec<Pretrained> =
            architectures.iter().zip(&weights).map(backbone).collect::<Result<_>>()?;
        let precomputed = if recipe.precompute.cache {
            Some(Precomputed {
                store: Store::usual()?,
                label: competition.name.clone(),
                backbones: pretrained.clone(),
                engine: device::engine(device, recipe.optimizer.precision),
            })
        } else {
            None
        };
        Ok(Self { network, precomputed, pretrained })
    }
}

/// The weights file of each backbone; `explicit` is the recipe's: nothing, or a path for each, joined
/// by `+` where there are several.
fn weights_of(architectures: &[&Architecture], explicit: &str) -> Result<Vec<PathBuf>> {
    let [one] = architectures else {
        let paths: Vec<&str> = match explicit {
            "" => vec![""; architectures.len()],
            _ => explicit.split('+').map(str::trim).collect(),
        };
        ensure!(
            paths.len() == architectures.len(),
            "{} for {}: `{explicit}`\nhint: `weights` names a file for each backbone, joined by `+`; \
             leave one empty to look in the cache",
            term::count(paths.len(), "weights file"),
            term::count(architectures.len(), "backbone"),
        );
        let pairs = architectures.iter().zip(paths);
        return pairs.map(|(architecture, path)| pretrained(architecture, path)).collect();
    };
    Ok(vec![pretrained(one, explicit)?])
}
