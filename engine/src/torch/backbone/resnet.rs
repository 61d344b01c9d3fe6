//! Residual networks (arXiv:1512.03385), with the stride of a bottleneck in its 3x3 convolution, in
//! timm's parameter names.

use tch::Tensor;
use tch::nn::{self, ModuleT, Path, SequentialT};

use super::layers::{Activation, ConvNorm, Padding, Shape};

/// Depths of `layer1` to `layer4`, and what each is made of.
#[derive(Debug, Clone, Copy)]
pub struct Residual {
    /// Kind of block.
    pub block: BlockKind,
    /// Blocks in each of the four layers.
    pub depths: [usize; 4],
}

/// The two blocks of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// 3x3, 3x3.
    Basic,
    /// 1x1, 3x3, 1x1 that widens four times.
    Bottleneck,
}

impl BlockKind {
    fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// Both layer groups: stem, `layer1` and `layer2`; `layer3` and `layer4`.
pub(super) fn build(path: &Path, net: &Residual) -> [SequentialT; 2] {
    let stem = shape(7, 2, Activation::Relu);
    let mut groups = [
        nn::seq_t()
            .add(ConvNorm::new(&(path / "conv1"), &(path / "bn1"), (3, 64), stem))
            .add_fn(|x| x.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)),
        nn::seq_t(),
    ];
    let mut input = 64;
    for (i, depth) in net.depths.into_iter().enumerate() {
        let inner = 64 << i;
        let mut layer = nn::seq_t();
        for j in 0..depth {
            let stride = if i > 0 && j == 0 { 2 } else { 1 };
            let place = path / format!("layer{}", i + 1) / j;
            layer = layer.add(Block::new(&place, net.block, (input, inner), stride));
            input = inner * net.block.expansion();
        }
        let [first, second] = groups;
        groups = if i < 2 { [first.add(layer), second] } else { [first, second.add(layer)] };
    }
    groups
}

/// The layer group of a parameter; none for one that is not the backbone's.
pub(super) fn group_of(name: &str) -> Option<usize> {
    match name.split('.').next()? {
        "conv1" | "bn1" | "layer1" | "layer2" => Some(0),
        "layer3" | "layer4" => Some(1),
        _ => None,
    }
}

fn shape(kernel: i64, stride: i64, activation: Activation) -> Shape {
    Shape { kernel, stride, groups: 1, padding: Padding::Symmetric, activation, eps: 1e-5 }
}

#[derive(Debug)]
struct Block {
    layers: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
}

impl Block {
    fn new(path: &Path, kind: BlockKind, (input, inner): (i64, i64), stride: i64) -> Self {
        let output = inner * kind.expansion();
        let layer = |i: usize, channels, kernel, stride, activation| {
            let [conv, norm] = ["conv", "bn"].map(|word| path / format!("{word}{i}"));
            ConvNorm::new(&conv, &norm, channels, shape(kernel, stride, activation))
        };
        let layers = match kind {
            BlockKind::Basic => vec![
                layer(1, (input, inner), 3, stride, Activation::Relu),
                layer(2, (inner, output), 3, 1, Activation::Identity),
            ],
            BlockKind::Bottleneck => vec![
                layer(1, (input, inner), 1, 1, Activation::Relu),
                layer(2, (inner, inner), 3, stride, Activation::Relu),
                layer(3, (inner, output), 1, 1, Activation::Identity),
            ],
        };
        let downsample = (stride != 1 || input != output).then(|| {
            let [conv, norm] = [0, 1].map(|i| path / "downsample" / i);
            let shape = shape(1, stride, Activation::Identity);
            ConvNorm::new(&conv, &norm, (input, output), shape)
        });
        Self { layers, downsample }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for layer in &self.layers {
            y = layer.forward_t(&y, train);
        }
        let sum = match &self.downsample {
            Some(downsample) => y.g_add_(&downsample.forward_t(x, train)),
            None => y.g_add_(x),
        };
        Activation::Relu.apply(sum)
    }
}
