//! Predictions that are not complete yet: those for the first test images, kept in the run's folder
//! now and then, so that a submission that was stopped goes on there.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::folder::Run;
use super::made_for::MadeFor;
use crate::fs;

/// The folder in that of the run, with a file for each of its weights.
const FOLDER: &str = "asked";
/// What the file says of itself.
const MADE_FOR: &str = "made-for";

/// A model's predictions for images: `[n, outputs]` for each set of views whose mean is taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewMeans {
    /// All views, then each crop where there are several, then the first view alone; a single one
    /// where there is one view.
    pub names: Vec<String>,
    pub probabilities: Vec<Vec<f32>>,
    /// How many images they are of.
    pub n_images: usize,
}

impl ViewMeans {
    /// Whether all that was predicted is a number.
    pub fn are_numbers(&self) -> bool {
        self.probabilities.iter().flatten().all(|p| p.is_finite())
    }
}

/// The place of a run's predictions while they are made: the folder has a safetensors file for each
/// file of weights, with a tensor for each set of views.
#[derive(Debug)]
pub struct PartialPredictions {
    folder: PathBuf,
    made_for: String,
    n_outputs: usize,
    every: Duration,
    last: Instant,
}

impl PartialPredictions {
    /// Those of `run` for the test images with this [digest](crate::dataset::digest_of_set), written
    /// down at most this often.
    pub fn of(run: &Run, images: &str, every: Duration) -> Result<Self> {
        // Compared as it is written.
        let made_for = toml::to_string(&MadeFor::of(run, images)?)?;
        let kind = run.competition()?.target.kind;
        let n_outputs = kind.n_outputs(run.summary()?.classes.len());
        Ok(Self::new(run.file(FOLDER), made_for, n_outputs, every))
    }

    fn new(folder: PathBuf, made_for: String, n_outputs: usize, every: Duration) -> Self {
        Self { folder, made_for, n_outputs, every, last: Instant::now() }
    }

    /// The same where so many networks answer side by side.
    #[must_use]
    pub fn of_several(self, n: usize) -> Self {
        Self { n_outputs: self.n_outputs * n, ..self }
    }

    /// Those of one of the run's weights files; nothing where that is not to be had.
    pub fn read(&self, weights: &str) -> ViewMeans {
        let file = self.folder.join(weights);
        fs::read(&file).ok().and_then(|bytes| self.parsed(&bytes).ok()).unwrap_or_default()
    }

    fn parsed(&self, bytes: &[u8]) -> Result<ViewMeans> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let made_for = header.metadata().as_ref().and_then(|notes| notes.get(MADE_FOR));
        ensure!(made_for == Some(&self.made_for), "made for other images");
        let tensors = SafeTensors::deserialize(bytes)?;
        let mut named = tensors.tensors();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let mut means = ViewMeans::default();
        for (name, tensor) in named {
            let (_, name) = name.split_once(' ').context("views without a number")?;
            means.names.push(name.to_owned());
            let &[n_images, width] = tensor.shape() else { bail!("predictions are rows") };
            ensure!(width == self.n_outputs, "as many numbers as the network gives");
            let is_first = means.probabilities.is_empty();
            ensure!(tensor.dtype() == Dtype::F32, "predictions are of 32 bits");
            ensure!(is_first || means.n_images == n_images, "all parts are of the same images");
            means.n_images = n_images;
            let (numbers, _) = tensor.data().as_chunks();
            means.probabilities.push(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect());
        }
        ensure!(means.are_numbers(), "what is no number is predicted again");
        Ok(means)
    }

    /// Writes down what one of the weights files has predicted so far, if it is time to.
    pub fn keep(&mut self, weights: &str, means: &ViewMeans) -> Result<()> {
        if self.last.elapsed() < self.every || means.n_images == 0 || !means.are_numbers() {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> = means
            .probabilities
            .iter()
            .map(|part| part.iter().flat_map(|p| p.to_le_bytes()).collect())
            .collect();
        let mut tensors = Vec::new();
        for (number, ((name, part), bytes)) in
            means.names.iter().zip(&means.probabilities).zip(&bytes).enumerate()
        {
            let shape = vec![means.n_images, part.len() / means.n_images];
            let view = TensorView::new(Dtype::F32, shape, bytes)?;
            tensors.push((format!("{number} {name}"), view));
        }
        let notes = HashMap::from([(MADE_FOR.to_owned(), self.made_for.clone())]);
        let file = safetensors::serialize(tensors, Some(notes))?;
        fs::write_atomic(self.folder.join(weights), file)?;
        self.last = Instant::now();
        Ok(())
    }

    /// All is predicted and kept elsewhere.
    pub fn remove(self) -> Result<()> {
        if self.folder.is_dir() {
            fs::remove_dir_all(self.folder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn place(folder: &Path, made_for: &str, every: Duration) -> PartialPredictions {
        PartialPredictions::new(folder.join("asked"), made_for.to_owned(), 2, every)
    }

    fn predicted() -> ViewMeans {
        let names = ["all views", "crop of 1", "one view"].map(str::to_owned).to_vec();
        let probabilities = (0..3).map(|part| vec![0.1 + part as f32, 0.2, 0.3, 0.4]).collect();
        ViewMeans { names, probabilities, n_images: 2 }
    }

    #[test]
    fn what_was_predicted_is_there_for_the_same_images_and_weights() {
        let folder = tempfile::tempdir().unwrap();
        let place = |made_for| place(folder.path(), made_for, Duration::ZERO);
        assert_eq!(place("x").read("a.safetensors"), ViewMeans::default());
        place("x").keep("a.safetensors", &predicted()).unwrap();
        assert_eq!(place("x").read("a.safetensors"), predicted());
        assert_eq!(place("x").read("b.safetensors"), ViewMeans::default());
        assert_eq!(place("y").read("a.safetensors"), ViewMeans::default(), "other images");
        let mut broken = predicted();
        broken.probabilities[1][3] = f32::NAN;
        place("x").keep("b.safetensors", &broken).unwrap();
        assert_eq!(place("x").read("b.safetensors"), ViewMeans::default(), "no number is kept");
        fs::write_atomic(folder.path().join("asked/a.safetensors"), "cut short").unwrap();
        assert_eq!(place("x").read("a.safetensors"), ViewMeans::default());
        place("x").remove().unwrap();
        assert!(!folder.path().join("asked").exists());
        place("x").remove().unwrap();
    }

    #[test]
    fn it_is_written_down_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place(folder.path(), "x", Duration::from_secs(3600));
        place.keep("a.safetensors", &predicted()).unwrap();
        assert_eq!(place.read("a.safetensors"), ViewMeans::default());
    }
}
