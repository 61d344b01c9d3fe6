//! The `ImageNet` classifier that came with a backbone, to compare it with timm's and to try weights.

use kaggle_kit::zoo::{Architecture, Layout};
use tch::Tensor;
use tch::nn::Path;

use super::Features;
use super::dense::{LayerNorm, Linear};

/// Mean over the picture, a norm in some families, then a linear map.
#[derive(Debug)]
pub struct Classifier {
    features: Features,
    norm: Option<LayerNorm>,
    linear: Option<Linear>,
}

impl Classifier {
    /// The classifier of `architecture` for `ImageNet`'s 1000 classes; `path` as for the backbone.
    pub fn new(path: &Path, architecture: &Architecture) -> Self {
        let width = architecture.width;
        let linear = |name: &str| Some(Linear::new(&(path / name), width, 1000));
        let (norm, linear) = match architecture.layout {
            Layout::Residual(_) => (None, linear("fc")),
            Layout::Inverted(_) => (None, linear("classifier")),
            Layout::ConvNext(_) => {
                let path = path / "head";
                let norm = LayerNorm::new(&(&path / "norm"), width);
                (Some(norm), Some(Linear::new(&(&path / "fc"), width, 1000)))
            }
            Layout::Vision(_) | Layout::Imported(_) => (None, None),
        };
        Self { features: Features::of(&architecture.layout), norm, linear }
    }

    /// Features to `[n, width]`: what timm calls the output before the logits.
    pub fn pooled(&self, features: &Tensor) -> Tensor {
        let pooled = match self.features {
            Features::Maps => features.mean_dim([2, 3].as_slice(), false, None),
            Features::Tokens => features.select(1, 0),
            Features::Pooled => features.shallow_clone(),
        };
        match &self.norm {
            Some(norm) => norm.forward(&pooled),
            None => pooled,
        }
    }

    /// Logits `[n, classes]`; of a backbone without a classifier, the pooled features.
    pub fn logits(&self, features: &Tensor) -> Tensor {
        let pooled = self.pooled(features);
        match &self.linear {
            Some(linear) => linear.forward(&pooled),
            None => pooled,
        }
    }
}
