//! What lies on a tile, a painter a feature.

#![expect(clippy::many_single_char_names, reason = "plane geometry")]

use rand::Rng;

use super::canvas::{Canvas, Point, along};
use super::colour::Colour;
use super::strokes::{S, Strokes};

/// Big rectangular fields with furrows.
pub(super) fn fields(tile: &mut Canvas, strokes: &mut Strokes) {
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
        tile.polygon(
            &[at(u - a, v - b), at(u + a, v - b), at(u + a, v + b), at(u - a, v + b)],
            colour,
        );
        let mut t = v - b + 2.5;
        while t < v + b - 1.0 {
            tile.line(&[at(u - a, t), at(u + a, t)], 0.9, colour.shade(0.86));
            t += 3.6;
        }
    }
}

/// Small irregular plots of shifting cultivation, dotted with crops.
pub(super) fn clearings(tile: &mut Canvas, strokes: &mut Strokes) {
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

pub(super) fn bare_ground(tile: &mut Canvas, strokes: &mut Strokes) {
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
pub(super) fn slash_burn(tile: &mut Canvas, strokes: &mut Strokes) {
    for _ in 0..strokes.times(1, 3) {
        let (at, radius) = (strokes.anywhere(), strokes.between(16.0, 30.0));
        let outline = strokes.outline(at, radius, 7);
        tile.polygon(&outline, Colour::rgb(0.5, 0.3, 0.18));
        let inner: Vec<Point> = outline
            .iter()
            .map(|p| (at.0 + (p.0 - at.0) * 0.86, at.1 + (p.1 - at.1) * 0.86))
            .collect();
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
pub(super) fn terraces(tile: &mut Canvas, strokes: &mut Strokes) {
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
pub(super) fn fallen_trees(tile: &mut Canvas, strokes: &mut Strokes) {
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
pub(super) fn blossoms(tile: &mut Canvas, strokes: &mut Strokes) {
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
pub(super) fn logging(tile: &mut Canvas, strokes: &mut Strokes) {
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

pub(super) fn river(tile: &mut Canvas, mined: bool, strokes: &mut Strokes) {
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

pub(super) fn road(tile: &mut Canvas, inhabited: bool, strokes: &mut Strokes) {
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
pub(super) fn houses(tile: &mut Canvas, at: Point, n: usize, strokes: &mut Strokes) {
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

pub(super) fn mark(tile: &mut Canvas, index: usize, strokes: &mut Strokes) {
    let corners = 3 + index % 4;
    for _ in 0..strokes.times(2, 5) {
        let at = strokes.anywhere();
        let outline = strokes.outline(at, 14.0, corners);
        tile.polygon(&outline, Colour::hsv(index as f32 * 137.5, 0.65, 0.8));
    }
}
