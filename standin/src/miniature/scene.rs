//! Places for a figure to stand: outdoors and indoors, with things lying about.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::canvas::{Canvas, Point};
use super::colour::Colour;
use super::noise::Noise;

/// Where a figure goes: its feet in pixels, pixels a unit (negative mirrors), a tilt in degrees.
pub(super) type Place = (Point, Point, f32);

/// A picture of some size with a figure in it that `draw` draws where it is told.
/// `extent` is its width and height in units.
pub(super) fn with_figure<R: Rng>(
    rng: &mut R,
    extent: Point,
    draw: impl FnOnce(&mut Canvas, Place, &mut R),
) -> Canvas {
    let (long, short) = (rng.random_range(168..200), rng.random_range(140..176));
    let (width, height) = if rng.random_bool(0.75) { (long, short) } else { (short, long) };
    let mut sheet = Canvas::new(width, height);
    let (w, h) = (width as f32, height as f32);
    let horizon = h * rng.random_range(0.45..0.7);
    let setting = *[Setting::Meadow, Setting::Room, Setting::Beach, Setting::Street]
        .choose(rng)
        .unwrap_or(&Setting::Meadow);
    match setting {
        Setting::Meadow => meadow(&mut sheet, horizon, rng),
        Setting::Room => room(&mut sheet, horizon, rng),
        Setting::Beach => beach(&mut sheet, horizon, rng),
        Setting::Street => street(&mut sheet, horizon, rng),
    }
    let size = (w / extent.0).min(h * 0.9 / extent.1) * rng.random_range(0.8..1.05);
    let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    // The head needs room on the side that it looks to.
    let slack = (w - size * extent.0).max(0.0) / 2.0;
    let middle = w / 2.0 - side * size * 0.14 + rng.random_range(-1.0..1.0) * slack;
    let feet = (middle, h * rng.random_range(0.88..0.97));
    sheet.ellipse((feet.0, feet.1), (size * 0.75, size * 0.09), Colour::BLACK.opacity(0.28));
    draw(&mut sheet, (feet, (size * side, size), rng.random_range(-5.0..5.0)), rng);
    if setting == Setting::Meadow {
        blades(&mut sheet, feet.1, rng);
    }
    sheet.develop(rng);
    sheet
}

#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Meadow,
    Room,
    Beach,
    Street,
}

/// The sky gets lighter in so many steps.
const BANDS: u32 = 12;

/// Two areas that meet at the horizon, each lightly textured.
fn areas(sheet: &mut Canvas, horizon: f32, above: Colour, below: Colour, rng: &mut impl Rng) {
    let (w, h) = sheet.size();
    for band in 0..BANDS {
        let t = band as f32 / BANDS as f32;
        let top = horizon * t;
        sheet.rectangle((0.0, top), (w, horizon), above.towards(Colour::WHITE, t * 0.3));
    }
    sheet.rectangle((0.0, horizon), (w, h), below);
    sheet.texture(Noise::new(rng.random()), rng.random_range(5.0..16.0), 0.12);
}

fn sky(rng: &mut impl Rng) -> Colour {
    Colour::hsv(
        rng.random_range(195.0..225.0),
        rng.random_range(0.1..0.5),
        rng.random_range(0.7..0.95),
    )
}

fn meadow(sheet: &mut Canvas, horizon: f32, rng: &mut impl Rng) {
    let (w, _) = sheet.size();
    let grass = Colour::hsv(rng.random_range(65.0..125.0), 0.5, rng.random_range(0.35..0.65));
    areas(sheet, horizon, sky(rng), grass, rng);
    let hill = grass.shade(0.75).towards(sky(rng), 0.25);
    let hills: Vec<Point> = (0..7)
        .map(|i| (w * (i as f32 / 5.0 - 0.1), horizon - rng.random_range(2.0..18.0)))
        .chain([(w * 1.1, horizon + 4.0), (-w * 0.1, horizon + 4.0)])
        .collect();
    sheet.blob(&hills, hill);
    for _ in 0..rng.random_range(0..5) {
        tree(sheet, (rng.random_range(0.0..w), horizon + 4.0), grass.shade(0.6), rng);
    }
}

fn tree(sheet: &mut Canvas, (x, y): Point, leaves: Colour, rng: &mut impl Rng) {
    let size = rng.random_range(8.0..22.0);
    sheet.line(&[(x, y), (x, y - size)], size * 0.22, Colour::rgb(0.36, 0.26, 0.18));
    for _ in 0..6 {
        let at = (x + rng.random_range(-0.6..0.6) * size, y - size * rng.random_range(1.0..1.9));
        sheet.ellipse(at, (size * 0.5, size * 0.45), leaves.vary(rng, 0.15));
    }
}

/// Grass in front of the paws.
fn blades(sheet: &mut Canvas, ground: f32, rng: &mut impl Rng) {
    let (w, h) = sheet.size();
    let green = Colour::hsv(rng.random_range(70.0..120.0), 0.55, 0.5);
    for _ in 0..rng.random_range(10..60) {
        let foot = (rng.random_range(0.0..w), ground + rng.random_range(-2.0..h * 0.1));
        let tip = (foot.0 + rng.random_range(-4.0..4.0), foot.1 - rng.random_range(4.0..12.0));
        sheet.line(&[foot, tip], 1.3, green.vary(rng, 0.25));
    }
}

