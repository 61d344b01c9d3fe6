//! What lies on a tile, a painter a feature.

#![expect(clippy::many_single_char_names, reason = "plane geometry")]

use super::brush::{Brush, S, shrunk};
use super::canvas::Point;
use super::colour::Colour;
use super::tags::Feature;

type Painter = fn(&mut Brush);

/// From the ground up, so that a road crosses a field and a river cuts through both.
const ORDER: [(Feature, Painter); 8] = [
    (Feature::Agriculture, fields),
    (Feature::Cultivation, clearings),
    (Feature::BareGround, bare_ground),
    (Feature::SlashBurn, slash_burn),
    (Feature::ConventionalMine, terraces),
    (Feature::BlowDown, fallen_trees),
    (Feature::Blooming, blossoms),
    (Feature::SelectiveLogging, logging),
];

pub(super) fn paint(features: &[Feature], brush: &mut Brush) {
    let shows = |feature| features.contains(&feature);
    for (feature, painter) in ORDER {
        if shows(feature) {
            painter(brush);
        }
    }
    for feature in features {
        if let Feature::Marked(index) = feature {
            mark(*index, brush);
        }
    }
    if shows(Feature::Water) {
        river(shows(Feature::ArtisanalMine), brush);
    }
    let village = if shows(Feature::Road) { road(brush) } else { brush.anywhere() };
    if shows(Feature::Habitation) {
        houses(village, brush);
    }
}

/// Big rectangular fields with furrows.
fn fields(brush: &mut Brush) {
    let (dy, dx) = brush.angle().sin_cos();
    let middle = brush.anywhere();
    for _ in 0..brush.times(2, 6) {
        let (u, v) = brush.near((0.0, 0.0), 0.4 * S);
        let (a, b) = (brush.between(0.12, 0.26) * S, brush.between(0.1, 0.2) * S);
        let at = |s: f32, t: f32| (middle.0 + dx * s - dy * t, middle.1 + dy * s + dx * t);
        let saturation = brush.between(0.25, 0.5);
        let colour = brush.colour([35.0, 85.0], saturation, [0.45, 0.72]);
        let corners = [at(u - a, v - b), at(u + a, v - b), at(u + a, v + b), at(u - a, v + b)];
        brush.tile.polygon(&corners, colour);
        let mut t = v - b + 2.5;
        while t < v + b - 1.0 {
            brush.tile.line(&[at(u - a, t), at(u + a, t)], 0.9, colour.shade(0.86));
            t += 3.6;
        }
    }
}

/// Small irregular plots of shifting cultivation, dotted with crops.
fn clearings(brush: &mut Brush) {
    for _ in 0..brush.times(3, 7) {
        let (at, radius) = (brush.anywhere(), brush.between(6.0, 14.0));
        let plot = brush.colour([72.0, 100.0], 0.5, [0.5, 0.66]);
        let outline = brush.outline(at, radius, 6);
        brush.tile.blob(&outline, plot);
        brush.specks(14, at, 0.7 * radius, 1.1, plot.shade(0.65));
    }
}

fn bare_ground(brush: &mut Brush) {
    for _ in 0..brush.times(1, 4) {
        let (at, radius) = (brush.anywhere(), brush.between(14.0, 34.0));
        let soil = brush.colour([20.0, 36.0], 0.38, [0.62, 0.8]);
        let outline = brush.outline(at, radius, 9);
        brush.tile.blob(&outline, soil);
        brush.specks(30, at, 0.6 * radius, 1.6, soil);
    }
}

/// A burnt plot: black ground, ash, an orange rim.
fn slash_burn(brush: &mut Brush) {
    for _ in 0..brush.times(1, 3) {
        let (at, radius) = (brush.anywhere(), brush.between(16.0, 30.0));
        let outline = brush.outline(at, radius, 7);
        brush.tile.polygon(&outline, Colour::rgb(0.5, 0.3, 0.18));
        brush.tile.polygon(&shrunk(&outline, at, 0.86), Colour::rgb(0.14, 0.11, 0.1));
        brush.specks(26, at, 0.55 * radius, 1.8, Colour::rgb(0.5, 0.5, 0.5));
    }
}

/// An open pit in steps.
fn terraces(brush: &mut Brush) {
    let (at, radius) = (brush.anywhere(), brush.between(30.0, 48.0));
    let outline = brush.outline(at, radius, 8);
    let stone = brush.colour([15.0, 45.0], 0.25, [0.7, 0.75]);
    for step in 0_u8..6 {
        let down = f32::from(step);
        let light = if step % 2 == 0 { 1.0 - down * 0.06 } else { 0.7 };
        brush.tile.blob(&shrunk(&outline, at, 1.0 - down * 0.16), stone.shade(light));
    }
    brush.tile.ellipse(at, (radius * 0.14, radius * 0.1), Colour::rgb(0.3, 0.55, 0.56));
}

