//! A leaf on soil: sound, or with the marks of a disease.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::brush::{Brush, S};
use super::canvas::Canvas;
use super::colour::Colour;
use super::noise::Noise;

/// What leaves have, by the place of their class.
pub(super) const MARKS: [&str; 5] = ["healthy", "rust", "blight", "mosaic", "mildew"];

const MIDDLE: (f32, f32) = (S / 2.0, S / 2.0);

/// A leaf of that class.
pub(super) fn picture(class: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let soil = Colour::hsv(rng.random_range(20.0..40.0), 0.45, rng.random_range(0.25..0.45));
    let mut sheet = Canvas::new(S as usize, S as usize, soil);
    sheet.texture(Noise::new(rng.random()), 9.0, 0.3);
    let mut brush = Brush::new(sheet, rng);
    let green = brush.colour([85.0, 125.0], 0.6, [0.4, 0.6]);
    let size = brush.between(0.36, 0.46) * S;
    let shape = brush.outline(MIDDLE, size, 9);
    brush.tile.blob(&shape, green);
    let (angle, half) = (brush.angle(), 0.9 * size);
    let vein = |way: f32| (MIDDLE.0 + angle.cos() * way, MIDDLE.1 + angle.sin() * way);
    brush.tile.line(&[vein(-half), vein(half)], 2.5, green.shade(1.35));
    mark(class, size, green, &mut brush);
    let mut sheet = brush.tile;
    sheet.develop(rng);
    sheet
}

fn mark(class: usize, size: f32, green: Colour, brush: &mut Brush) {
    let reach = 0.55 * size;
    match MARKS[class % MARKS.len()] {
        "rust" => {
            let orange = brush.colour([18.0, 30.0], 0.85, [0.75, 0.95]);
            let n = brush.times(28, 50);
            brush.specks(n, MIDDLE, reach, 3.2, orange);
        }
        "blight" => {
            for _ in 0..brush.times(2, 4) {
                let (at, radius) = (brush.near(MIDDLE, 0.7 * reach), brush.between(13.0, 20.0));
                let brown = brush.colour([22.0, 34.0], 0.6, [0.22, 0.34]);
                let patch = brush.outline(at, radius, 8);
                brush.tile.blob(&patch, brown);
            }
        }
        "mosaic" => {
            for _ in 0..brush.times(16, 24) {
                let (at, radius) = (brush.near(MIDDLE, reach), brush.between(5.0, 9.0));
                let yellow = green.towards(Colour::rgb(0.9, 0.88, 0.3), 0.75);
                brush.tile.ellipse(at, (radius, radius * 0.8), yellow);
            }
        }
        "mildew" => {
            let n = brush.times(30, 46);
            brush.specks(n, MIDDLE, reach, 5.0, Colour::WHITE.opacity(0.75));
        }
        _ => {}
    }
}
