//! The backbones there are, as data: what to build, how pictures are prepared for it, where its
//! weights are, and what it costs. One file a family, with the sizes of its members.

mod convnext;
pub mod imported;
mod inverted;
mod residual;
mod square;
mod vision;

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

pub use self::convnext::ConvNext;
use self::imported::Imported;
pub use self::inverted::{Inverted, InvertedStage, Padding};
pub use self::residual::{BlockKind, Residual};
pub use self::square::{Square, square_of};
pub use self::vision::Vision;
use crate::explain;
use crate::schedule::layer_decay;

/// Layer groups of a backbone, which the golden rule trains at different rates; the head is one more.
pub const N_GROUPS: usize = 2;

/// A backbone under timm's name, with the training that its weights had.
#[derive(Clone, Debug)]
pub struct Architecture {
    /// timm's name, which recipes use.
    pub name: &'static str,
    /// timm's name of the training that made the weights.
    pub tag: &'static str,
    /// Channels of the features.
    pub width: i64,
    /// Mean of each colour in the pictures it is used to, of values in `[0, 1]`.
    pub mean: [f32; 3],
    pub std: [f32; 3],
    /// Filter with which its pictures were resized.
    pub interpolation: Interpolation,
    /// Side of the pictures in its training, in pixels.
    pub native_size: usize,
    /// Share of the side that the centre crop keeps in its evaluation.
    pub crop_pct: f64,
    /// What recipes show it in place of these two, where those are not what people want.
    pub usual: Option<Square>,
    /// The pictures its weights have seen: a competition on these is not a test.
    pub seen: &'static str,
    /// Weights and biases, with the layer that makes `ImageNet`'s classes if there is one.
    pub parameters: u64,
    /// Multiplications for the square that recipes show it, in units of 1e9: half of what `PyTorch`'s
    /// `FlopCounterMode` counts in timm 1.0.31 on meta tensors.
    pub gmacs: f64,
    /// What timm measured on `ImageNet`'s validation pictures; nothing for weights without classes.
    pub top1: Option<Published>,
    /// What the first layer to the last look like.
    pub layout: Layout,
}

/// A result in timm's `results-imagenet.csv`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// Pictures whose first answer is right, in percent.
    pub percent: f64,
    /// Side of the pictures, in pixels.
    pub size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    Bicubic,
    Bilinear,
}

/// A family, with the numbers of one member.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// `ResNet` and `ResNeXt`.
    Residual(Residual),
    /// EfficientNet-Lite and `MobileNetV2`.
    Inverted(Inverted),
    ConvNext(ConvNext),
    /// Vision transformers.
    Vision(Vision),
    /// Any of timm's, as a graph that Python traced.
    Imported(&'static Imported),
}

/// Where in a backbone a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    /// Before the blocks.
    Stem,
    /// In a block, by stage and number.
    Block(usize, usize),
    /// Behind the blocks.
    Last,
}

impl Architecture {
    /// The layer group of a variable: 0 the early layers, 1 the later, and 2 (the head's) for
    /// whatever is not the backbone's.
    pub fn group_of(&self, name: &str) -> usize {
        match self.segment(name) {
            None => N_GROUPS,
            Some(Segment::Stem) => 0,
            Some(Segment::Last) => 1,
            Some(Segment::Block(stage, block)) => usize::from(!self.is_early(stage, block)),
        }
    }

    /// Whether a block is in the first layer group: about half of them are.
    pub fn is_early(&self, stage: usize, block: usize) -> bool {
        match self.layout {
            Layout::Residual(_) => residual::is_early(stage),
            Layout::Inverted(_) => inverted::is_early(stage),
            Layout::ConvNext(_) => convnext::is_early(stage),
            Layout::Vision(net) => net.is_early(block),
            Layout::Imported(net) => net.is_early(stage),
        }
    }

    fn segment(&self, name: &str) -> Option<Segment> {
        match self.layout {
            Layout::Residual(_) => residual::segment(name),
            Layout::Inverted(_) => inverted::segment(name),
            Layout::ConvNext(_) => convnext::segment(name),
            Layout::Vision(_) => vision::segment(name),
            Layout::Imported(net) => net.segment(name),
        }
    }