/// A fan of trunks that a gust laid down.
fn fallen_trees(brush: &mut Brush) {
    let (at, wind) = (brush.anywhere(), brush.angle());
    let scar = brush.outline(at, 30.0, 8);
    brush.tile.blob(&scar, Colour::rgb(0.4, 0.42, 0.26));
    for _ in 0..60 {
        let (from, turn) = (brush.near(at, 26.0), brush.between(-0.25, 0.25));
        let to = brush.off(from, wind + turn, 6.0, 14.0);
        let light = brush.between(0.7, 1.1);
        brush.tile.line(&[from, to], 1.3, Colour::rgb(0.78, 0.72, 0.58).shade(light));
    }
}

/// Crowns in flower, scattered over the canopy.
fn blossoms(brush: &mut Brush) {
    let hue = [52.0, 320.0, 285.0][brush.times(0, 3)];
    for _ in 0..brush.times(30, 60) {
        let (at, saturation) = (brush.anywhere(), brush.between(0.35, 0.65));
        brush.specks(3, at, 1.8, 1.6, Colour::hsv(hue, saturation, 0.92));
    }
}

/// Thin branching tracks that end in small gaps in the canopy.
fn logging(brush: &mut Brush) {
    let soil = Colour::rgb(0.6, 0.45, 0.3);
    let trunk = brush.crossing(0.08);
    brush.tile.line(&trunk, 1.4, soil);
    for i in 0..9 {
        let (from, angle) = (part_of_the_way(&trunk, 15 + i * 8), brush.angle());
        let to = brush.off(from, angle, 12.0, 30.0);
        brush.tile.line(&[from, to], 1.0, soil.shade(0.9));
        brush.tile.ellipse(to, (3.2, 2.6), soil.shade(1.15));
        brush.tile.ellipse((to.0 + 1.0, to.1 + 0.8), (1.4, 1.0), Colour::rgb(0.3, 0.26, 0.18));
    }
}

/// Where gold is dug, with pits along the bank: pale sand with turquoise pools.
fn river(mined: bool, brush: &mut Brush) {
    let course = brush.crossing(0.13);
    let hue = [32.0, 205.0][brush.times(0, 2)];
    let water = brush.colour([hue - 10.0, hue + 10.0], 0.45, [0.25, 0.5]);
    let width = brush.between(7.0, 26.0);
    brush.tile.line(&course, width + 3.0, Colour::rgb(0.66, 0.6, 0.44));
    brush.tile.line(&course, width, water);
    brush.tile.line(&course, width * 0.4, water.shade(1.12).opacity(0.6));
    for i in 0..if mined { 7 } else { 0 } {
        let at = brush.near(part_of_the_way(&course, 20 + i * 9), 16.0);
        let bank = brush.outline(at, 10.0, 7);
        brush.tile.blob(&bank, Colour::rgb(0.85, 0.77, 0.6));
        let pool = brush.colour([165.0, 190.0], 0.5, [0.7, 0.75]);
        let radii = (brush.between(2.5, 5.0), brush.between(2.0, 4.0));
        brush.tile.ellipse(at, radii, pool);
    }
}

/// One or two; a place beside the first.
fn road(brush: &mut Brush) -> Point {
    let mut beside = None;
    for _ in 0..brush.times(1, 3) {
        let (course, saturation) = (brush.crossing(0.025), brush.between(0.15, 0.4));
        let dust = brush.colour([18.0, 38.0], saturation, [0.75, 0.8]);
        let width = brush.between(2.0, 3.4);
        brush.tile.line(&course, width, dust);
        let place = part_of_the_way(&course, brush.times(40, 60));
        beside.get_or_insert(place);
    }
    beside.unwrap_or_default()
}

/// A village: small bright roofs, each with its shadow.
fn houses(at: Point, brush: &mut Brush) {
    const ROOFS: [Colour; 3] = [
        Colour::rgb(0.92, 0.92, 0.9),
        Colour::rgb(0.75, 0.45, 0.36),
        Colour::rgb(0.72, 0.74, 0.78),
    ];
    for _ in 0..24 {
        let (x, y) = brush.near(at, 24.0);
        let (right, down) = (x + brush.between(3.0, 6.5), y + brush.between(3.0, 5.5));
        let shadow = Colour::BLACK.opacity(0.6);
        brush.tile.rectangle((x + 1.2, y + 1.2), (right + 1.2, down + 1.2), shadow);
        let roof = ROOFS[brush.times(0, 3)];
        brush.tile.rectangle((x, y), (right, down), roof);
    }
}

fn mark(index: usize, brush: &mut Brush) {
    for _ in 0..brush.times(2, 5) {
        let at = brush.anywhere();
        let outline = brush.outline(at, 14.0, 3 + index % 4);
        brush.tile.polygon(&outline, Colour::hsv(index as f32 * 137.5, 0.65, 0.8));
    }
}

/// The point after so many hundredths of a course.
fn part_of_the_way(course: &[Point], percent: usize) -> Point {
    course[(course.len() - 1) * percent / 100]
}
