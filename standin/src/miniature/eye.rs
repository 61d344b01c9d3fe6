//! The back of an eye, with the more bleedings and deposits the higher its level.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::brush::{Brush, S};
use super::canvas::Canvas;
use super::colour::Colour;
use super::noise::Noise;

const MIDDLE: (f32, f32) = (S / 2.0, S / 2.0);

/// An eye of that level, of levels from 0 to `highest`.
pub(super) fn picture(level: usize, highest: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let mut sheet = Canvas::new(S as usize, S as usize, Colour::rgb(0.02, 0.02, 0.02));
    let ground = Colour::hsv(rng.random_range(12.0..28.0), 0.8, rng.random_range(0.6..0.8));
    sheet.ellipse(MIDDLE, (0.47 * S, 0.47 * S), ground);
    sheet.texture(Noise::new(rng.random()), 30.0, 0.1);
    let mut brush = Brush::new(sheet, rng);
    let disc = brush.near((0.3 * S, MIDDLE.1), 8.0);
    for _ in 0..6 {
        let angle = brush.angle();
        let (near, far) = (brush.off(disc, angle, 20.0, 34.0), brush.off(disc, angle, 38.0, 50.0));
        brush.tile.line(&[disc, near, far], 2.2, Colour::rgb(0.45, 0.08, 0.06));
    }
    brush.tile.ellipse(disc, (14.0, 16.0), Colour::rgb(0.97, 0.87, 0.55));
    let share = level as f32 / highest.max(1) as f32;
    let count = |most: f32, brush: &mut Brush| (most * share * brush.between(0.85, 1.15)) as usize;
    let (n_red, n_yellow) = (count(34.0, &mut brush), count(22.0, &mut brush));
    brush.specks(n_red, MIDDLE, 0.3 * S, 4.2, Colour::rgb(0.32, 0.02, 0.02));
    brush.specks(n_yellow, MIDDLE, 0.3 * S, 3.4, Colour::rgb(0.98, 0.93, 0.5));
    let mut sheet = brush.tile;
    sheet.develop(rng);
    sheet
}
