//! Value noise: random heights on a grid, smoothly joined (Perlin's "turbulence" when summed).

/// A field of numbers in `[0, 1]` over the plane.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    seed: u32,
}

impl Noise {
    pub(super) fn new(seed: u32) -> Self {
        Self { seed }
    }

    /// One octave; a grid cell is one unit wide.
    pub(super) fn smooth(self, x: f32, y: f32) -> f32 {
        // `floor` is a call to libm on a plain x86-64, and this is the innermost loop.
        let floor = |value: f32| value as i32 - i32::from(value < 0.0);
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (column, row) = (floor(x), floor(y));
        let (u, v) = (ease(x - column as f32), ease(y - row as f32));
        let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
        let above = mix(self.at(column, row), self.at(column + 1, row), u);
        let below = mix(self.at(column, row + 1), self.at(column + 1, row + 1), u);
        mix(above, below, v)
    }

    /// Three octaves, each half as wide and half as high as the one before.
    pub(super) fn cloudy(self, x: f32, y: f32) -> f32 {
        let finer = Self::new(self.seed.wrapping_add(1));
        let finest = Self::new(self.seed.wrapping_add(2));
        (4.0 * self.smooth(x, y)
            + 2.0 * finer.smooth(2.0 * x, 2.0 * y)
            + finest.smooth(4.0 * x, 4.0 * y))
            / 7.0
    }

    /// A hash of a grid point (the finaliser of `MurmurHash3`).
    fn at(self, column: i32, row: i32) -> f32 {
        let mut h = self.seed ^ (column as u32).wrapping_mul(0x9e37_79b1);
        h ^= (row as u32).wrapping_mul(0x85eb_ca77);
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^= h >> 16;
        (h >> 8) as f32 / (1 << 24) as f32
    }
}
