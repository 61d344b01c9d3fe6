//! Tiles seen from above, on which every tag can be seen: forest, fields, rivers, roads, weather.

use rand::Rng;

use super::canvas::Canvas;
use super::colour::Colour;
use super::land;
use super::noise::Noise;
use super::strokes::{SIZE, Strokes};

/// Something a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Agriculture,
    ArtisanalMine,
    BareGround,
    Blooming,
    BlowDown,
    Clear,
    Cloudy,
    ConventionalMine,
    Cultivation,
    Habitation,
    Haze,
    PartlyCloudy,
    Primary,
    Road,
    SelectiveLogging,
    SlashBurn,
    Water,
    /// A tag that no painter knows, the so-manieth of its competition: a pond of a colour and
    /// a number of corners of its own.
    Marked(usize),
}

type Painter = fn(&mut Canvas, &mut Strokes);

/// From the ground up, so that a road crosses a field and a river cuts through both.
const ORDER: [(Feature, Painter); 8] = [
    (Feature::Agriculture, land::fields),
    (Feature::Cultivation, land::clearings),
    (Feature::BareGround, land::bare_ground),
    (Feature::SlashBurn, land::slash_burn),
    (Feature::ConventionalMine, land::terraces),
    (Feature::BlowDown, land::fallen_trees),
    (Feature::Blooming, land::blossoms),
    (Feature::SelectiveLogging, land::logging),
];

/// A picture of a tile with these features.
pub(super) fn picture(features: &[Feature], rng: &mut impl Rng) -> Canvas {
    let shows = |feature| features.contains(&feature);
    let mut tile = Canvas::new(SIZE, SIZE);
    ground(&mut tile, shows(Feature::Primary), rng);

    let mut strokes = Strokes::new(rng.random());
    for (feature, paint) in ORDER {
        if shows(feature) {
            paint(&mut tile, &mut strokes);
        }
    }
    for feature in features {
        if let Feature::Marked(index) = feature {
            land::mark(&mut tile, *index, &mut strokes);
        }
    }
    if shows(Feature::Water) {
        land::river(&mut tile, shows(Feature::ArtisanalMine), &mut strokes);
    }
    if shows(Feature::Road) {
        land::road(&mut tile, shows(Feature::Habitation), &mut strokes);
    } else if shows(Feature::Habitation) {
        let at = strokes.anywhere();
        land::houses(&mut tile, at, 14, &mut strokes);
    }
    tile.develop(rng);
    weather(&mut tile, features, rng);
    tile
}

/// Canopy where there is forest, scrub or pasture elsewhere.
fn ground(tile: &mut Canvas, forest: bool, rng: &mut impl Rng) {
    let size = SIZE as f32;
    let land = if forest {
        Colour::hsv(
            rng.random_range(95.0..150.0),
            rng.random_range(0.4..0.65),
            rng.random_range(0.22..0.36),
        )
    } else {
        Colour::hsv(
            rng.random_range(45.0..95.0),
            rng.random_range(0.25..0.5),
            rng.random_range(0.4..0.6),
        )
    };
    tile.rectangle((0.0, 0.0), (size, size), land);
    tile.texture(Noise::new(rng.random()), rng.random_range(22.0..60.0), 0.28);
    if forest {
        for _ in 0..450 {
            let at = (rng.random_range(0.0..size), rng.random_range(0.0..size));
            let radius = rng.random_range(1.5..3.9_f32);
            let crown = land.shade(rng.random_range(0.7..1.5));
            tile.ellipse((at.0 + 0.7, at.1 + 0.8), (radius, radius), land.shade(0.55).opacity(0.7));
            tile.ellipse(at, (radius, radius * 0.9), crown.opacity(0.75));
        }
    }
    tile.texture(Noise::new(rng.random()), 2.2, 0.22);
}

/// Clouds, veils, or nothing between the camera and the ground.
fn weather(tile: &mut Canvas, features: &[Feature], rng: &mut impl Rng) {
    let noise = Noise::new(rng.random());
    let drift = Noise::new(rng.random());
    let veil = |tile: &mut Canvas, white: f32, opacity: &dyn Fn(f32, f32) -> f32| {
        tile.each_pixel(|x, y, colour| {
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
                tile.each_pixel(|x, y, colour| {
                    let shade = 1.0 - 0.22 * drift.cloudy(x / 30.0, y / 30.0);
                    colour.map(|value| value * shade)
                });
            }
            _ => {}
        }
    }
}
