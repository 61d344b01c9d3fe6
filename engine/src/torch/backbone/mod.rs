//! Pretrained networks without their last layer, in timm's parameter names and equal to timm's in
//! what they compute (tests/it/parity.rs). `kaggle_kit::zoo` lists them; here is one file a family.

mod classifier;
mod convnext;
mod dense;
mod drop_path;
mod imported;
mod inverted;
mod layers;
mod residual;
mod vision;

use std::ops::Range;

use anyhow::Result;
use kaggle_kit::zoo::{Architecture, Layout, N_GROUPS};
use tch::nn::{ModuleT, Path, SequentialT};
use tch::{Device, Kind, Tensor};

pub use self::classifier::Classifier;
use self::drop_path::DropPaths;
pub use self::drop_path::Dropping;
pub use self::vision::resampled;

/// A network from pictures to features.
#[derive(Debug)]
pub struct Backbone {
    groups: [SequentialT; N_GROUPS],
    features: Features,
    paths: DropPaths,
}

/// What the features of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Features {
    /// `[n, width, h, w]`.
    Maps,
    /// `[n, 1 + places, width]`, the class's token first.
    Tokens,
    /// `[n, width]`.
    Pooled,
}

impl Features {
    fn of(layout: &Layout) -> Self {
        match layout {
            Layout::Vision(_) => Self::Tokens,
            Layout::Imported(_) => Self::Pooled,
            _ => Self::Maps,
        }
    }
}

impl Backbone {
    /// Registers the variables under `path`, which should be the root for the names to be timm's.
    pub fn new(path: &Path, architecture: &Architecture) -> Result<Self> {
        Self::with_kind(path, architecture, path.device(), Kind::Float)
    }

    /// The same for pictures, and layers, of another kind of numbers. Weights are f32, and so is what
    /// `ConvNeXt` and transformers carry from block to block: each block adds a little to it, which half
    /// precision would round away. Variables are made where `path` is, and are for their owner to move;
    /// what else an imported network has goes to `device` at once.
    pub fn with_kind(
        path: &Path,
        architecture: &Architecture,
        device: Device,
        kind: Kind,
    ) -> Result<Self> {
        let mut paths = DropPaths::default();
        let groups = match &architecture.layout {
            Layout::Residual(net) => residual::build(path, architecture, net, &mut paths),
            Layout::Inverted(net) => inverted::build(path, architecture, net, &mut paths),
            Layout::ConvNext(net) => convnext::build(path, architecture, net, kind, &mut paths),
            Layout::Vision(net) => vision::build(path, architecture, net, kind, &mut paths),
            Layout::Imported(net) => imported::build(path, net, device, kind)?,
        };
        Ok(Self { groups, features: Features::of(&architecture.layout), paths })
    }

    /// Leaves residual branches out until what it gives is dropped: the last ones with a probability of
    /// `rate`, earlier ones less often. `images` are the numbers in their batch of those that come; what is
    /// left out follows from these and `key` alone.
    pub fn drop_paths(
        &self,
        rate: f64,
        key: (u64, u64),
        images: Range<usize>,
        device: Device,
    ) -> Dropping {
        self.paths.draw(rate, key, images, device)
    }

    /// One layer group. Group 0 takes normalised pictures `[n, 3, h, w]`, group 1 what group 0
    /// gives; `train` is the mode of batch normalisation: the batch's statistics, which also move
    /// the running ones, or the running ones as they are. Strides are free; on a CPU those of image
    /// bytes (channels last) are twice as fast as contiguous ones, and are kept from layer to layer.
    pub fn forward_group(&self, group: usize, x: &Tensor, train: bool) -> Tensor {
        self.groups[group].forward_t(x, train)
    }

    /// All layer groups in turn: `[n, width, h, w]`, with sides 32 times smaller than the pictures',
    /// or a transformer's tokens, or what an imported network pools by itself.
    pub fn features(&self, x: &Tensor, train: bool) -> Tensor {
        let mut x = x.shallow_clone();
        for group in 0..N_GROUPS {
            x = self.forward_group(group, &x, train);
        }
        x
    }

    /// Features to what a head takes, `[n, 2 * width]`, or `[n, width]` that are pooled already: the maxima over all places, then the means
    /// (golden rule, A4); of a transformer the class's token, then the mean of the others, as `DINOv2`
    /// is evaluated (arXiv:2304.07193).
    pub fn pool(&self, features: &Tensor) -> Tensor {
        let [first, second] = match self.features {
            Features::Maps => {
                let means = features.mean_dim([2, 3].as_slice(), false, Kind::Float);
                [features.amax([2, 3], false), means]
            }
            Features::Pooled => return features.to_kind(Kind::Float),
            Features::Tokens => [
                features.select(1, 0),
                features.slice(1, 1, None, 1).mean_dim([1].as_slice(), false, Kind::Float),
            ],
        };
        Tensor::cat(&[first.to_kind(Kind::Float), second], 1)
    }

    /// Features by place, `[n, width, h, w]`; none of a network that pools by itself.
    pub fn maps(&self, features: &Tensor) -> Option<Tensor> {
        Some(match self.features {
            Features::Pooled => return None,
            Features::Maps => features.shallow_clone(),
            Features::Tokens => {
                let places = features.slice(1, 1, None, 1).transpose(1, 2);
                let [n, width, count] = [0, 1, 2].map(|d| places.size()[d]);
                // Pictures are squares.
                let side = (count as f64).sqrt().round() as i64;
                places.reshape([n, width, side, side])
            }
        })
    }
}
