//! Pretrained networks without their last layer, in timm's parameter names and equal to timm's in
//! what they compute (tests/it/parity.rs).

mod efficientnet;
mod layers;
mod resnet;
mod table;

use tch::Tensor;
use tch::nn::{ModuleT, Path, SequentialT};

pub use self::efficientnet::{Inverted, Stage};
pub use self::layers::{Classifier, Padding, pooled};
pub use self::resnet::{BlockKind, Residual};
pub use self::table::{ARCHITECTURES, Architecture, Interpolation, Layout, find};

/// Layer groups of a backbone, which the golden rule trains at different rates; the head is one more.
pub const N_GROUPS: usize = 2;

/// A network from pictures to features.
#[derive(Debug)]
pub struct Backbone {
    groups: [SequentialT; N_GROUPS],
}

impl Backbone {
    /// Registers the variables under `path`, which should be the root for the names to be timm's.
    pub fn new(path: &Path, architecture: &Architecture) -> Self {
        let groups = match &architecture.layout {
            Layout::Residual(net) => resnet::build(path, net),
            Layout::Inverted(net) => efficientnet::build(path, net, architecture.width),
        };
        Self { groups }
    }

    /// One layer group. Group 0 takes normalised pictures `[n, 3, h, w]`, group 1 what group 0
    /// gives; `train` is the mode of batch normalisation: the batch's statistics, which also move
    /// the running ones, or the running ones as they are. Strides are free; on a CPU those of image
    /// bytes (channels last) are twice as fast as contiguous ones, and are kept from layer to layer.
    pub fn forward_group(&self, group: usize, x: &Tensor, train: bool) -> Tensor {
        self.groups[group].forward_t(x, train)
    }

    /// All layer groups in turn: `[n, width, h, w]`, with sides 32 times smaller than the pictures'.
    pub fn features(&self, x: &Tensor, train: bool) -> Tensor {
        let mut x = x.shallow_clone();
        for group in 0..N_GROUPS {
            x = self.forward_group(group, &x, train);
        }
        x
    }
}

impl Classifier {
    /// The classifier of `architecture` for `ImageNet`'s 1000 classes; `path` as for the backbone.
    pub fn new(path: &Path, architecture: &Architecture) -> Self {
        Self::registered(&(path / architecture.classifier()), architecture.width, 1000)
    }
}
