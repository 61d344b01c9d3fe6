//! `ConvNeXt` (arXiv:2201.03545).

use super::{
    Architecture, IMAGENET_12K, IMAGENET_22K, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Layout,
    Published, Segment,
};

/// Blocks and channels of the four stages.
#[derive(Debug, Clone, Copy)]
pub struct ConvNext {
    pub depths: [usize; 4],
    pub widths: [i64; 4],
}

/// Stages in the first layer group.
pub(super) fn is_early(stage: usize) -> bool {
    stage < 2
}

/// What makes a stage's pictures smaller counts with its first block.
pub(super) fn segment(name: &str) -> Option<Segment> {
    let mut parts = name.split('.');
    match parts.next()? {
        "stem" => Some(Segment::Stem),
        "stages" => {
            let stage = parts.next()?.parse().ok()?;
            match parts.next()? {
                "downsample" => Some(Segment::Block(stage, 0)),
                "blocks" => Some(Segment::Block(stage, parts.next()?.parse().ok()?)),
                _ => None,
            }
        }
        _ => None,
    }
}

const TINY: Architecture = Architecture {
    name: "convnext_tiny",
    tag: "in12k_ft_in1k",
    width: 768,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    interpolation: Interpolation::Bicubic,
    native_size: 224,
    crop_pct: 0.95,
    usual: None,
    seen: IMAGENET_12K,
    parameters: 28_589_128,
    gmacs: 4.456,
    top1: Some(Published { percent: 84.450, size: 288 }),
    layout: net([3, 3, 9, 3], [96, 192, 384, 768]),
};

const fn net(depths: [usize; 4], widths: [i64; 4]) -> Layout {
    Layout::ConvNext(ConvNext { depths, widths })
}

pub(super) const MEMBERS: &[Architecture] = &[
    TINY,
    Architecture {
        name: "convnext_small",
        parameters: 50_223_688,
        gmacs: 8.684,
        top1: Some(Published { percent: 85.330, size: 288 }),
        layout: net([3, 3, 27, 3], [96, 192, 384, 768]),
        ..TINY
    },
    Architecture {
        name: "convnext_base",
        tag: "fb_in22k_ft_in1k",
        width: 1024,
        crop_pct: 0.875,
        seen: IMAGENET_22K,
        parameters: 88_591_464,
        gmacs: 15.355,
        top1: Some(Published { percent: 86.274, size: 288 }),
        layout: net([3, 3, 27, 3], [128, 256, 512, 1024]),
        ..TINY
    },
];
