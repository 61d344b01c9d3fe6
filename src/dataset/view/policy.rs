//! Policies of augmentation: operations drawn for a view beyond what is likely of a photograph.
//!
//! `TrivialAugment` (Müller and Hutter 2021, <https://arxiv.org/abs/2103.10158>, its wide ranges) does one
//! operation of any strength, `RandAugment` (Cubuk et al. 2019, <https://arxiv.org/abs/1909.13719>) two of
//! a strength that is set. Operations and ranges are those of torchvision 0.28's `TrivialAugmentWide` and
//! `RandAugment`, but for three things: what moves pixels is one bilinear map with reflected borders, as for
//! all views, where torchvision takes the nearest pixel and leaves borders black; and a picture is moved by
//! a share of its side where `TrivialAugment` has 32 pixels, whatever the size.

use kaggle_kit_pixels as pixels;
use kaggle_kit_pixels::Affine;
use rand::Rng;

use super::shot::Policy;
use crate::rng::{self, Purpose};

/// How many strengths there are, from none to the most.
const STRENGTHS: usize = 31;
/// Operations of a draw of `RandAugment`.
const AT_ONCE: usize = 2;
const N_KINDS: usize = 14;

/// Something that is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Identity,
    /// Pixels move to the left by so many times what is above them.
    ShearX(f64),
    /// Upwards, by what is left of them.
    ShearY(f64),
    /// To the right, by a share of the side.
    TranslateX(f64),
    /// Down.
    TranslateY(f64),
    /// In degrees, counter-clockwise.
    Rotate(f64),
    /// By a factor, as the next three.
    Brightness(f32),
    Saturation(f32),
    Contrast(f32),
    Sharpness(f32),
    /// To so many bits.
    Posterize(u32),
    /// From this value on.
    Solarize(f32),
    Autocontrast,
    Equalize,
}

/// Strengths of operations at the most.
struct Most {
    shear: f64,
    translate: f64,
    degrees: f64,
    /// How far a factor is from one.
    factor: f64,
    /// That posterising takes away.
    bits: f64,
}

/// Of `TrivialAugment`; it translates by 32 pixels, which were of 224.
const WIDE: Most =
    Most { shear: 0.99, translate: 32.0 / 224.0, degrees: 135.0, factor: 0.99, bits: 6.0 };
/// Of `RandAugment`.
const PLAIN: Most =
    Most { shear: 0.3, translate: 150.0 / 331.0, degrees: 30.0, factor: 0.9, bits: 4.0 };

/// What an epoch does to an image, in turn.
pub(super) fn draw(
    policy: Policy,
    (seed, epoch, index): (u64, u64, usize),
) -> impl Iterator<Item = Operation> + Clone {
    let mut rng = rng::stream(Purpose::Policy, seed, epoch, index as u64);
    let mut one = |strength: Option<usize>, most: &Most| {
        let (kind, any) = (rng.random_range(0..N_KINDS), rng.random_range(0..STRENGTHS));
        let sign = if rng.random() { -1.0 } else { 1.0 };
        let strength = strength.unwrap_or(any).min(STRENGTHS - 1);
        Operation::new(kind, strength as f64 / (STRENGTHS - 1) as f64, sign, most)
    };
    let mut drawn = [Operation::Identity; AT_ONCE];
    match policy {
        Policy::None => {}
        Policy::Trivial => drawn[0] = one(None, &WIDE),
        Policy::Rand { magnitude } => drawn = drawn.map(|_| one(Some(magnitude), &PLAIN)),
    }
    drawn.into_iter().filter(|operation| *operation != Operation::Identity)
}

/// Where the pixels of a square of `size` are found that operations show, if any of them moves pixels.
pub(super) fn geometry(operations: impl Iterator<Item = Operation>, size: usize) -> Option<Affine> {
    let maps = operations.filter_map(|operation| operation.to_source(size as f64));
    maps.reduce(|before, next| next.then(before))
}

impl Operation {
    /// `strength` is from 0 to 1.
    fn new(kind: usize, strength: f64, sign: f64, most: &Most) -> Self {
        let along = |most: f64| sign * strength * most;
        let factor = (1.0 + along(most.factor)) as f32;
        match kind {
            1 => Self::ShearX(along(most.shear)),
            2 => Self::ShearY(along(most.shear)),
            3 => Self::TranslateX(along(most.translate)),
            4 => Self::TranslateY(along(most.translate)),
            5 => Self::Rotate(along(most.degrees)),
            6 => Self::Brightness(factor),
            7 => Self::Saturation(factor),
            8 => Self::Contrast(factor),
            9 => Self::Sharpness(factor),
            10 => Self::Posterize(8 - (strength * most.bits).round() as u32),
            11 => Self::Solarize((255.0 * (1.0 - strength)) as f32),
            12 => Self::Autocontrast,
            13 => Self::Equalize,
            _ => Self::Identity,
        }
    }

    /// From a pixel of the result to the one it shows, of a square of `size`; none if pixels stay.
    fn to_source(self, size: f64) -> Option<Affine> {
        Some(match self {
            Self::ShearX(by) => Affine::shear([by, 0.0]),
            Self::ShearY(by) => Affine::shear([0.0, by]),
            Self::TranslateX(by) => Affine::shift([-by * size, 0.0]),
            Self::TranslateY(by) => Affine::shift([0.0, -by * size]),
            Self::Rotate(degrees) => Affine::rotation(degrees.to_radians(), [size / 2.0; 2]),
            _ => return None,
        })
    }

    /// Changes the colours of a picture, `[size, size, 3]`.
    pub(super) fn recolour(self, picture: &mut [u8], size: usize) {
        match self {
            Self::Brightness(factor) => pixels::brightness(picture, factor),
            Self::Saturation(factor) => pixels::saturation(picture, factor),
            Self::Contrast(factor) => pixels::contrast(picture, factor),
            Self::Sharpness(factor) => pixels::sharpness(picture, size, factor),
            Self::Posterize(bits) => pixels::posterize(picture, bits),
            Self::Solarize(threshold) => pixels::solarize(picture, threshold),
            Self::Autocontrast => pixels::autocontrast(picture),
            Self::Equalize => pixels::equalize(picture),
            Self::Identity
            | Self::ShearX(_)
            | Self::ShearY(_)
            | Self::TranslateX(_)
            | Self::TranslateY(_)
            | Self::Rotate(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
