//! Other libraries' names of the same weights: torchvision's and `DINOv2`'s own, to timm's.

use std::collections::BTreeMap;

use crate::zoo::{Architecture, ConvNext, Inverted, Layout};

/// Takes weights that another library named, and names them as timm does; those in timm's names
/// already stay as they are. `squeeze` takes sides of one off a tensor.
pub fn to_timm<T>(
    architecture: &Architecture,
    weights: BTreeMap<String, T>,
    squeeze: impl Fn(T) -> T,
) -> BTreeMap<String, T> {
    if matches!(architecture.layout, Layout::Vision(_)) {
        // DINOv2's own files name their parts as timm does, and have a token for training besides.
        let mut weights = weights;
        weights.remove("mask_token");
        return weights;
    }
    // torchvision's residual networks have timm's names.
    if !weights.contains_key("features.0.0.weight") {
        return weights;
    }
    let rename = |(name, tensor): (String, T)| {
        let renamed = match architecture.layout {
            Layout::Inverted(net) => mobilenet(&name, &net),
            Layout::ConvNext(net) => convnext(&name, &net),
            _ => None,
        };
        let scale = name.ends_with(".layer_scale");
        (renamed.unwrap_or(name), if scale { squeeze(tensor) } else { tensor })
    };
    weights.into_iter().map(rename).collect()
}

/// `features.2.conv.1.0.weight` to `blocks.1.0.conv_dw.weight`.
fn mobilenet(name: &str, net: &Inverted) -> Option<String> {
    let Some(rest) = name.strip_prefix("features.") else {
        return Some(name.replacen("classifier.1.", "classifier.", 1));
    };
    let (number, rest) = rest.split_once('.')?;
    let number: usize = number.parse().ok()?;
    let n_blocks: usize = net.stages.iter().map(|stage| stage.repeats).sum();
    if number == 0 || number == n_blocks + 1 {
        let (conv, norm) = if number == 0 { ("conv_stem", "bn1") } else { ("conv_head", "bn2") };
        let (part, rest) = rest.split_once('.')?;
        return Some(format!("{}.{rest}", if part == "0" { conv } else { norm }));
    }
    let (mut stage, mut block) = (0, number - 1);
    while block >= net.stages.get(stage)?.repeats {
        block -= net.stages[stage].repeats;
        stage += 1;
    }
    let narrow = net.stages[stage].expand == 1;
    let (place, rest) = rest.strip_prefix("conv.")?.rsplit_once('.')?;
    let layer = match (narrow, place) {
        (true, "0.0") | (false, "1.0") => "conv_dw",
        (true, "1") | (false, "0.0") => "conv_pw",
        (false, "2") => "conv_pwl",
        (_, "0.1") => "bn1",
        (true, "2") | (false, "1.1") => "bn2",
        (false, "3") => "bn3",
        _ => return None,
    };
    Some(format!("blocks.{stage}.{block}.{layer}.{rest}"))
}

/// `features.3.1.block.5.bias` to `stages.1.blocks.1.mlp.fc2.bias`.
fn convnext(name: &str, net: &ConvNext) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["classifier", "0", rest] => Some(format!("head.norm.{rest}")),
        ["classifier", "2", rest] => Some(format!("head.fc.{rest}")),
        ["features", "0", layer, rest] => Some(format!("stem.{layer}.{rest}")),
        ["features", number, block, rest @ ..] => {
            let number: usize = number.parse().ok()?;
            // Stages and what makes pictures smaller between them take turns.
            let stage = number / 2;
            if stage >= net.depths.len() {
                return None;
            }
            if number.is_multiple_of(2) {
                return Some(format!("stages.{stage}.downsample.{block}.{}", rest.join(".")));
            }
            let layer = match rest {
                ["layer_scale"] => "gamma".to_owned(),
                ["block", place, rest] => {
                    let layer = match *place {
                        "0" => "conv_dw",
                        "2" => "norm",
                        "3" => "mlp.fc1",
                        "5" => "mlp.fc2",
                        _ => return None,
                    };
                    format!("{layer}.{rest}")
                }
                _ => return None,
            };
            Some(format!("stages.{stage}.blocks.{block}.{layer}"))
        }
        _ => None,
    }
}
