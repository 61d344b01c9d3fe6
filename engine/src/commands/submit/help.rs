//! Predicting the test images in shares: the first rank tells the others what to predict with what, until
//! there is nothing more. They read no run, and of the images only their shares.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result};
use kaggle_kit::dataset::Sample;
use kaggle_kit::fs;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{self, Layer, Recipe};
use kaggle_kit::run::{Workspace, trusted};
use kaggle_kit::zoo::imported::{Description, with};
use kaggle_kit::zoo::{self, Architecture};
use serde::{Deserialize, Serialize};

use super::super::predict::predict;
use super::super::ranks::Ranks;
use crate::torch::{Beside, Fits, Network, device};

/// One run's predictions.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    /// Of the run, as TOML.
    recipe: String,
    outputs: Outputs,
    weights: Vec<String>,
    /// Its imported backbones, each as it is described, and where the first rank has its graph.
    imported: Vec<(String, PathBuf)>,
    /// Each image's files, from the folder of all data.
    images: Vec<Vec<PathBuf>>,
}

impl Job {
    pub(super) fn new(
        recipe: &Recipe,
        architectures: &[&'static Architecture],
        outputs: &Outputs,
        weights: &[String],
        samples: &[Sample],
        data: &Path,
    ) -> Result<Self> {
        let inside = |path: &PathBuf| path.strip_prefix(data).unwrap_or(path).to_owned();
        let files = |sample: &Sample| {
            std::iter::once(&sample.path).chain(&sample.planes).map(inside).collect()
        };
        let imported = architectures.iter().filter_map(|one| one.imported());
        let imported = imported.map(|net| Ok((net.described.to_text()?, net.graph.clone())));
        Ok(Self {
            imported: imported.collect::<Result<_>>()?,
            // Other ranks need not have what other folds were trained with.
            recipe: toml::to_string(&recipe.of_own_backbone())?,
            outputs: outputs.clone(),
            weights: weights.to_vec(),
            images: samples.iter().map(files).collect(),
        })
    }

    /// The recipe, and the backbones that may be run here.
    fn network(&self) -> Result<(Recipe, Vec<&'static Architecture>)> {
        let brought = self.imported.iter().map(|(described, graph)| {
            let described = Description::parse(described, "the first rank's backbone")?;
            Ok(described.architecture(graph.clone()))
        });
        with(brought.collect::<Result<_>>()?, || {
            let layer = Layer::parse("the first rank's recipe", &self.recipe)?;
            let recipe = recipe::resolve(&[layer])?;
            let found = zoo::find_all(recipe.own_backbone())?.into_iter();
            let found = found.map(|own| trusted(own, "the first rank's run"));
            Ok((recipe, found.collect::<Result<_>>()?))
        })
    }

    /// The images, where this process has them.
    fn samples(&self, data: &Path) -> Result<Arc<[Sample]>> {
        let sample = |files: &Vec<PathBuf>| {
            let mut files = files.iter().map(|file| data.join(file));
            let first = files.next().context("an image without a file")?;
            Ok(Sample { planes: files.collect(), ..Sample::new("", first, Vec::new()) })
        };
        self.images.iter().map(sample).collect()
    }
}

/// Tells the others; without a job they are done.
pub(super) fn tell(ranks: &Ranks, job: Option<&Job>) -> Result<()> {
    let Some(group) = ranks.group() else { return Ok(()) };
    kaggle_kit::learn::Group::wait_for_first(&**group)?;
    let mut bytes = job.map_or_else(|| Ok(Vec::new()), serde_json::to_vec)?;
    group.spread_bytes(&mut bytes)
}

/// What a rank that is not the first does.
pub(super) fn help(ranks: &Ranks, workspace: &Workspace) -> Result<()> {
    let Some(group) = ranks.group() else { return Ok(()) };
    loop {
        // The first one checks and hashes all images before, and writes the file after.
        kaggle_kit::learn::Group::wait_for_first(&**group)?;
        let mut bytes = Vec::new();
        group.spread_bytes(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let job: Job = serde_json::from_slice(&bytes).context("no job was told")?;
        let (recipe, architectures) = job.network()?;
        device::set_up(ranks.device, &recipe)?;
        let mut network = Network::new(&architectures, &recipe, job.outputs.clone(), ranks.device)?;
        network.go_by(Fits::of(ranks.device, &recipe, Beside::Nothing, &fs::cache_folder()));
        network.join(Rc::clone(group))?;
        let samples = job.samples(&workspace.data())?;
        predict(&mut network, ranks, None, &job.weights, &samples, &recipe, None)?;
    }
}
