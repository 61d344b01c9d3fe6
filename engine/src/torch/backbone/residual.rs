//! Residual networks, plain and with groups, with the stride of a bottleneck in its 3x3 convolution,
//! in timm's parameter names.

use kaggle_kit::zoo::{Architecture, BlockKind, Padding, Residual};
use tch::Tensor;
use tch::nn::{self, ModuleT, Path, SequentialT};

use super::drop_path::{DropPath, DropPaths};
use super::layers::{Activation, ConvNorm, Shape};

/// Both layer groups.
pub(super) fn build(
    path: &Path,
    architecture: &Architecture,
    net: &Residual,
    paths: &mut DropPaths,
) -> [SequentialT; 2] {
    let stem = shape(7, 2, 1, Activation::Relu);
    let mut groups = [
        nn::seq_t()
            .add(ConvNorm::new(&(path / "conv1"), &(path / "bn1"), (3, 64), stem))
            .add_fn(|x| x.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)),
        nn::seq_t(),
    ];
    let (mut input, mut above) = (64, 0_u32);
    let last = net.depths.iter().sum::<usize>().saturating_sub(1).max(1) as f64;
    for (i, depth) in net.depths.into_iter().enumerate() {
        let output = (64 << i) * net.block.expansion();
        let inner = (net.groups * net.group_width) << i;
        for j in 0..depth {
            let stride = if i > 0 && j == 0 { 2 } else { 1 };
            let place = path / format!("layer{}", i + 1) / j;
            let path = paths.add(f64::from(above) / last);
            above += 1;
            let block = Block::new(&place, net, [input, inner, output], stride, path);
            let [first, second] = groups;
            groups = if architecture.is_early(i + 1, j) {
                [first.add(block), second]
            } else {
                [first, second.add(block)]
            };
            input = output;
        }
    }
    groups
}

fn shape(kernel: i64, stride: i64, groups: i64, activation: Activation) -> Shape {
    Shape { kernel, stride, groups, padding: Padding::Symmetric, activation, eps: 1e-5 }
}

#[derive(Debug)]
struct Block {
    layers: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
    path: DropPath,
}

impl Block {
    fn new(
        place: &Path,
        net: &Residual,
        [input, inner, output]: [i64; 3],
        stride: i64,
        path: DropPath,
    ) -> Self {
        let layer = |i: usize, channels, shape| {
            let [conv, norm] = ["conv", "bn"].map(|word| place / format!("{word}{i}"));
            ConvNorm::new(&conv, &norm, channels, shape)
        };
        let layers = match net.block {
            BlockKind::Basic => vec![
                layer(1, (input, inner), shape(3, stride, 1, Activation::Relu)),
                layer(2, (inner, output), shape(3, 1, 1, Activation::Identity)),
            ],
            BlockKind::Bottleneck => vec![
                layer(1, (input, inner), shape(1, 1, 1, Activation::Relu)),
                layer(2, (inner, inner), shape(3, stride, net.groups, Activation::Relu)),
                layer(3, (inner, output), shape(1, 1, 1, Activation::Identity)),
            ],
        };
        let downsample = (stride != 1 || input != output).then(|| {
            let [conv, norm] = [0, 1].map(|i| place / "downsample" / i);
            let shape = shape(1, stride, 1, Activation::Identity);
            ConvNorm::new(&conv, &norm, (input, output), shape)
        });
        Self { layers, downsample, path }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for layer in &self.layers {
            y = layer.forward_t(&y, train);
        }
        let mut y = self.path.apply(y);
        let sum = match &self.downsample {
            Some(downsample) => y.g_add_(&downsample.forward_t(x, train)),
            None => y.g_add_(x),
        };
        Activation::Relu.apply(sum)
    }
}
