//! What the painters of tiles draw with: random places, outlines and courses.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::canvas::{Canvas, Point, spline};
use super::colour::Colour;

/// All tiles have one size, in pixels.
pub(super) const S: f32 = 176.0;

pub(super) struct Brush<'a> {
    pub(super) tile: Canvas,
    rng: &'a mut ChaCha8Rng,
}

impl<'a> Brush<'a> {
    pub(super) fn new(tile: Canvas, rng: &'a mut ChaCha8Rng) -> Self {
        Self { tile, rng }
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.rng.random_range(low..high)
    }

    pub(super) fn times(&mut self, low: usize, high: usize) -> usize {
        self.rng.random_range(low..high)
    }

    pub(super) fn anywhere(&mut self) -> Point {
        self.near((S / 2.0, S / 2.0), 0.4 * S)
    }

    /// In the square around a point.
    pub(super) fn near(&mut self, (x, y): Point, reach: f32) -> Point {
        (x + self.between(-reach, reach), y + self.between(-reach, reach))
    }

    pub(super) fn angle(&mut self) -> f32 {
        self.between(0.0, std::f32::consts::TAU)
    }

    /// A point in some direction.
    pub(super) fn off(&mut self, (x, y): Point, angle: f32, low: f32, high: f32) -> Point {
        let length = self.between(low, high);
        (x + angle.cos() * length, y + angle.sin() * length)
    }

    /// A hue and a value from two ranges.
    pub(super) fn colour(&mut self, hue: [f32; 2], saturation: f32, value: [f32; 2]) -> Colour {
        Colour::hsv(self.between(hue[0], hue[1]), saturation, self.between(value[0], value[1]))
    }

    /// A wobbly outline around a point.
    pub(super) fn outline(&mut self, at: Point, radius: f32, corners: usize) -> Vec<Point> {
        let start = self.angle();
        let step = std::f32::consts::TAU / corners as f32;
        let corner = |i| self.off(at, start + i as f32 * step, 0.65 * radius, 1.2 * radius);
        (0..corners).map(corner).collect()
    }

    /// A winding line from edge to edge.
    pub(super) fn crossing(&mut self, bend: f32) -> Vec<Point> {
        let (dy, dx) = self.angle().sin_cos();
        let off = self.between(-0.22, 0.22) * S;
        let joint = |i| {
            let way = (f32::from(i) / 6.0 - 0.5) * 1.6 * S;
            let aside = off + self.between(-bend, bend) * S;
            (S / 2.0 + dx * way - dy * aside, S / 2.0 + dy * way + dx * aside)
        };
        spline(&(-1_i8..8).map(joint).collect::<Vec<_>>())
    }

    /// Specks of about one size and colour around a point.
    pub(super) fn specks(&mut self, n: usize, at: Point, reach: f32, size: f32, colour: Colour) {
        for _ in 0..n {
            let (speck, shade) = (self.near(at, reach), self.between(0.8, 1.15));
            self.tile.ellipse(speck, (size, size * 0.8), colour.shade(shade));
        }
    }
}

/// An outline made smaller.
pub(super) fn shrunk(outline: &[Point], (x, y): Point, scale: f32) -> Vec<Point> {
    outline.iter().map(|p| (x + (p.0 - x) * scale, y + (p.1 - y) * scale)).collect()
}
