//! Colours by hue, and how they vary from picture to picture.

use rand::Rng;

/// Red, green, blue and opacity in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour {
    pub(super) rgb: [f32; 3],
    pub(super) opacity: f32,
}

impl Colour {
    pub(super) const BLACK: Self = Self::rgb(0.1, 0.09, 0.1);
    pub(super) const WHITE: Self = Self::rgb(0.95, 0.93, 0.9);

    pub(super) const fn rgb(red: f32, green: f32, blue: f32) -> Self {
        Self { rgb: [red, green, blue], opacity: 1.0 }
    }

    /// Hue in degrees, saturation and value in `[0, 1]`.
    pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Self {
        let channel = |n: f32| {
            let k = (n + hue / 60.0).rem_euclid(6.0);
            value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        Self::rgb(channel(5.0), channel(3.0), channel(1.0))
    }

    pub(super) fn opacity(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }

    /// Darker below 1, lighter above.
    pub(super) fn shade(self, factor: f32) -> Self {
        Self { rgb: self.rgb.map(|value| (value * factor).clamp(0.0, 1.0)), ..self }
    }

    /// A part `t` of the way to another colour.
    pub(super) fn towards(self, other: Self, t: f32) -> Self {
        let mix = |i: usize| self.rgb[i] + (other.rgb[i] - self.rgb[i]) * t;
        Self { rgb: [mix(0), mix(1), mix(2)], ..self }
    }

    /// A neighbour of this colour, each channel off by up to `amount`.
    pub(super) fn vary(self, rng: &mut impl Rng, amount: f32) -> Self {
        let near = |value: f32| (value + rng.random_range(-amount..=amount)).clamp(0.0, 1.0);
        Self { rgb: self.rgb.map(near), ..self }
    }
}
