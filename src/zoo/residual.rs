//! `ResNet` (arXiv:1512.03385) and `ResNeXt` (arXiv:1611.05431).

use super::{
    Architecture, IMAGENET, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Layout, Published, Segment,
    Square,
};

/// Depths of `layer1` to `layer4`, and what each is made of.
#[derive(Debug, Clone, Copy)]
pub struct Residual {
    pub block: BlockKind,
    /// Blocks in each of the four layers.
    pub depths: [usize; 4],
    /// Groups of the 3x3 convolutions.
    pub groups: i64,
    /// Channels of a group in `layer1`; each later layer has twice as many.
    pub group_width: i64,
}

/// The two blocks of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// 3x3, 3x3.
    Basic,
    /// 1x1, 3x3, 1x1 that widens four times.
    Bottleneck,
}

impl BlockKind {
    /// How many times wider the block's output is than its inside, without groups.
    pub const fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// Layers whose blocks are in the first layer group.
pub(super) fn is_early(layer: usize) -> bool {
    layer <= 2
}

pub(super) fn segment(name: &str) -> Option<Segment> {
    let mut parts = name.split('.');
    match parts.next()? {
        "conv1" | "bn1" => Some(Segment::Stem),
        layer => {
            let layer = layer.strip_prefix("layer")?.parse().ok()?;
            Some(Segment::Block(layer, parts.next()?.parse().ok()?))
        }
    }
}

const BASIC: Residual =
    Residual { block: BlockKind::Basic, depths: [2, 2, 2, 2], groups: 1, group_width: 64 };
const BOTTLENECK: Residual =
    Residual { block: BlockKind::Bottleneck, depths: [3, 4, 6, 3], groups: 1, group_width: 64 };
const DEEP: [usize; 4] = [3, 4, 23, 3];

const fn member(
    name: &'static str,
    tag: &'static str,
    parameters: u64,
    gmacs: f64,
    top1: Option<Published>,
    net: Residual,
) -> Architecture {
    Architecture {
        name,
        tag,
        width: 512 * net.block.expansion(),
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        interpolation: Interpolation::Bicubic,
        native_size: 224,
        crop_pct: 0.95,
        usual: None,
        seen: IMAGENET,
        parameters,
        gmacs,
        top1,
        layout: Layout::Residual(net),
    }
}

pub(super) const MEMBERS: &[Architecture] = &[
    member(
        "resnet18",
        "a1_in1k",
        11_689_512,
        1.814,
        Some(Published { percent: 73.158, size: 288 }),
        BASIC,
    ),
    member(
        "resnet34",
        "a1_in1k",
        21_797_672,
        3.664,
        Some(Published { percent: 77.918, size: 288 }),
        Residual { depths: [3, 4, 6, 3], ..BASIC },
    ),
    member(
        "resnet50",
        "a1_in1k",
        25_557_032,
        4.089,
        Some(Published { percent: 81.214, size: 288 }),
        BOTTLENECK,
    ),
    member(
        "resnet101",
        "a1h_in1k",
        44_549_160,
        7.801,
        Some(Published { percent: 82.778, size: 288 }),
        Residual { depths: DEEP, ..BOTTLENECK },
    ),
    member(
        "resnext50_32x4d",
        "a1h_in1k",
        25_028_904,
        4.230,
        Some(Published { percent: 82.014, size: 288 }),
        Residual { groups: 32, group_width: 4, ..BOTTLENECK },
    ),
    Architecture {
        interpolation: Interpolation::Bilinear,
        native_size: 176,
        crop_pct: 0.875,
        // Trained at less than it is used with, which makes it best here (arXiv:1906.06423):
        // torchvision's own evaluation.
        usual: Some(Square { size: 224, crop: 0.965 }),
        ..member(
            "resnext101_32x8d",
            "tv2_in1k",
            88_791_336,
            16.414,
            Some(Published { percent: 82.832, size: 224 }),
            Residual { depths: DEEP, groups: 32, group_width: 8, ..BOTTLENECK },
        )
    },
    member(
        "resnext101_64x4d",
        "c1_in1k",
        83_455_272,
        15.460,
        Some(Published { percent: 83.156, size: 288 }),
        Residual { depths: DEEP, groups: 64, group_width: 4, ..BOTTLENECK },
    ),
];