fn room(sheet: &mut Canvas, horizon: f32, rng: &mut impl Rng) {
    let (w, h) = sheet.size();
    let hue = rng.random_range(0.0..360.0);
    let wall = Colour::hsv(hue, rng.random_range(0.05..0.35), rng.random_range(0.5..0.9));
    let floor = Colour::hsv(rng.random_range(15.0..45.0), 0.4, rng.random_range(0.35..0.7));
    areas(sheet, horizon, wall, floor, rng);
    for i in 0..6 {
        let y = horizon + (h - horizon) * i as f32 / 6.0;
        sheet.line(&[(0.0, y), (w, y)], 1.0, floor.shade(0.75));
    }
    sheet.line(&[(0.0, horizon), (w, horizon)], 4.0, wall.shade(1.15));
    if rng.random_bool(0.6) {
        let (x, y) = (rng.random_range(0.0..w * 0.8), horizon * rng.random_range(0.1..0.4));
        let (dx, dy) = (rng.random_range(18.0..50.0), rng.random_range(18.0..40.0));
        sheet.rectangle((x - 3.0, y - 3.0), (x + dx + 3.0, y + dy + 3.0), floor.shade(0.6));
        sheet.rectangle((x, y), (x + dx, y + dy), sky(rng));
        sheet.ellipse(
            (x + dx * 0.5, y + dy * 0.8),
            (dx * 0.35, dy * 0.18),
            Colour::hsv(100.0, 0.4, 0.5),
        );
    }
    if rng.random_bool(0.5) {
        let cloth = Colour::hsv(rng.random_range(0.0..360.0), 0.45, rng.random_range(0.3..0.8));
        let left = rng.random_range(-w * 0.3..w * 0.5);
        let sofa = (left + w * rng.random_range(0.5..0.8), horizon + 22.0);
        sheet.rectangle((left, horizon - 34.0), (sofa.0, sofa.1 - 12.0), cloth.shade(0.85));
        sheet.rectangle((left - 6.0, horizon - 12.0), (sofa.0 + 6.0, sofa.1), cloth);
        let seam = f32::midpoint(left, sofa.0);
        sheet.line(&[(seam, horizon - 32.0), (seam, sofa.1)], 1.5, cloth.shade(0.7));
    }
    if rng.random_bool(0.5) {
        let rug = Colour::hsv(rng.random_range(0.0..360.0), 0.4, 0.7);
        let middle = (w * rng.random_range(0.3..0.7), h * 0.9);
        sheet.ellipse(middle, (w * 0.45, h * 0.1), rug);
        sheet.ellipse(middle, (w * 0.37, h * 0.07), rug.shade(1.2));
    }
    ball(sheet, horizon, rng);
}

fn ball(sheet: &mut Canvas, horizon: f32, rng: &mut impl Rng) {
    if rng.random_bool(0.6) {
        return;
    }
    let (w, h) = sheet.size();
    let at = (rng.random_range(0.0..w), rng.random_range(horizon + 6.0..h));
    let radius = rng.random_range(4.0..10.0);
    let colour = Colour::hsv(rng.random_range(0.0..360.0), 0.7, 0.8);
    sheet.ellipse(at, (radius, radius), colour);
    sheet.ellipse(
        (at.0 - radius * 0.3, at.1 - radius * 0.3),
        (radius * 0.3, radius * 0.3),
        colour.shade(1.4),
    );
}

/// Sand and sea, or snow and ice: it depends on the light.
fn beach(sheet: &mut Canvas, horizon: f32, rng: &mut impl Rng) {
    let (w, _) = sheet.size();
    let sand = if rng.random_bool(0.4) {
        Colour::rgb(0.88, 0.9, 0.94)
    } else {
        Colour::hsv(rng.random_range(30.0..48.0), 0.35, rng.random_range(0.6..0.85))
    };
    areas(sheet, horizon, sky(rng), sand.vary(rng, 0.08), rng);
    let sea = Colour::hsv(rng.random_range(185.0..220.0), 0.55, rng.random_range(0.4..0.7));
    let top = horizon - rng.random_range(6.0..22.0);
    sheet.rectangle((0.0, top), (w, horizon), sea);
    for i in 0..4 {
        let y = top + (horizon - top) * (i as f32 + 0.6) / 4.0;
        let start = rng.random_range(0.0..w * 0.7);
        sheet.line(&[(start, y), (start + w * 0.2, y + 1.0)], 1.2, sea.shade(1.5));
    }
    ball(sheet, horizon, rng);
}

fn street(sheet: &mut Canvas, horizon: f32, rng: &mut impl Rng) {
    let (w, h) = sheet.size();
    let grey = rng.random_range(0.4..0.7);
    areas(sheet, horizon, sky(rng), Colour::rgb(grey, grey, grey * 0.97), rng);
    let mut x = -rng.random_range(0.0..20.0_f32);
    while x < w {
        let width = rng.random_range(24.0..54.0);
        let top = horizon * rng.random_range(0.0..0.55);
        let house = Colour::hsv(
            rng.random_range(0.0..60.0),
            rng.random_range(0.1..0.5),
            rng.random_range(0.4..0.85),
        );
        sheet.rectangle((x, top), (x + width, horizon), house);
        let mut y = top + 6.0;
        while y < horizon - 10.0 {
            for column in [0.2, 0.6] {
                let left = x + width * column;
                let pane = Colour::rgb(0.35, 0.42, 0.5).vary(rng, 0.3);
                sheet.rectangle((left, y), (left + width * 0.2, y + 7.0), pane);
            }
            y += 14.0;
        }
        x += width;
    }
    let kerb = horizon + (h - horizon) * 0.15;
    sheet.line(&[(0.0, kerb), (w, kerb)], 2.5, Colour::rgb(0.8, 0.8, 0.78));
    ball(sheet, horizon, rng);
}