    /// The part of the rate that a variable learns at when each layer learns `decay` times as fast as
    /// the one after it: `decay` to the power of how many layers of the backbone come after its own.
    /// Layers are the stem, each block, and what comes behind the blocks, as in timm.
    pub fn rate_shares(&self, names: &[String], decay: f64) -> Vec<f64> {
        let segments: Vec<Option<Segment>> = names.iter().map(|name| self.segment(name)).collect();
        let blocks = segments.iter().filter_map(|segment| match segment {
            Some(Segment::Block(stage, block)) => Some((*stage, *block)),
            _ => None,
        });
        let blocks: BTreeSet<(usize, usize)> = blocks.collect();
        let blocks: Vec<(usize, usize)> = blocks.into_iter().collect();
        let layer = |segment: Segment| match segment {
            Segment::Stem => 0,
            Segment::Block(stage, block) => 1 + blocks.partition_point(|b| *b < (stage, block)),
            Segment::Last => 1 + blocks.len(),
        };
        let layers: Vec<Option<usize>> = segments.into_iter().map(|p| p.map(layer)).collect();
        let n_layers = 1 + layers.iter().flatten().max().copied().unwrap_or_default();
        let shares = layer_decay(decay, n_layers);
        layers.into_iter().map(|layer| layer.map_or(1.0, |layer| shares[layer])).collect()
    }

    /// Whether weight decay pulls at a variable, as far as its name tells: not at tokens and positions,
    /// which are not maps from one thing to another. (Vectors are left out wherever they are.)
    pub fn decays(&self, name: &str) -> bool {
        match self.layout {
            Layout::Vision(_) => vision::decays(name),
            Layout::Imported(net) => net.decays(name),
            _ => true,
        }
    }

    /// Whether a variable is learnt by gradients; running statistics of norms are not.
    pub fn learns(&self, name: &str) -> bool {
        match self.layout {
            Layout::Imported(net) => net.learns(name),
            _ => !name.ends_with("running_mean") && !name.ends_with("running_var"),
        }
    }

    /// Numbers a picture that the head takes: of our own networks two a channel.
    pub fn pooled(&self) -> i64 {
        match self.layout {
            Layout::Imported(_) => self.width,
            _ => 2 * self.width,
        }
    }

    /// The traced network that it is, if it is no network of our own.
    pub fn imported(&self) -> Option<&'static Imported> {
        match self.layout {
            Layout::Imported(net) => Some(net),
            _ => None,
        }
    }

    /// An error where it does not take pictures of this side. Our own networks take any.
    pub fn takes(&self, size: usize) -> Result<()> {
        self.imported().map_or(Ok(()), |net| net.takes(size))
    }

    /// What the names of its variables begin with in a network: nothing for the only backbone of one,
    /// unless it is an imported one, whose names may be anything.
    pub fn prefix(&self, is_alone: bool) -> String {
        if is_alone && self.imported().is_none() {
            return String::new();
        }
        // Points part the names of layers.
        format!("{}.", self.name.replace('.', "_"))
    }

    /// The layers that make `ImageNet`'s classes of the pooled features.
    pub fn classifier(&self) -> &'static [&'static str] {
        match self.layout {
            Layout::Residual(_) => &["fc"],
            Layout::Inverted(_) => &["classifier"],
            Layout::ConvNext(_) => &["head.norm", "head.fc"],
            Layout::Vision(_) => &[],
            Layout::Imported(net) => net.classifier(),
        }
    }

    pub fn is_classifier(&self, name: &str) -> bool {
        let mut layers = self.classifier().iter();
        layers.any(|layer| name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Weights and biases without the classifier's.
    pub fn body_parameters(&self) -> u64 {
        let width = self.width as u64;
        self.parameters
            - match self.layout {
                Layout::Residual(_) | Layout::Inverted(_) => 1000 * (width + 1),
                Layout::ConvNext(_) => 1000 * (width + 1) + 2 * width,
                Layout::Vision(_) | Layout::Imported(_) => 0,
            }
    }

    /// Where its weights are on Hugging Face.
    pub fn repository(&self) -> String {
        format!("timm/{}.{}", self.name.trim_start_matches(imported::PREFIX), self.tag)
    }
}

/// The one that recipes use unless they say otherwise.
pub const DEFAULT: &Architecture = &inverted::MEMBERS[0];

/// Every architecture of our own, the default first.
pub fn architectures() -> impl Iterator<Item = &'static Architecture> {
    let families = [inverted::MEMBERS, residual::MEMBERS, convnext::MEMBERS, vision::MEMBERS];
    families.into_iter().flatten()
}

/// Finds an architecture by timm's name.
pub fn find(name: &str) -> Result<&'static Architecture> {
    if let Some(name) = name.strip_prefix(imported::PREFIX) {
        return imported::find(name);
    }
    if let Some(found) = architectures().find(|a| a.name == name) {
        return Ok(found);
    }
    let guess = explain::did_you_mean(name, architectures().map(|a| a.name));
    let known: Vec<String> = architectures().map(|a| format!("`{}`", a.name)).collect();
    bail!(
        "unknown architecture `{name}`\nhint: {guess}known are {}, and what `kaggle-kit models import NAME` brings of \
         timm's",
        known.join(", ")
    )
}

