//! The architectures, as data: what to build, how its pictures are prepared, where its weights are.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use kaggle_kit::schedule::layer_decay;

use super::efficientnet::{self, Inverted, Stage};
use super::layers::Padding;
use super::resnet::{self, BlockKind, Residual};

/// A backbone under timm's name, with the training that its weights had.
#[derive(Debug)]
pub struct Architecture {
    /// timm's name, which recipes use.
    pub name: &'static str,
    /// timm's name of the training that made the weights.
    pub tag: &'static str,
    /// Channels of the features.
    pub width: i64,
    /// Mean of each colour in the pictures it is used to, of values in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation likewise.
    pub std: [f32; 3],
    /// Filter with which its pictures were resized.
    pub interpolation: Interpolation,
    /// Side of the pictures in its training.
    pub native_size: usize,
    /// Share of the side that the centre crop keeps in its evaluation.
    pub crop_pct: f64,
    /// The pictures its weights have seen: a competition on these is not a test.
    pub seen: &'static str,
    /// What the first convolution to the last look like.
    pub layout: Layout,
}

/// A filter for resizing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Cubic.
    Bicubic,
    /// Linear.
    Bilinear,
}

/// A family, with the numbers of one member.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// ResNet-18 to ResNet-50.
    Residual(Residual),
    /// EfficientNet-Lite and `MobileNetV2`.
    Inverted(Inverted),
}

impl Architecture {
    /// The layer group of a variable: 0 the early layers, 1 the later, and 2 (the head's) for
    /// whatever is not the backbone's.
    pub fn group_of(&self, name: &str) -> usize {
        let group = match self.layout {
            Layout::Residual(_) => resnet::group_of(name),
            Layout::Inverted(_) => efficientnet::group_of(name),
        };
        group.unwrap_or(super::N_GROUPS)
    }

    /// The part of the rate that a variable learns at when each layer learns `decay` times as fast as
    /// the one after it: `decay` to the power of how many layers of the backbone come after its own.
    /// Layers are the stem, each block, and what comes behind the blocks, as in timm.
    pub fn rate_shares(&self, names: &[String], decay: f64) -> Vec<f64> {
        let blocks = names.iter().filter_map(|name| block_of(name));
        let blocks: BTreeSet<(usize, usize)> = blocks.collect();
        let place = |name: &String| match block_of(name) {
            Some(block) => 1 + blocks.range(..block).count(),
            None if is_stem(name) => 0,
            None => 1 + blocks.len(),
        };
        let places: Vec<usize> = names.iter().map(place).collect();
        let last =
            names.iter().zip(&places).filter(|(name, _)| self.group_of(name) < super::N_GROUPS);
        let n_layers = 1 + last.map(|(_, &place)| place).max().unwrap_or_default();
        let shares = layer_decay(decay, n_layers);
        places.iter().map(|&place| shares.get(place).copied().unwrap_or(1.0)).collect()
    }

    /// Name of the layer that made `ImageNet`'s classes of the pooled features.
    pub fn classifier(&self) -> &'static str {
        match self.layout {
            Layout::Residual(_) => "fc",
            Layout::Inverted(_) => "classifier",
        }
    }
}

/// `blocks.3.1.` and `layer3.1.`.
fn block_of(name: &str) -> Option<(usize, usize)> {
    let rest = name.strip_prefix("blocks.").or_else(|| name.strip_prefix("layer"))?;
    let mut parts = rest.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn is_stem(name: &str) -> bool {
    ["conv_stem.", "conv1.", "bn1."].iter().any(|stem| name.starts_with(stem))
}

/// Finds an architecture by timm's name.
pub fn find(name: &str) -> Result<&'static Architecture> {
    if let Some(found) = ARCHITECTURES.iter().find(|a| a.name == name) {
        return Ok(found);
    }
    let likeness = |a: &Architecture| strsim::normalized_damerau_levenshtein(name, a.name);
    let near = ARCHITECTURES.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let guess = near
        .filter(|a| likeness(a) > 0.5)
        .map(|a| format!("did you mean `{}`? ", a.name))
        .unwrap_or_default();
    let known: Vec<String> = ARCHITECTURES.iter().map(|a| format!("`{}`", a.name)).collect();
    bail!("unknown architecture `{name}`\nhint: {guess}known are {}", known.join(", "))
}

