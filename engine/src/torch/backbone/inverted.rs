//! Networks of inverted residuals, in timm's parameter names.

use kaggle_kit::zoo::{Architecture, Inverted, InvertedStage};
use tch::Tensor;
use tch::nn::{self, ModuleT, Path, SequentialT};

use super::drop_path::{DropPath, DropPaths};
use super::layers::{Activation, ConvNorm, Shape};

/// Channels of `conv_stem`, in both families and at every width.
const STEM: i64 = 32;

/// Both layer groups.
pub(super) fn build(
    path: &Path,
    architecture: &Architecture,
    net: &Inverted,
    paths: &mut DropPaths,
) -> [SequentialT; 2] {
    let width = architecture.width;
    let [mut first, mut second] = [nn::seq_t(), nn::seq_t()];
    let stem = shape(net, 3, 2, 1, Activation::Relu6);
    first = first.add(ConvNorm::new(&(path / "conv_stem"), &(path / "bn1"), (3, STEM), stem));
    let (mut channels, mut above) = (STEM, 0_u32);
    // The last is not all the way down, as in timm.
    let all = net.stages.iter().map(|stage| stage.repeats as f64).sum::<f64>();
    for (i, stage) in net.stages.iter().enumerate() {
        for j in 0..stage.repeats {
            let stride = if j == 0 { stage.stride } else { 1 };
            let place = path / "blocks" / i / j;
            let sides = (channels, stage.channels);
            let is_residual = stride == 1 && channels == stage.channels;
            let residual = is_residual.then(|| paths.add(f64::from(above) / all));
            above += 1;
            let block = Block::new(&place, net, *stage, sides, stride, residual);
            channels = stage.channels;
            if architecture.is_early(i, j) {
                first = first.add(block);
            } else {
                second = second.add(block);
            }
        }
    }
    let head = shape(net, 1, 1, 1, Activation::Relu6);
    second =
        second.add(ConvNorm::new(&(path / "conv_head"), &(path / "bn2"), (channels, width), head));
    [first, second]
}

fn shape(net: &Inverted, kernel: i64, stride: i64, groups: i64, activation: Activation) -> Shape {
    Shape { kernel, stride, groups, activation, padding: net.padding, eps: net.eps }
}

/// Widen, filter each channel alone, narrow without activation; plus the input where it fits.
#[derive(Debug)]
struct Block {
    layers: Vec<ConvNorm>,
    /// Whether the input is added, and when the rest is not.
    residual: Option<DropPath>,
}

impl Block {
    fn new(
        path: &Path,
        net: &Inverted,
        stage: InvertedStage,
        (input, output): (i64, i64),
        stride: i64,
        residual: Option<DropPath>,
    ) -> Self {
        let inner = input * stage.expand;
        let layer = |conv: &str, norm: &str, channels, shape| {
            ConvNorm::new(&(path / conv), &(path / norm), channels, shape)
        };
        let depthwise = shape(net, stage.kernel, stride, inner, Activation::Relu6);
        let narrow = shape(net, 1, 1, 1, Activation::Identity);
        let layers = if stage.expand == 1 {
            vec![
                layer("conv_dw", "bn1", (inner, inner), depthwise),
                layer("conv_pw", "bn2", (inner, output), narrow),
            ]
        } else {
            let widen = shape(net, 1, 1, 1, Activation::Relu6);
            vec![
                layer("conv_pw", "bn1", (input, inner), widen),
                layer("conv_dw", "bn2", (inner, inner), depthwise),
                layer("conv_pwl", "bn3", (inner, output), narrow),
            ]
        };
        Self { layers, residual }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for layer in &self.layers {
            y = layer.forward_t(&y, train);
        }
        match &self.residual {
            Some(path) => path.apply(y).g_add_(x),
            None => y,
        }
    }
}
