//! Tiles seen from above, on which every tag can be seen: forest, fields, rivers, roads, weather.

use rand::Rng;

use super::canvas::{Canvas, Point, along};
use super::colour::Colour;
use super::noise::Noise;

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

/// All tiles of a competition have one size, in pixels.
const SIZE: u32 = 176;
const S: f32 = SIZE as f32;

/// A picture of a tile with these features.
pub(super) fn picture(features: &[Feature], rng: &mut impl Rng) -> Canvas {
    let shows = |feature| features.contains(&feature);
    let mut tile = Canvas::new(SIZE, SIZE);
    ground(&mut tile, shows(Feature::Primary), rng);

    // From the ground up, so that a road crosses a field and a river cuts through both.
    const ORDER: [(Feature, fn(&mut Canvas, &mut Strokes)); 8] = [
        (Feature::Agriculture, fields),
        (Feature::Cultivation, clearings),
        (Feature::BareGround, bare_ground),
        (Feature::SlashBurn, slash_burn),
        (Feature::ConventionalMine, terraces),
        (Feature::BlowDown, fallen_trees),
        (Feature::Blooming, blossoms),
        (Feature::SelectiveLogging, logging),
    ];
    let seeds = rng.random();
    let mut strokes = Strokes::new(seeds);
    for (feature, paint) in ORDER {
        if shows(feature) {
            paint(&mut tile, &mut strokes);
        }
    }
    for feature in features {
        if let Feature::Marked(index) = feature {
            mark(&mut tile, *index, &mut strokes);
        }
    }
    if shows(Feature::Water) {
        river(&mut tile, shows(Feature::ArtisanalMine), &mut strokes);
    }
    if shows(Feature::Road) {
        road(&mut tile, shows(Feature::Habitation), &mut strokes);
    } else if shows(Feature::Habitation) {
        let at = strokes.anywhere();
        houses(&mut tile, at, 14, &mut strokes);
    }
    tile.develop(rng);
    weather(&mut tile, features, rng);
    tile
}

/// The random numbers of the painters, so that they are plain functions in a table.
struct Strokes(rand_chacha::ChaCha8Rng);

impl Strokes {
    fn new(seed: u64) -> Self {
        Self(rand::SeedableRng::seed_from_u64(seed))
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0.random_range(low..high)
    }

    fn anywhere(&mut self) -> Point {
        (self.between(0.1 * S, 0.9 * S), self.between(0.1 * S, 0.9 * S))
    }

    fn angle(&mut self) -> f32 {
        self.between(0.0, std::f32::consts::TAU)
    }

