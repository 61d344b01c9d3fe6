//! Convolution, batch normalisation and activation as one layer, the only one that convolutional
//! networks before `ConvNeXt` need.

use std::sync::{Mutex, PoisonError};

use kaggle_kit::zoo::Padding;
use tch::nn::{Init, ModuleT, Path};
use tch::{Device, Kind, Tensor};

use crate::torch::{changes, libtorch};

/// What the numbers of a [`ConvNorm`] are, besides its channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) groups: i64,
    pub(super) padding: Padding,
    pub(super) activation: Activation,
    /// Added to the variance in batch normalisation.
    pub(super) eps: f64,
}

/// What follows batch normalisation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Activation {
    Identity,
    Relu,
    Relu6,
}

impl Activation {
    /// In place: neither convolution nor normalisation needs its output for the way back.
    pub(super) fn apply(self, mut x: Tensor) -> Tensor {
        match self {
            Self::Identity => x,
            Self::Relu => x.relu_(),
            Self::Relu6 => x.relu6_(),
        }
    }
}

/// Convolution without bias, batch normalisation, activation.
///
/// In eval mode the normalisation is a fixed scale and shift per channel, so it goes into the
/// convolution's weight and bias: the weight is small, the saved pass over the activations is not. While
/// nothing changes they are kept.
///
/// Weights are f32; a convolution computes with the kind of numbers that comes in.
#[derive(Debug)]
pub(super) struct ConvNorm {
    weight: Tensor,
    norm: Norm,
    shape: Shape,
    /// The normalisation in the convolution, while neither changes.
    folded: Mutex<Option<Folded>>,
}

/// A convolution's weight and bias with the normalisation in them.
#[derive(Debug)]
struct Folded {
    /// At which change of the weights they were made of them.
    at: u64,
    weight: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

/// timm keeps `PyTorch`'s momentum for its TensorFlow nets too (only `bn_eps` is changed there).
const MOMENTUM: f64 = 0.1;

impl ConvNorm {
    /// Registers `<conv>.weight` and `<norm>.{weight,bias,running_mean,running_var}`.
    pub(super) fn new(conv: &Path, norm: &Path, (input, output): (i64, i64), shape: Shape) -> Self {
        let Shape { kernel, groups, .. } = shape;
        // He initialisation by fan-out, as timm does where no weights are loaded.
        let fan_out = (kernel * kernel * output / groups) as f64;
        let init = Init::Randn { mean: 0.0, stdev: (2.0 / fan_out).sqrt() };
        Self {
            weight: conv.var("weight", &[output, input / groups, kernel, kernel], init),
            norm: Norm {
                weight: norm.ones("weight", &[output]),
                bias: norm.zeros("bias", &[output]),
                running_mean: norm.zeros_no_train("running_mean", &[output]),
                running_var: norm.ones_no_train("running_var", &[output]),
            },
            shape,
            folded: Mutex::default(),
        }
    }

    /// Weight and bias with the normalisation in them, for numbers of `kind`. Made once where nothing can
    /// be differentiated; where it can, they are a part of what is.
    fn folded(&self, kind: Kind) -> [Tensor; 2] {
        let mut kept = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        let is_constant = !libtorch::gradients_are_on();
        if !is_constant {
            *kept = None;
            return self.fold(kind);
        }
        let at = changes::so_far();
        if let Some(folded) = kept.as_ref().filter(|f| f.at == at && f.weight.kind() == kind) {
            return [folded.weight.shallow_clone(), folded.bias.shallow_clone()];
        }
        let [weight, bias] = self.fold(kind);
        *kept = Some(Folded { at, weight: weight.shallow_clone(), bias: bias.shallow_clone() });
        [weight, bias]
    }

    fn fold(&self, kind: Kind) -> [Tensor; 2] {
        let Self { weight, norm, shape, .. } = self;
        let scale = &norm.weight / (&norm.running_var + shape.eps).sqrt();
        let bias = &norm.bias - &norm.running_mean * &scale;
        let weight = weight * scale.view([-1, 1, 1, 1]);
        [weight.to_kind(kind), bias.to_kind(kind)]
    }

    /// The convolution, then the normalisation: by the batch's statistics, which also move the running
    /// ones, or by those.
    fn normalised(&self, x: &Tensor, by_batch: bool) -> Tensor {
        let Self { weight, norm, shape, .. } = self;
        self.convolve(x, &weight.to_kind(x.kind()), None).batch_norm(
            Some(&norm.weight),
            Some(&norm.bias),
            Some(&norm.running_mean),
            Some(&norm.running_var),
            by_batch,
            MOMENTUM,
            shape.eps,
            true,
        )
    }

