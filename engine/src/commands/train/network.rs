//! A network to train: a pretrained backbone with a new head.

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use kaggle_kit::cache::Store;
use kaggle_kit::commands::models::pretrained;
use kaggle_kit::competition::Competition;
use kaggle_kit::fs;
use kaggle_kit::hash::{Hash, hash_file};
use kaggle_kit::learn::{Data, Precomputed, Pretrained};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{self, ClassWeights, LossKind, Recipe};
use kaggle_kit::term;
use kaggle_kit::zoo::{self, Architecture};

use crate::commands::precision::Work;
use crate::commands::ranks::Ranks;
use crate::torch::{Beside, Fits, Network, device};

/// A network to train, and where its activations are kept.
pub(in crate::commands) struct NewNetwork {
    pub(in crate::commands) network: Network,
    pub(in crate::commands) precomputed: Option<Precomputed>,
    /// What it starts from.
    pub(super) pretrained: Vec<Pretrained>,
}

impl NewNetwork {
    /// A pretrained backbone with a new head. Of several ranks the first one reads the weights, which may
    /// have to be fetched first.
    pub(in crate::commands) fn new(
        competition: &Competition,
        recipe: &Recipe,
        data: &Data,
        ranks: &Ranks,
    ) -> Result<Self> {
        let device = ranks.device;
        check_loss(competition, recipe, &data.outputs)?;
        let recipe = &ranks.settled(recipe, Work::Train)?;
        let architectures = zoo::find_all(recipe.own_backbone())?;
        let weights = if ranks.is_first() {
            weights_of(&architectures, recipe.own_weights())?
        } else {
            Vec::new()
        };
        device::set_up(device, recipe)?;
        let mut network = Network::new(&architectures, recipe, data.outputs.clone(), device)?;
        network.go_by(Fits::of(device, recipe, Beside::Training, &fs::cache_folder()));
        network.load_backbones(&weights)?;
        if let Some(weights) = data.class_weights() {
            network.weigh_classes(&weights);
        }
        for path in &weights {
            term::detail(format_args!("weights: `{}`", path.display()));
        }
        let backbone = |(architecture, path): (&&Architecture, &PathBuf)| {
            let weights = with_graph(architecture, hash_file(path)?);
            Ok(Pretrained { name: architecture.name.to_owned(), weights })
        };
        let pretrained: Vec<Pretrained> =
            architectures.iter().zip(&weights).map(backbone).collect::<Result<_>>()?;
        ranks.for_learner().wait_for_first()?;
        let pretrained = followed(&pretrained, ranks)?;
        if let Some(group) = ranks.group() {
            network.join(Rc::clone(group))?;
        }
        let precomputed = if recipe.precompute.cache {
            Some(Precomputed {
                store: Store::usual()?,
                label: competition.name.clone(),
                backbones: pretrained.clone(),
                engine: device::engine(device, recipe),
            })
        } else {
            None
        };
        Ok(Self { network, precomputed, pretrained })
    }
}

/// The hashes of all that computes and is no part of this program.
pub(super) fn graphs(recipe: &Recipe) -> Result<String> {
    let all = recipe::backbones_of_folds(&recipe.backbone)?;
    let found = all.into_iter().filter_map(Architecture::imported);
    Ok(found.map(|net| net.described.sha256.as_str()).collect::<Vec<_>>().join("\n"))
}

/// What an imported network computes follows from its graph as well.
fn with_graph(architecture: &Architecture, weights: Hash) -> Hash {
    match architecture.imported() {
        Some(net) => Hash::of(format!("{} {weights}", net.described.sha256).as_bytes()),
        None => weights,
    }
}

/// What the first rank has read.
fn followed(pretrained: &[Pretrained], ranks: &Ranks) -> Result<Vec<Pretrained>> {
    let own: Vec<(&str, [u8; 32])> =
        pretrained.iter().map(|one| (one.name.as_str(), one.weights.0)).collect();
    let text = ranks.follow(serde_json::to_string(&own)?)?;
    let read: Vec<(String, [u8; 32])> =
        serde_json::from_str(&text).context("no weights were told")?;
    Ok(read.into_iter().map(|(name, hash)| Pretrained { name, weights: Hash(hash) }).collect())
}

/// What is minimised must be of the kind that is asked for.
fn check_loss(competition: &Competition, recipe: &Recipe, outputs: &Outputs) -> Result<()> {
    let (what, fits) = match outputs {
        Outputs::Tags { .. } => ("tags", true),
        Outputs::Classes { .. } => {
            ("one class an image", matches!(recipe.loss.kind, LossKind::Auto | LossKind::Focal))
        }
        Outputs::Standardised { .. } | Outputs::Ranged { .. } => {
            ("numbers", recipe.loss.kind == LossKind::Auto)
        }
    };
    ensure!(
        fits,
        "`loss.kind = {:?}` is not for `{}`, which asks for {what}\nhint: leave it at \"auto\"",
        recipe.loss.kind,
        competition.name
    );
    ensure!(
        outputs.are_probabilities() || recipe.loss.class_weights == ClassWeights::None,
        "`loss.class-weights` is for classes and tags; `{}` asks for {what}\nhint: leave it out",
        competition.name
    );
    Ok(())
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
