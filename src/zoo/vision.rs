//! Vision transformers (arXiv:2010.11929) as `DINOv2` trained them (arXiv:2304.07193).

use super::{Architecture, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Layout, Segment, Square};

/// Blocks, heads, and the pictures that positions were learned on.
#[derive(Debug, Clone, Copy)]
pub struct Vision {
    /// Side of a patch, in pixels.
    pub patch: i64,
    /// Patches along a side of the pictures in training.
    pub grid: i64,
    pub depth: usize,
    /// Heads of attention in each.
    pub heads: i64,
}

impl Vision {
    /// Whether a block is in the first half.
    pub(super) fn is_early(&self, block: usize) -> bool {
        block < self.depth / 2
    }
}

pub(super) fn segment(name: &str) -> Option<Segment> {
    let mut parts = name.split('.');
    match parts.next()? {
        "cls_token" | "pos_embed" | "patch_embed" => Some(Segment::Stem),
        "blocks" => Some(Segment::Block(0, parts.next()?.parse().ok()?)),
        "norm" => Some(Segment::Last),
        _ => None,
    }
}

/// As timm's `no_weight_decay` has it.
pub(super) fn decays(name: &str) -> bool {
    !["cls_token", "pos_embed"].contains(&name)
}

const SMALL: Architecture = Architecture {
    name: "vit_small_patch14_dinov2",
    tag: "lvd142m",
    width: 384,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    interpolation: Interpolation::Bicubic,
    native_size: 518,
    crop_pct: 1.0,
    // 16 x 16 patches, as in most of its training and in its authors' evaluations. Only the last part
    // of the training was at 518 pixels: 37 x 37 patches, which take 7.6 times the multiplications (6.5
    // times in the larger one). Positions are resampled.
    usual: Some(Square { size: 224, crop: 1.0 }),
    seen: "LVD-142M: 142 million photographs without labels, chosen for their likeness to ImageNet-22k's \
           and other data sets'",
    parameters: 22_056_192,
    gmacs: 6.124,
    top1: None,
    layout: Layout::Vision(Vision { patch: 14, grid: 37, depth: 12, heads: 6 }),
};

pub(super) const MEMBERS: &[Architecture] = &[
    SMALL,
    Architecture {
        name: "vit_base_patch14_dinov2",
        width: 768,
        parameters: 86_579_712,
        gmacs: 23.161,
        layout: Layout::Vision(Vision { patch: 14, grid: 37, depth: 12, heads: 12 }),
        ..SMALL
    },
];