const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
const IMAGENET: &str = "ImageNet-1k's 1.28 million training photographs (Stanford Dogs is a part)";

/// Every architecture there is, the default first.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "tf_efficientnet_lite0",
        tag: "in1k",
        width: 1280,
        mean: [0.5; 3],
        std: [0.5; 3],
        interpolation: Interpolation::Bicubic,
        native_size: 224,
        crop_pct: 0.875,
        seen: IMAGENET,
        layout: Layout::Inverted(Inverted {
            stages: &[
                stage(1, 3, 1, 1, 16),
                stage(2, 3, 2, 6, 24),
                stage(2, 5, 2, 6, 40),
                stage(3, 3, 2, 6, 80),
                stage(3, 5, 1, 6, 112),
                stage(4, 5, 2, 6, 192),
                stage(1, 3, 1, 6, 320),
            ],
            padding: Padding::Same,
            eps: 1e-3,
        }),
    },
    Architecture {
        name: "mobilenetv2_100",
        tag: "ra_in1k",
        width: 1280,
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        interpolation: Interpolation::Bicubic,
        native_size: 224,
        crop_pct: 0.875,
        seen: IMAGENET,
        layout: Layout::Inverted(Inverted {
            stages: &[
                stage(1, 3, 1, 1, 16),
                stage(2, 3, 2, 6, 24),
                stage(3, 3, 2, 6, 32),
                stage(4, 3, 2, 6, 64),
                stage(3, 3, 1, 6, 96),
                stage(3, 3, 2, 6, 160),
                stage(1, 3, 1, 6, 320),
            ],
            padding: Padding::Symmetric,
            eps: 1e-5,
        }),
    },
    resnet("resnet18", 512, BlockKind::Basic, [2, 2, 2, 2]),
    resnet("resnet34", 512, BlockKind::Basic, [3, 4, 6, 3]),
    resnet("resnet50", 2048, BlockKind::Bottleneck, [3, 4, 6, 3]),
];

const fn stage(repeats: usize, kernel: i64, stride: i64, expand: i64, channels: i64) -> Stage {
    Stage { repeats, kernel, stride, expand, channels }
}

const fn resnet(
    name: &'static str,
    width: i64,
    block: BlockKind,
    depths: [usize; 4],
) -> Architecture {
    Architecture {
        name,
        tag: "a1_in1k",
        width,
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        interpolation: Interpolation::Bicubic,
        native_size: 224,
        crop_pct: 0.95,
        seen: IMAGENET,
        layout: Layout::Residual(Residual { block, depths }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_further_from_the_head_learn_slower() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let lite0 = find("tf_efficientnet_lite0").unwrap();
        let of_lite0 = names(&[
            "conv_stem.weight",
            "blocks.0.0.conv_dw.weight",
            "blocks.0.10.bn1.bias",
            "blocks.1.0.conv_pw.weight",
            "conv_head.weight",
            "bn2.bias",
            "head.output.linear.weight",
        ]);
        let shares = lite0.rate_shares(&of_lite0, 0.5);
        assert_eq!(shares, [0.0625, 0.125, 0.25, 0.5, 1.0, 1.0, 1.0]);
        let resnet = find("resnet18").unwrap();
        let of_resnet =
            names(&["bn1.weight", "layer1.0.bn1.weight", "layer2.1.conv1.weight", "head.x"]);
        assert_eq!(resnet.rate_shares(&of_resnet, 0.5), [0.25, 0.5, 1.0, 1.0]);
        assert_eq!(resnet.rate_shares(&of_resnet, 1.0), [1.0; 4]);
    }

    #[test]
    fn a_near_miss_is_answered_with_names() {
        assert_eq!(find("resnet34").unwrap().width, 512);
        let message = find("efficientnet_lite0").unwrap_err().to_string();
        assert!(message.contains("did you mean `tf_efficientnet_lite0`?"), "{message}");
        assert!(message.contains("`mobilenetv2_100`"), "{message}");
    }
}