    fn times(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..high)
    }

    /// A wobbly outline around a point.
    fn outline(&mut self, (x, y): Point, radius: f32, corners: usize) -> Vec<Point> {
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
    fn crossing(&mut self, bend: f32) -> Vec<Point> {
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

/// Canopy where there is forest, scrub or pasture elsewhere.
fn ground(tile: &mut Canvas, forest: bool, rng: &mut impl Rng) {
    let land = if forest {
        Colour::hsv(rng.random_range(95.0..150.0), rng.random_range(0.4..0.65), rng.random_range(0.22..0.36))
    } else {
        Colour::hsv(rng.random_range(45.0..95.0), rng.random_range(0.25..0.5), rng.random_range(0.4..0.6))
    };
    tile.rectangle((0.0, 0.0), (S, S), land);
    tile.texture(Noise::new(rng.random()), rng.random_range(22.0..60.0), 0.28);
    if forest {
        for _ in 0..450 {
            let at = (rng.random_range(0.0..S), rng.random_range(0.0..S));
            let radius = rng.random_range(1.5..3.9_f32);
            let crown = land.shade(rng.random_range(0.7..1.5));
            tile.ellipse((at.0 + 0.7, at.1 + 0.8), (radius, radius), land.shade(0.55).opacity(0.7));
            tile.ellipse(at, (radius, radius * 0.9), crown.opacity(0.75));
        }
    }
    tile.texture(Noise::new(rng.random()), 2.2, 0.22);
}

/// Big rectangular fields with furrows.
fn fields(tile: &mut Canvas, strokes: &mut Strokes) {
    let slant = strokes.angle();
    let (dx, dy) = (slant.cos(), slant.sin());
    let middle = strokes.anywhere();
    for _ in 0..strokes.times(2, 6) {
        let (u, v) = (strokes.between(-0.4, 0.4) * S, strokes.between(-0.4, 0.4) * S);
        let (a, b) = (strokes.between(0.12, 0.26) * S, strokes.between(0.1, 0.2) * S);
        let at = |s: f32, t: f32| (middle.0 + dx * s - dy * t, middle.1 + dy * s + dx * t);
        let colour = Colour::hsv(
            strokes.between(35.0, 85.0),
            strokes.between(0.25, 0.5),
            strokes.between(0.45, 0.72),
        );
        tile.polygon(&[at(u - a, v - b), at(u + a, v - b), at(u + a, v + b), at(u - a, v + b)], colour);
        let mut t = v - b + 2.5;
        while t < v + b - 1.0 {
            tile.line(&[at(u - a, t), at(u + a, t)], 0.9, colour.shade(0.86));
            t += 3.6;
        }
    }
}

/// Small irregular plots of shifting cultivation, dotted with crops.
fn clearings(tile: &mut Canvas, strokes: &mut Strokes) {
    for _ in 0..strokes.times(3, 7) {
        let (at, radius) = (strokes.anywhere(), strokes.between(6.0, 14.0));
        let outline = strokes.outline(at, radius, 6);
        let hue = strokes.between(72.0, 100.0);
        let plot = Colour::hsv(hue, 0.5, strokes.between(0.5, 0.66));
        tile.blob(&outline, plot);
        for _ in 0..14 {
            let dot = (
                at.0 + strokes.between(-0.7, 0.7) * radius,
                at.1 + strokes.between(-0.7, 0.7) * radius,
            );
            tile.ellipse(dot, (1.1, 1.1), plot.shade(0.65));
        }
    }
}

fn bare_ground(tile: &mut Canvas, strokes: &mut Strokes) {
    for _ in 0..strokes.times(1, 4) {
        let (at, radius) = (strokes.anywhere(), strokes.between(14.0, 34.0));
        let soil = Colour::hsv(strokes.between(20.0, 36.0), 0.38, strokes.between(0.62, 0.8));
        let outline = strokes.outline(at, radius, 9);
        tile.blob(&outline, soil);
        for _ in 0..30 {
            let grain = (
                at.0 + strokes.between(-0.6, 0.6) * radius,
                at.1 + strokes.between(-0.6, 0.6) * radius,
            );
            tile.ellipse(grain, (1.6, 1.2), soil.shade(strokes.between(0.82, 1.12)));
        }
    }
}

/// A burnt plot: black ground, ash, an orange rim.
fn slash_burn(tile: &mut Canvas, strokes: &mut Strokes) {
    for _ in 0..strokes.times(1, 3) {
        let (at, radius) = (strokes.anywhere(), strokes.between(16.0, 30.0));
        let outline = strokes.outline(at, radius, 7);
        tile.polygon(&outline, Colour::rgb(0.5, 0.3, 0.18));
        let inner: Vec<Point> =
            outline.iter().map(|p| (at.0 + (p.0 - at.0) * 0.86, at.1 + (p.1 - at.1) * 0.86)).collect();
        tile.polygon(&inner, Colour::rgb(0.14, 0.11, 0.1));
        for _ in 0..26 {
            let ash = (
                at.0 + strokes.between(-0.55, 0.55) * radius,
                at.1 + strokes.between(-0.55, 0.55) * radius,
            );
            let grey = strokes.between(0.35, 0.65);
            tile.ellipse(ash, (1.8, 1.2), Colour::rgb(grey, grey, grey));
        }
    }
}

/// An open pit in steps.
fn terraces(tile: &mut Canvas, strokes: &mut Strokes) {
    let (at, radius) = (strokes.anywhere(), strokes.between(30.0, 48.0));
    let outline = strokes.outline(at, radius, 8);
    let stone = Colour::hsv(strokes.between(15.0, 45.0), 0.25, 0.72);
    for step in 0..6 {
        let scale = 1.0 - step as f32 * 0.16;
        let ring: Vec<Point> = outline
            .iter()
            .map(|p| (at.0 + (p.0 - at.0) * scale, at.1 + (p.1 - at.1) * scale))
            .collect();
        tile.blob(&ring, stone.shade(if step % 2 == 0 { 1.0 - step as f32 * 0.06 } else { 0.7 }));
    }
    tile.ellipse(at, (radius * 0.14, radius * 0.1), Colour::rgb(0.3, 0.55, 0.56));
}

/// A fan of trunks that a gust laid down.
fn fallen_trees(tile: &mut Canvas, strokes: &mut Strokes) {
    let at = strokes.anywhere();
    let angle = strokes.angle();
    let scar = strokes.outline(at, 30.0, 8);
    tile.blob(&scar, Colour::rgb(0.4, 0.42, 0.26));
    for _ in 0..60 {
        let from = (at.0 + strokes.between(-26.0, 26.0), at.1 + strokes.between(-26.0, 26.0));
        let (angle, length) = (angle + strokes.between(-0.25, 0.25), strokes.between(6.0, 14.0));
        let to = (from.0 + angle.cos() * length, from.1 + angle.sin() * length);
        tile.line(&[from, to], 1.3, Colour::rgb(0.78, 0.72, 0.58).shade(strokes.between(0.7, 1.1)));
    }
}

/// Crowns in flower, scattered over the canopy.
fn blossoms(tile: &mut Canvas, strokes: &mut Strokes) {
    let hue = [52.0, 320.0, 285.0][strokes.times(0, 3)];
    for _ in 0..strokes.times(30, 60) {
        let at = strokes.anywhere();
        let flower = Colour::hsv(hue, strokes.between(0.35, 0.65), 0.92);
        for _ in 0..3 {
            let petal = (at.0 + strokes.between(-1.8, 1.8), at.1 + strokes.between(-1.8, 1.8));
            tile.ellipse(petal, (1.6, 1.5), flower);
        }
    }
}

/// Thin branching tracks that end in small gaps in the canopy.
fn logging(tile: &mut Canvas, strokes: &mut Strokes) {
    let soil = Colour::rgb(0.6, 0.45, 0.3);
    let trunk = strokes.crossing(0.08);
    tile.line(&trunk, 1.4, soil);
    for i in 0..9 {
        let from = along(&trunk, 0.15 + i as f32 * 0.08);
        let (angle, length) = (strokes.angle(), strokes.between(12.0, 30.0));
        let to = (from.0 + angle.cos() * length, from.1 + angle.sin() * length);
        tile.line(&[from, to], 1.0, soil.shade(0.9));
        tile.ellipse(to, (3.2, 2.6), soil.shade(1.15));
        tile.ellipse((to.0 + 1.0, to.1 + 0.8), (1.4, 1.0), Colour::rgb(0.3, 0.26, 0.18));
    }
}

fn river(tile: &mut Canvas, mined: bool, strokes: &mut Strokes) {
    let course = strokes.crossing(0.13);
    let hue = if strokes.0.random_bool(0.5) { 32.0 } else { 205.0 };
    let water = Colour::hsv(hue + strokes.between(-10.0, 10.0), 0.45, strokes.between(0.25, 0.5));
    let width = strokes.between(7.0, 26.0);
    tile.line(&course, width + 3.0, Colour::rgb(0.66, 0.6, 0.44));
    tile.line(&course, width, water);
    tile.line(&course, width * 0.4, water.shade(1.12).opacity(0.6));
    if !mined {
        return;
    }
    // Gold diggers' pits along the bank: pale sand with turquoise pools.
    for i in 0..7 {
        let (x, y) = along(&course, 0.2 + i as f32 * 0.09);
        let at = (x + strokes.between(-16.0, 16.0), y + strokes.between(-16.0, 16.0));
        let bank = strokes.outline(at, 10.0, 7);
        tile.blob(&bank, Colour::rgb(0.85, 0.77, 0.6));
        let pool = Colour::hsv(strokes.between(165.0, 190.0), 0.5, 0.72);
        tile.ellipse(at, (strokes.between(2.5, 5.0), strokes.between(2.0, 4.0)), pool);
    }
}

fn road(tile: &mut Canvas, inhabited: bool, strokes: &mut Strokes) {
    let n = strokes.times(1, 3);
    for i in 0..n {
        let course = strokes.crossing(0.025);
        let dust = Colour::hsv(strokes.between(18.0, 38.0), strokes.between(0.15, 0.4), 0.78);
        tile.line(&course, strokes.between(2.0, 3.4), dust);
        if inhabited && i == 0 {
            let at = along(&course, strokes.between(0.4, 0.6));
            houses(tile, at, 26, strokes);
        }
    }
}

/// A village: small bright roofs, each with its shadow.
fn houses(tile: &mut Canvas, at: Point, n: usize, strokes: &mut Strokes) {
    for _ in 0..n {
        let (x, y) = (at.0 + strokes.between(-26.0, 26.0), at.1 + strokes.between(-20.0, 20.0));
        let (w, h) = (strokes.between(3.0, 6.5), strokes.between(3.0, 5.5));
        let roof = match strokes.times(0, 3) {
            0 => Colour::rgb(0.92, 0.92, 0.9),
            1 => Colour::rgb(0.75, 0.45, 0.36),
            _ => Colour::rgb(0.72, 0.74, 0.78),
        };
        tile.rectangle((x + 1.2, y + 1.2), (x + w + 1.2, y + h + 1.2), Colour::BLACK.opacity(0.6));
        tile.rectangle((x, y), (x + w, y + h), roof);
    }
}

fn mark(tile: &mut Canvas, index: usize, strokes: &mut Strokes) {
    let corners = 3 + index % 4;
    for _ in 0..strokes.times(2, 5) {
        let at = strokes.anywhere();
        let outline = strokes.outline(at, 14.0, corners);
        tile.polygon(&outline, Colour::hsv(index as f32 * 137.5, 0.65, 0.8));
    }
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
