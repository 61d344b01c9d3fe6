//! Networks of inverted residuals: `EfficientNet`-Lite (arXiv:1905.11946, without squeeze-excite and
//! with `ReLU6`) and `MobileNetV2` (arXiv:1801.04381), in timm's parameter names.

use tch::Tensor;
use tch::nn::{self, ModuleT, Path, SequentialT};

use super::layers::{Activation, ConvNorm, Padding, Shape};

/// One row of the paper's table: `repeats` blocks, the first of which strides.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Blocks.
    pub repeats: usize,
    /// Side of the depthwise kernel.
    pub kernel: i64,
    /// Stride of the first block.
    pub stride: i64,
    /// How many times wider a block is inside; 1 is a depthwise-separable block.
    pub expand: i64,
    /// Channels that leave the stage.
    pub channels: i64,
}

/// The whole table, and the two habits in which the frameworks differ.
#[derive(Debug, Clone, Copy)]
pub struct Inverted {
    /// `blocks.0`, `blocks.1`, ...
    pub stages: &'static [Stage],
    /// Edge of every convolution.
    pub padding: Padding,
    /// Of batch normalisation.
    pub eps: f64,
}

/// Channels of `conv_stem`, in both families and at every width.
const STEM: i64 = 32;
/// Stages in the first layer group: down to stride 16, half of the blocks.
const FIRST_GROUP: usize = 4;

/// Both layer groups, the features of width `width` after the second.
pub(super) fn build(path: &Path, net: &Inverted, width: i64) -> [SequentialT; 2] {
    let [mut first, mut second] = [nn::seq_t(), nn::seq_t()];
    let stem = net.shape(3, 2, 1, Activation::Relu6);
    first = first.add(ConvNorm::new(&(path / "conv_stem"), &(path / "bn1"), (3, STEM), stem));
    let mut channels = STEM;
    for (i, stage) in net.stages.iter().enumerate() {
        for j in 0..stage.repeats {
            let stride = if j == 0 { stage.stride } else { 1 };
            let place = path / "blocks" / i / j;
            let block = Block::new(&place, net, *stage, (channels, stage.channels), stride);
            channels = stage.channels;
            if i < FIRST_GROUP {
                first = first.add(block);
            } else {
                second = second.add(block);
            }
        }
    }
    let head = net.shape(1, 1, 1, Activation::Relu6);
    second =
        second.add(ConvNorm::new(&(path / "conv_head"), &(path / "bn2"), (channels, width), head));
    [first, second]
}

/// The layer group of a parameter; none for one that is not the backbone's.
pub(super) fn group_of(name: &str) -> Option<usize> {
    let mut parts = name.split('.');
    match parts.next()? {
        "conv_stem" | "bn1" => Some(0),
        "blocks" => Some(usize::from(parts.next()?.parse::<usize>().ok()? >= FIRST_GROUP)),
        "conv_head" | "bn2" => Some(1),
        _ => None,
    }
}

impl Inverted {
    fn shape(&self, kernel: i64, stride: i64, groups: i64, activation: Activation) -> Shape {
        Shape { kernel, stride, groups, activation, padding: self.padding, eps: self.eps }
    }
}

/// Widen, filter each channel alone, narrow without activation; plus the input where it fits.
#[derive(Debug)]
struct Block {
    layers: Vec<ConvNorm>,
    residual: bool,
}

impl Block {
    fn new(
        path: &Path,
        net: &Inverted,
        stage: Stage,
        (input, output): (i64, i64),
        stride: i64,
    ) -> Self {
        let inner = input * stage.expand;
        let layer = |conv: &str, norm: &str, channels, shape| {
            ConvNorm::new(&(path / conv), &(path / norm), channels, shape)
        };
        let depthwise = net.shape(stage.kernel, stride, inner, Activation::Relu6);
        let narrow = net.shape(1, 1, 1, Activation::Identity);
        let layers = if stage.expand == 1 {
            vec![
                layer("conv_dw", "bn1", (inner, inner), depthwise),
                layer("conv_pw", "bn2", (inner, output), narrow),
            ]
        } else {
            let widen = net.shape(1, 1, 1, Activation::Relu6);
            vec![
                layer("conv_pw", "bn1", (input, inner), widen),
                layer("conv_dw", "bn2", (inner, inner), depthwise),
                layer("conv_pwl", "bn3", (inner, output), narrow),
            ]
        };
        Self { layers, residual: stride == 1 && input == output }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for layer in &self.layers {
            y = layer.forward_t(&y, train);
        }
        if self.residual { y.g_add_(x) } else { y }
    }
}
