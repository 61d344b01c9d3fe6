//! Random places, outlines and courses on a tile.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::canvas::Point;

/// All tiles have one size, in pixels.
pub(super) const SIZE: u32 = 176;
/// The same for geometry.
pub(super) const S: f32 = SIZE as f32;

/// The random numbers of the painters, so that they are plain functions in a table.
pub(super) struct Strokes(pub(super) ChaCha8Rng);

impl Strokes {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0.random_range(low..high)
    }

    pub(super) fn anywhere(&mut self) -> Point {
        (self.between(0.1 * S, 0.9 * S), self.between(0.1 * S, 0.9 * S))
    }

    pub(super) fn angle(&mut self) -> f32 {
        self.between(0.0, std::f32::consts::TAU)
    }

    pub(super) fn times(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..high)
    }

    /// A wobbly outline around a point.
    pub(super) fn outline(&mut self, (x, y): Point, radius: f32, corners: usize) -> Vec<Point> {
        let start = self.angle();
        (0..corners)
            .map(|i| {
                let angle = start + i as f32 / corners as f32 * std::f32::consts::TAU;
                let radius = radius * self.between(0.65, 1.2);
                (x + angle.cos() * radius, y + angle.sin() * radius)
            })
            .collect()
    }

    /// A winding line from edge to edge.
    pub(super) fn crossing(&mut self, bend: f32) -> Vec<Point> {
        let angle = self.angle();
        let (dx, dy) = (angle.cos(), angle.sin());
        let off = self.between(-0.22, 0.22) * S;
        (0..7)
            .map(|i| {
                let way = (i as f32 / 6.0 - 0.5) * 1.6 * S;
                let aside = off + self.between(-bend, bend) * S;
                (S / 2.0 + dx * way - dy * aside, S / 2.0 + dy * way + dx * aside)
            })
            .collect()
    }
}
