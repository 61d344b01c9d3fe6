//! What a backbone is shown unless a recipe says otherwise.

use super::Architecture;

/// The square of a picture that a backbone sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square {
    /// Its side, in pixels.
    pub size: usize,
    /// Its share of the picture's shorter side, in (0, 1].
    pub crop: f64,
}

impl Architecture {
    /// The square that recipes show it unless they say otherwise.
    pub fn square(&self) -> Square {
        let native = Square { size: self.native_size, crop: self.crop_pct };
        self.usual.unwrap_or(native)
    }
}

/// The square for backbones side by side, which all see the same: the largest side and the largest
/// share among theirs. So none sees less of a picture, or less sharply, than it is used to; with a mean
/// some would, and nothing that is cut off can be had back.
///
/// A side that a vision transformer's patches do not fill is resized within it.
pub fn square_of(backbones: &[&Architecture]) -> Square {
    let squares = backbones.iter().map(|backbone| backbone.square());
    let nothing = Square { size: 0, crop: 0.0 };
    squares.fold(nothing, |all, one| Square {
        size: all.size.max(one.size),
        crop: all.crop.max(one.crop),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Layout, architectures, find, find_all};
    use super::*;

    fn of(names: &str) -> (usize, f64) {
        let Square { size, crop } = square_of(&find_all(names).unwrap());
        (size, crop)
    }

    #[test]
    fn each_has_its_own() {
        for (name, expected) in [
            ("tf_efficientnet_lite0", (224, 0.875)),
            ("tf_efficientnet_lite1", (240, 0.882)),
            ("tf_efficientnet_lite2", (260, 0.89)),
            ("mobilenetv2_100", (224, 0.875)),
            ("resnet50", (224, 0.95)),
            ("resnext101_32x8d", (224, 0.965)),
            ("convnext_small", (224, 0.95)),
            ("convnext_base", (224, 0.875)),
            ("vit_base_patch14_dinov2", (224, 1.0)),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }

    #[test]
    fn side_by_side_the_largest_holds() {
        assert_eq!(of("convnext_small+vit_small_patch14_dinov2"), (224, 1.0));
        assert_eq!(of("resnet18+tf_efficientnet_lite2"), (260, 0.95));
    }

    #[test]
    fn every_square_can_be_shown() {
        for architecture in architectures() {
            let Square { size, crop } = architecture.square();
            assert!((32..=288).contains(&size) && crop > 0.5 && crop <= 1.0);
            if let Layout::Vision(net) = architecture.layout {
                assert_eq!(size % net.patch as usize, 0, "{}", architecture.name);
            }
        }
        assert_eq!(find("vit_small_patch14_dinov2").unwrap().native_size, 518);
    }
}
