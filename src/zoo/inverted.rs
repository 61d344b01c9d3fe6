//! Networks of inverted residuals: EfficientNet-Lite (arXiv:1905.11946, without squeeze-excite and
//! with `ReLU6`) and `MobileNetV2` (arXiv:1801.04381).

use super::{
    Architecture, IMAGENET, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Layout, Published, Segment,
};

/// One row of the paper's table: `repeats` blocks, the first of which strides.
#[derive(Debug, Clone, Copy)]
pub struct InvertedStage {
    pub repeats: usize,
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
    pub stages: &'static [InvertedStage],
    pub padding: Padding,
    pub eps: f64,
}

/// How the edge is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// `kernel / 2` zeros on every side, as `PyTorch` nets do.
    Symmetric,
    /// `TensorFlow`'s `SAME`: output `ceil(input / stride)`, an odd zero goes right and below.
    Same,
}

/// Stages in the first layer group: down to stride 16, half of the blocks.
pub(super) fn is_early(stage: usize) -> bool {
    stage < 4
}

pub(super) fn segment(name: &str) -> Option<Segment> {
    let mut parts = name.split('.');
    match parts.next()? {
        "conv_stem" | "bn1" => Some(Segment::Stem),
        "blocks" => Some(Segment::Block(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)),
        "conv_head" | "bn2" => Some(Segment::Last),
        _ => None,
    }
}

const fn stage(
    repeats: usize,
    kernel: i64,
    stride: i64,
    expand: i64,
    channels: i64,
) -> InvertedStage {
    InvertedStage { repeats, kernel, stride, expand, channels }
}

/// `TensorFlow`'s weights, in `TensorFlow`'s habits.
const LITE: Architecture = Architecture {
    name: "tf_efficientnet_lite0",
    tag: "in1k",
    width: 1280,
    mean: [0.5; 3],
    std: [0.5; 3],
    interpolation: Interpolation::Bicubic,
    native_size: 224,
    crop_pct: 0.875,
    usual: None,
    seen: IMAGENET,
    parameters: 4_652_008,
    gmacs: 0.385,
    top1: Some(Published { percent: 74.830, size: 224 }),
    layout: lite(&[
        stage(1, 3, 1, 1, 16),
        stage(2, 3, 2, 6, 24),
        stage(2, 5, 2, 6, 40),
        stage(3, 3, 2, 6, 80),
        stage(3, 5, 1, 6, 112),
        stage(4, 5, 2, 6, 192),
        stage(1, 3, 1, 6, 320),
    ]),
};

const fn lite(stages: &'static [InvertedStage]) -> Layout {
    Layout::Inverted(Inverted { stages, padding: Padding::Same, eps: 1e-3 })
}

/// Lite1 is deeper than Lite0, Lite2 deeper still and wider; stem and last convolution are the same.
pub(super) const MEMBERS: &[Architecture] = &[
    LITE,
    Architecture {
        name: "tf_efficientnet_lite1",
        native_size: 240,
        crop_pct: 0.882,
        parameters: 5_416_680,
        gmacs: 0.600,
        top1: Some(Published { percent: 76.644, size: 240 }),
        layout: lite(&[
            stage(1, 3, 1, 1, 16),
            stage(3, 3, 2, 6, 24),
            stage(3, 5, 2, 6, 40),
            stage(4, 3, 2, 6, 80),
            stage(4, 5, 1, 6, 112),
            stage(5, 5, 2, 6, 192),
            stage(1, 3, 1, 6, 320),
        ]),
        ..LITE
    },
    Architecture {
        name: "tf_efficientnet_lite2",
        native_size: 260,
        crop_pct: 0.89,
        parameters: 6_092_072,
        gmacs: 0.860,
        top1: Some(Published { percent: 77.464, size: 260 }),
        layout: lite(&[
            stage(1, 3, 1, 1, 16),
            stage(3, 3, 2, 6, 24),
            stage(3, 5, 2, 6, 48),
            stage(4, 3, 2, 6, 88),
            stage(4, 5, 1, 6, 120),
            stage(5, 5, 2, 6, 208),
            stage(1, 3, 1, 6, 352),
        ]),
        ..LITE
    },
    Architecture {
        name: "mobilenetv2_100",
        tag: "ra_in1k",
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        parameters: 3_504_872,
        gmacs: 0.301,
        top1: Some(Published { percent: 72.976, size: 224 }),
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
        ..LITE
    },
];
