//! Tiles seen from above, on which every tag can be seen: forest, fields, rivers, roads, weather.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::brush::{Brush, S};
use super::canvas::Canvas;
use super::colour::Colour;
use super::land;
use super::noise::Noise;
use super::tags::Feature;

/// A picture of a tile with these features.
pub(super) fn picture(features: &[Feature], rng: &mut ChaCha8Rng) -> Canvas {
    let mut brush = Brush::new(ground(features.contains(&Feature::Primary), rng), rng);
    land::paint(features, &mut brush);
    let mut tile = brush.tile;
    tile.develop(rng);
    weather(&mut tile, features, rng);
    tile
}

/// Canopy where there is forest, scrub or pasture elsewhere.
fn ground(forest: bool, rng: &mut ChaCha8Rng) -> Canvas {
    let (hue, saturation, value) = if forest {
        (95.0..150.0, 0.4..0.65, 0.22..0.36)
    } else {
        (45.0..95.0, 0.25..0.5, 0.4..0.6)
    };
    let land =
        Colour::hsv(rng.random_range(hue), rng.random_range(saturation), rng.random_range(value));
    let mut tile = Canvas::new(S as usize, S as usize, land);
    tile.texture(Noise::new(rng.random()), rng.random_range(22.0..60.0), 0.28);
    if forest {
        for _ in 0..450 {
            let (x, y) = (rng.random_range(0.0..S), rng.random_range(0.0..S));
            let radius = rng.random_range(1.5..3.9_f32);
            let crown = land.shade(rng.random_range(0.7..1.5));
            tile.ellipse((x + 0.7, y + 0.8), (radius, radius), land.shade(0.55).opacity(0.7));
            tile.ellipse((x, y), (radius, radius * 0.9), crown.opacity(0.75));
        }
    }
    tile.texture(Noise::new(rng.random()), 2.2, 0.22);
    tile
}

/// Clouds, veils, or nothing between the camera and the ground.
fn weather(tile: &mut Canvas, features: &[Feature], rng: &mut ChaCha8Rng) {
    let noise = Noise::new(rng.random());
    let veil = |tile: &mut Canvas, white: f32, opacity: &dyn Fn(f32, f32) -> f32| {
        tile.each_pixel(|(x, y), colour| {
            let t = opacity(x, y).clamp(0.0, 1.0);
            colour.map(|value| value + (white - value) * t)
        });
    };
    for feature in features {
        match feature {
            Feature::Haze => {
                let (thick, thin) = (rng.random_range(0.28..0.5), rng.random_range(0.2..0.5));
                veil(tile, 0.82, &|x, y| thick + thin * (noise.cloudy(x / 60.0, y / 60.0) - 0.5));
            }
            Feature::PartlyCloudy => {
                let (grain, cover) = (rng.random_range(26.0..48.0), rng.random_range(0.5..0.58));
                let density = |x: f32, y: f32| (noise.cloudy(x / grain, y / grain) - cover) * 5.0;
                // The shadow first, cast to the lower left.
                veil(tile, 0.03, &|x, y| density(x + 9.0, y - 10.0).min(0.55));
                veil(tile, 0.97, &|x, y| density(x, y).min(0.96));
            }
            Feature::Cloudy => {
                let light = rng.random_range(0.7..0.95);
                veil(tile, light, &|x, y| 0.86 + 0.25 * (noise.cloudy(x / 40.0, y / 40.0) - 0.4));
                tile.texture(Noise::new(rng.random()), 30.0, 0.11);
            }
            _ => {}
        }
    }
}