    fn convolve(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let Shape { kernel, stride, groups, padding, .. } = self.shape;
        let convolve = |x: &Tensor, weight: &Tensor, sides: [i64; 2]| {
            x.conv2d(weight, bias, [stride, stride], sides, [1, 1], groups)
        };
        match padding {
            Padding::Symmetric => convolve(x, weight, [kernel / 2; 2]),
            Padding::Same => {
                let size = x.size();
                let totals = [2, 3].map(|d| same_padding(size[d], kernel, stride));
                let sides = totals.map(|total| total - total / 2);
                match totals.map(|total| total % 2) {
                    [0, 0] => convolve(x, weight, sides),
                    // One zero more goes right and below. Without a way back the kernel gets a row of
                    // zeros above and a column left of it instead: a padded copy of the picture costs
                    // more, but gradients of a larger kernel cost most. A GPU has kernels for 3 and 5
                    // places a side and none for 4 and 6.
                    [above, left] if !weight.requires_grad() && x.device() == Device::Cpu => {
                        convolve(x, &weight.constant_pad_nd([left, 0, above, 0]), sides)
                    }
                    _ => {
                        let [vertical, horizontal] =
                            totals.map(|total| [total / 2, total - total / 2]);
                        let padded = x.constant_pad_nd([horizontal, vertical].concat());
                        convolve(&padded, weight, [0, 0])
                    }
                }
            }
        }
    }
}

/// What a convolution of `groups` computes with where `x` comes in: f32 instead of half precision where it
/// is depthwise, on a CPU, and has a way back. oneDNN's has no good one then: for 8 pictures on a core with
/// AMX, weights of 5x5 took 77 ms for 21 in f32, the input of a stride of 2 took 87 ms for 20.
pub(super) fn computed_with(x: &Tensor, groups: i64) -> Kind {
    let is_slow = groups > 1
        && groups == x.size()[1]
        && x.device() == Device::Cpu
        && libtorch::gradients_are_on();
    if is_slow { Kind::Float } else { x.kind() }
}

impl ModuleT for ConvNorm {
    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let (kind, groups) = (x.kind(), self.shape.groups);
        let x = &x.to_kind(computed_with(x, groups));
        let y = if train {
            changes::changed();
            self.normalised(x, true)
        } else if matches!(x.device(), Device::Cuda(_)) && libtorch::gradients_are_on() {
            // Folding is a dozen operations on small tensors with their way back, and a GPU gains
            // nothing by it: it adds the bias in a pass of its own.
            self.normalised(x, false)
        } else {
            let [weight, bias] = self.folded(x.kind());
            self.convolve(x, &weight, Some(&bias))
        };
        self.shape.activation.apply(y.to_kind(kind))
    }
}

/// Zeros along one side in all, for an output of `ceil(size / stride)`.
fn same_padding(size: i64, kernel: i64, stride: i64) -> i64 {
    ((size - 1) / stride * stride + kernel - size).max(0)
}

#[cfg(test)]
mod tests {
    use tch::{nn, no_grad};

    use super::*;

    #[test]
    fn folded_or_not_it_is_the_same_and_what_is_kept_is_never_of_old_weights() {
        let store = nn::VarStore::new(Device::Cpu);
        let shape = Shape {
            kernel: 3,
            stride: 2,
            groups: 1,
            padding: Padding::Same,
            activation: Activation::Relu6,
            eps: 1e-3,
        };
        let root = store.root();
        let layer = ConvNorm::new(&(&root / "conv"), &(&root / "norm"), (3, 8), shape);
        let x = Tensor::randn([2, 3, 9, 8], (Kind::Float, Device::Cpu));
        for (round, mut variable) in store.trainable_variables().into_iter().enumerate() {
            no_grad(|| variable.copy_(&(variable.rand_like() * (round + 1) as f64)));
            changes::changed();
            let alone = layer.shape.activation.apply(layer.normalised(&x, false));
            let close = |y: &Tensor| (y - &alone).abs().max().double_value(&[]) < 1e-4;
            assert!(close(&layer.forward_t(&x, false)), "with gradients");
            for _ in 0..2 {
                assert!(close(&no_grad(|| layer.forward_t(&x, false))), "kept");
            }
            assert!(layer.folded.lock().unwrap().is_some());
        }
    }

    #[test]
    fn same_padding_is_tensorflows() {
        let cases = [(224, 3, 2, 1), (225, 3, 2, 2), (112, 5, 2, 3), (7, 5, 1, 4), (1, 1, 2, 0)];
        for (size, kernel, stride, expected) in cases {
            assert_eq!(same_padding(size, kernel, stride), expected, "{size} {kernel} {stride}");
        }
    }
}
