//! `ConvNeXt`, in timm's parameter names.

use kaggle_kit::zoo::{Architecture, ConvNext};
use tch::nn::{self, Init, ModuleT, Path, SequentialT};
use tch::{Kind, Tensor};

use super::dense::{LayerNorm, Mlp, Patches, channels_first, channels_last};
use super::drop_path::{DropPath, DropPaths};
use super::layers::computed_with;

/// Both layer groups, whose layers compute with numbers of `kind`.
pub(super) fn build(
    path: &Path,
    architecture: &Architecture,
    net: &ConvNext,
    kind: Kind,
    paths: &mut DropPaths,
) -> [SequentialT; 2] {
    let stem = path / "stem";
    let patches = Patches::new(&(&stem / 0), 3, net.widths[0], 4);
    let norm = LayerNorm::new(&(&stem / 1), net.widths[0]);
    let stem = nn::seq_t().add_fn(move |x| norm.forward_maps(&patches.forward(x)));
    let mut groups = [stem, nn::seq_t()];
    let (mut input, mut above) = (net.widths[0], 0_u32);
    let last = net.depths.iter().sum::<usize>().saturating_sub(1).max(1) as f64;
    for (i, (depth, width)) in net.depths.into_iter().zip(net.widths).enumerate() {
        let place = path / "stages" / i;
        for j in 0..depth {
            let downsample = (i > 0 && j == 0).then(|| {
                let place = &place / "downsample";
                let norm = LayerNorm::new(&(&place / 0), input);
                (norm, Patches::new(&(&place / 1), input, width, 2))
            });
            let path = paths.add(f64::from(above) / last);
            above += 1;
            let block = Block::new(&(&place / "blocks" / j), width, downsample, kind, path);
            let [first, second] = groups;
            groups = if architecture.is_early(i, j) {
                [first.add(block), second]
            } else {
                [first, second.add(block)]
            };
        }
        input = width;
    }
    groups
}

/// A depthwise convolution, then a linear map of each place; plus the input.
#[derive(Debug)]
struct Block {
    /// Of a stage's first block: what halves its pictures.
    downsample: Option<(LayerNorm, Patches)>,
    weight: Tensor,
    bias: Tensor,
    norm: LayerNorm,
    mlp: Mlp,
    gamma: Tensor,
    width: i64,
    kind: Kind,
    path: DropPath,
}

impl Block {
    fn new(
        place: &Path,
        width: i64,
        downsample: Option<(LayerNorm, Patches)>,
        kind: Kind,
        path: DropPath,
    ) -> Self {
        let depthwise = place / "conv_dw";
        let init = Init::Randn { mean: 0.0, stdev: 0.02 };
        Self {
            downsample,
            weight: depthwise.var("weight", &[width, 1, 7, 7], init),
            bias: depthwise.zeros("bias", &[width]),
            norm: LayerNorm::new(&(place / "norm"), width),
            mlp: Mlp::new(&(place / "mlp"), width),
            gamma: place.var("gamma", &[width], Init::Const(1e-6)),
            width,
            kind,
            path,
        }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, _: bool) -> Tensor {
        let smaller = self
            .downsample
            .as_ref()
            .map(|(norm, patches)| patches.forward(&norm.forward_maps(x).to_kind(self.kind)));
        let x = smaller.as_ref().unwrap_or(x);
        let (y, groups) = (x.to_kind(self.kind), self.width);
        let y = y.to_kind(computed_with(&y, groups));
        let [weight, bias] = [&self.weight, &self.bias].map(|tensor| tensor.to_kind(y.kind()));
        let y = y.conv2d(&weight, Some(bias), 1, 3, 1, groups).to_kind(self.kind);
        // f32 from here on, since gamma is.
        let y = self.mlp.forward(&self.norm.forward(&channels_last(&y))) * &self.gamma;
        self.path.apply(channels_first(&y)) + x
    }
}