/// The architectures that a recipe names: one, or several joined by `+`.
pub fn find_all(names: &str) -> Result<Vec<&'static Architecture>> {
    let found = names.split('+').map(|name| find(name.trim())).collect::<Result<Vec<_>>>()?;
    for (i, architecture) in found.iter().enumerate() {
        let name = architecture.name;
        let is_first = found[..i].iter().all(|earlier| earlier.name != name);
        ensure!(is_first, "`{names}` names `{name}` twice\nhint: each backbone goes in once");
    }
    Ok(found)
}

/// Each of several backbones once, in their order.
pub fn each_once(
    backbones: impl IntoIterator<Item = &'static Architecture>,
) -> Vec<&'static Architecture> {
    let mut all: Vec<&Architecture> = Vec::new();
    for backbone in backbones {
        if all.iter().all(|known| known.name != backbone.name) {
            all.push(backbone);
        }
    }
    all
}

const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
const IMAGENET: &str = "ImageNet-1k's 1.28 million training photographs (Stanford Dogs is a part)";
const IMAGENET_12K: &str =
    "ImageNet-12k's 12 million photographs, then ImageNet-1k's (Stanford Dogs is a part)";
const IMAGENET_22K: &str =
    "ImageNet-22k's 14 million photographs, then ImageNet-1k's (Stanford Dogs is a part)";

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn layers_further_from_the_head_learn_slower() {
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
        let convnext = find("convnext_tiny").unwrap();
        let of_convnext = names(&[
            "stem.0.weight",
            "stages.0.blocks.0.gamma",
            "stages.1.downsample.0.weight",
            "stages.1.blocks.0.gamma",
            "stages.1.blocks.1.mlp.fc1.weight",
            "head.hidden.linear.weight",
        ]);
        let shares = convnext.rate_shares(&of_convnext, 0.5);
        assert_eq!(shares, [0.125, 0.25, 0.5, 0.5, 1.0, 1.0]);
        let vit = find("vit_small_patch14_dinov2").unwrap();
        let of_vit = names(&["cls_token", "pos_embed", "blocks.3.ls1.gamma", "norm.weight"]);
        assert_eq!(vit.rate_shares(&of_vit, 0.5), [0.25, 0.25, 0.5, 1.0]);
    }

    #[test]
    fn tokens_and_positions_do_not_decay() {
        let vit = find("vit_small_patch14_dinov2").unwrap();
        let of_vit =
            ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight"];
        assert_eq!(of_vit.map(|name| vit.decays(name)), [false, false, true, true]);
        assert!(find("resnet18").unwrap().decays("conv1.weight"));
    }

    #[test]
    fn each_family_is_halved() {
        for (name, early, late) in [
            ("mobilenetv2_100", "blocks.3.0.bn1.bias", "blocks.4.0.bn1.bias"),
            ("resnext50_32x4d", "layer2.3.bn1.bias", "layer3.0.bn1.bias"),
            ("convnext_base", "stages.1.blocks.2.gamma", "stages.2.downsample.0.bias"),
            ("vit_base_patch14_dinov2", "blocks.5.norm1.bias", "blocks.6.norm1.bias"),
        ] {
            let found = find(name).unwrap();
            assert_eq!((found.group_of(early), found.group_of(late)), (0, 1), "{name}");
            assert_eq!(found.group_of("head.hidden.norm.weight"), N_GROUPS, "{name}");
        }
        let convnext = find("convnext_tiny").unwrap();
        assert!(convnext.is_classifier("head.norm.weight"));
        assert!(!convnext.is_classifier("head.hidden.norm.weight"));
    }

    #[test]
    fn a_near_miss_is_answered_with_names() {
        assert_eq!(find("resnet34").unwrap().width, 512);
        let message = find("efficientnet_lite0").unwrap_err().to_string();
        assert!(message.contains("did you mean `tf_efficientnet_lite0`?"), "{message}");
        assert!(message.contains("`mobilenetv2_100`"), "{message}");
    }

    #[test]
    fn a_stack_is_named_by_its_backbones() {
        assert_eq!(find_all("resnet18 + resnet34").unwrap().len(), 2);
        let error = find_all("resnet18+resnet18").unwrap_err().to_string();
        assert!(error.contains("names `resnet18` twice"), "{error}");
        assert!(find_all("resnet18+resnet3").unwrap_err().to_string().contains("`resnet34`"));
    }

    #[test]
    fn names_are_unique_and_sizes_can_be() {
        let all: Vec<&str> = architectures().map(|a| a.name).collect();
        let unique: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len());
        for architecture in architectures() {
            if let Layout::Vision(net) = architecture.layout {
                assert_eq!(architecture.native_size % net.patch as usize, 0);
            }
        }
    }
}
