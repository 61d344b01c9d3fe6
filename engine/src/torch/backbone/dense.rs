//! Linear maps and norms over channels, which transformers and `ConvNeXt` are made of. Weights are
//! f32; they compute with the kind of numbers that comes in.

use tch::Tensor;
use tch::nn::{Init, Path};

/// `[..., input]` to `[..., output]`.
#[derive(Debug)]
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Registers `weight` and `bias`, drawn as timm does: a normal distribution of deviation 0.02.
    pub(super) fn new(path: &Path, input: i64, output: i64) -> Self {
        let init = Init::Randn { mean: 0.0, stdev: 0.02 };
        Self {
            weight: path.var("weight", &[output, input], init),
            bias: path.zeros("bias", &[output]),
        }
    }

    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight.to_kind(x.kind()), Some(self.bias.to_kind(x.kind())))
    }
}

/// Linear, GELU, linear.
#[derive(Debug)]
pub(super) struct Mlp {
    widen: Linear,
    narrow: Linear,
}

impl Mlp {
    /// Registers `fc1` and `fc2`, four times as wide between them.
    pub(super) fn new(path: &Path, width: i64) -> Self {
        Self {
            widen: Linear::new(&(path / "fc1"), width, 4 * width),
            narrow: Linear::new(&(path / "fc2"), 4 * width, width),
        }
    }

    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        self.narrow.forward(&self.widen.forward(x).gelu("none"))
    }
}

/// Layer normalisation over the last dimension, the channels.
#[derive(Debug)]
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    width: i64,
}

impl LayerNorm {
    /// Registers `weight` and `bias`.
    pub(super) fn new(path: &Path, width: i64) -> Self {
        Self { weight: path.ones("weight", &[width]), bias: path.zeros("bias", &[width]), width }
    }

    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        let [weight, bias] = [&self.weight, &self.bias].map(|tensor| tensor.to_kind(x.kind()));
        x.layer_norm([self.width], Some(weight), Some(bias), 1e-6, true)
    }

    /// The same over dimension 1 of `[n, channels, h, w]`.
    pub(super) fn forward_maps(&self, x: &Tensor) -> Tensor {
        channels_first(&self.forward(&channels_last(x)))
    }
}

/// A convolution that leaves no place out and sees none twice: patches of `kernel` pixels a side, each
/// mapped linearly.
#[derive(Debug)]
pub(super) struct Patches {
    weight: Tensor,
    bias: Tensor,
    kernel: i64,
}

impl Patches {
    /// Registers `weight` and `bias`.
    pub(super) fn new(path: &Path, input: i64, output: i64, kernel: i64) -> Self {
        let init = Init::Randn { mean: 0.0, stdev: 0.02 };
        let weight = path.var("weight", &[output, input, kernel, kernel], init);
        Self { weight, bias: path.zeros("bias", &[output]), kernel }
    }

    /// `[n, input, h, w]` to `[n, output, h / kernel, w / kernel]`.
    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        let [weight, bias] = [&self.weight, &self.bias].map(|tensor| tensor.to_kind(x.kind()));
        x.conv2d(&weight, Some(bias), self.kernel, 0, 1, 1)
    }
}

/// `[n, channels, h, w]` to `[n, h, w, channels]`.
pub(super) fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1])
}

/// `[n, h, w, channels]` to `[n, channels, h, w]`.
pub(super) fn channels_first(x: &Tensor) -> Tensor {
    x.permute([0, 3, 1, 2])
}
