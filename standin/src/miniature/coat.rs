//! What fur looks like: a base colour and patterns laid over the finished silhouette.

use rand::Rng;

use super::canvas::{Canvas, On, Point, along};
use super::colour::Colour;
use super::noise::Noise;

/// The colours and patterns of one figure.
#[derive(Clone, Debug)]
pub(super) struct Coat {
    pub(super) base: Colour,
    pub(super) second: Colour,
    /// The ears' colour, else a darker base.
    pub(super) ear: Option<Colour>,
    pub(super) nose: Colour,
    pub(super) iris: Colour,
    pub(super) patterns: Vec<Pattern>,
}

/// One layer of a coat, in its second colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    /// A blanket over the back.
    Saddle,
    /// A few big patches.
    Patches,
    /// Many small dots.
    Speckles,
    /// Narrow bands across the body.
    Stripes,
    /// Brows, muzzle and paws.
    Points,
    /// A dark muzzle and face.
    Mask,
    /// Muzzle, blaze, chest and paws.
    Bib,
    /// Tight curls that round off the outline.
    Curls,
    /// Long hair that stands off.
    Fluff,
}

/// A stroke that the body is made of, for hair that follows it.
pub(super) struct Limb {
    pub(super) points: Vec<Point>,
    pub(super) widths: (f32, f32),
}

impl Limb {
    /// The point and radius at `t` in `[0, 1]`.
    fn at(&self, t: f32) -> (Point, f32) {
        let width = self.widths.0 + (self.widths.1 - self.widths.0) * t;
        (along(&self.points, t), width / 2.0)
    }

    /// A random point, `edge` radii away from the middle line at most.
    fn scatter(&self, rng: &mut impl Rng, edge: f32) -> Point {
        let ((x, y), radius) = self.at(rng.random());
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        let away = radius * edge * rng.random::<f32>().sqrt();
        (x + angle.cos() * away, y + angle.sin() * away)
    }
}

/// Lays the coat's patterns on a finished body.
pub(super) fn paint_body(body: &mut Canvas, coat: &Coat, limbs: &[Limb], rng: &mut impl Rng) {
    // The longest stroke is the torso, the last one the neck.
    let Some(torso) = limbs.iter().max_by(|a, b| a.widths.0.total_cmp(&b.widths.0)) else { return };
    for pattern in &coat.patterns {
        match pattern {
            Pattern::Saddle => saddle(body, coat, torso),
            Pattern::Patches => {
                for _ in 0..rng.random_range(3..6) {
                    patch(body, torso.scatter(rng, 1.0), rng.random_range(0.12..0.26), coat, rng);
                }
            }
            Pattern::Speckles => {
                for limb in limbs {
                    for _ in 0..18 {
                        let radius = rng.random_range(0.015..0.035);
                        let at = limb.scatter(rng, 1.0);
                        body.ellipse_on(On::Drawn, at, (radius, radius), coat.second);
                    }
                }
            }
            Pattern::Stripes => limbs.iter().for_each(|limb| stripes(body, coat, limb, rng)),
            Pattern::Points | Pattern::Bib => paws_and_chest(body, coat, *pattern, limbs),
            Pattern::Mask => {}
            Pattern::Curls => hair(body, coat, limbs, rng, 0.055),
            Pattern::Fluff => fluff(body, coat, limbs, rng),
        }
    }
    let ((x, y), radius) = torso.at(0.5);
    let shadow = Colour::BLACK.opacity(0.16);
    body.ellipse_on(On::Drawn, (x, y + radius * 0.95), (radius * 2.6, radius * 0.6), shadow);
    let light = Colour::WHITE.opacity(0.1);
    body.ellipse_on(On::Drawn, (x, y - radius * 0.9), (radius * 2.4, radius * 0.5), light);
    body.texture(Noise::new(rng.random()), 2.5, 0.16);
}

/// Lays the coat's patterns on the skull and the muzzle (`root`, `tip`, depth).
pub(super) fn paint_head(
    head: &mut Canvas,
    coat: &Coat,
    (x, y): Point,
    r: f32,
    (root, tip, deep): (Point, Point, f32),
    rng: &mut impl Rng,
) {
    let muzzle = |head: &mut Canvas, colour: Colour, size: f32| {
        for step in 0..8 {
            let at = along(&[root, tip], step as f32 / 7.0);
            head.ellipse_on(On::Drawn, at, (deep * size, deep * size), colour);
        }
    };
    for pattern in &coat.patterns {
        match pattern {
            Pattern::Bib => {
                muzzle(head, coat.second, 0.56);
                let blaze = [(x + 0.2 * r, y - r), (root.0, y - 0.1 * r), root];
                head.line_on(On::Drawn, &blaze, 0.2 * r, coat.second);
            }
            Pattern::Points => {
                muzzle(head, coat.second, 0.45);
                for side in [-0.28, 0.28] {
                    let brow = (root.0 + side * r, y - 0.3 * r);
                    head.ellipse_on(On::Drawn, brow, (0.09 * r, 0.08 * r), coat.second);
                }
            }
            Pattern::Mask => muzzle(head, coat.second, 0.72),
            Pattern::Patches => {
                let side = if rng.random_bool(0.5) { -0.5 } else { 0.5 };
                patch(head, (x + side * r, y - 0.3 * r), 0.5 * r, coat, rng);
            }
            Pattern::Speckles => {
                for _ in 0..24 {
                    let at =
                        (x + rng.random_range(-1.0..1.0) * r, y + rng.random_range(-1.0..1.0) * r);
                    head.ellipse_on(On::Drawn, at, (0.05 * r, 0.05 * r), coat.second);
                }
            }
            Pattern::Stripes => {
                for side in [-0.35, -0.12, 0.12, 0.35] {
                    let band =
                        [(root.0 + side * r, y - 0.95 * r), (root.0 + side * r * 0.8, y - 0.5 * r)];
                    head.line_on(On::Drawn, &band, 0.1 * r, coat.second);
                }
            }
            Pattern::Curls => {
                for _ in 0..26 {
                    let angle = rng.random_range(3.4..6.1_f32);
                    let away = r * rng.random_range(0.5..1.05);
                    let at = (x + angle.cos() * away, y + angle.sin() * away);
                    let shade = rng.random_range(0.8..1.15);
                    head.ellipse(at, (0.22 * r, 0.22 * r), coat.base.shade(shade));
                }
            }
            Pattern::Fluff => {
                for step in 0..22 {
                    let angle = step as f32 / 22.0 * std::f32::consts::TAU;
                    let at = (x + angle.cos() * r * 0.95, y + angle.sin() * r * 0.88);
                    let end = (x + angle.cos() * r * 1.28, y + angle.sin() * r * 1.2 + 0.1 * r);
                    head.line(&[at, end], 0.16 * r, coat.base.shade(0.96));
                }
                head.ellipse((x, y), (r * 0.98, r * 0.9), coat.base);
                head.limb(&[root, tip], (deep, deep * 0.74), coat.base);
            }
            Pattern::Saddle => {
                head.ellipse_on(
                    On::Drawn,
                    (x - 0.3 * r, y - 0.7 * r),
                    (0.8 * r, 0.45 * r),
                    coat.second,
                );
            }
        }
    }
    head.texture(Noise::new(rng.random()), 2.5, 0.12);
}

fn saddle(body: &mut Canvas, coat: &Coat, torso: &Limb) {
    for step in 0..=12 {
        let ((x, y), radius) = torso.at(step as f32 / 12.0);
        body.ellipse_on(
            On::Drawn,
            (x, y - radius * 0.55),
            (radius * 0.7, radius * 0.75),
            coat.second,
        );
    }
}

fn patch(sheet: &mut Canvas, (x, y): Point, size: f32, coat: &Coat, rng: &mut impl Rng) {
    let outline: Vec<Point> = (0..7)
        .map(|corner| {
            let angle = corner as f32 / 7.0 * std::f32::consts::TAU;
            let radius = size * rng.random_range(0.6..1.2);
            (x + angle.cos() * radius, y + angle.sin() * radius)
        })
        .collect();
    sheet.blob_on(On::Drawn, &outline, coat.second);
}

fn stripes(body: &mut Canvas, coat: &Coat, limb: &Limb, rng: &mut impl Rng) {
    let spacing = 0.085;
    let ends = (limb.points[0], limb.points[limb.points.len() - 1]);
    let length = (ends.1.0 - ends.0.0).hypot(ends.1.1 - ends.0.1).max(0.2);
    let n = (length / spacing) as usize;
    for i in 0..n {
        let t = (i as f32 + rng.random_range(0.2..0.8)) / n as f32;
        let ((x, y), radius) = limb.at(t);
        let next = along(&limb.points, (t + 0.05).min(1.0));
        let angle = (next.1 - y).atan2(next.0 - x) + std::f32::consts::FRAC_PI_2;
        let (dx, dy) = (angle.cos() * radius, angle.sin() * radius);
        let bow = rng.random_range(-0.05..0.05);
        let reach = rng.random_range(0.1..0.8);
        let band = [(x - dx, y - dy), (x + bow, y), (x + dx * reach, y + dy * reach)];
        body.line_on(On::Drawn, &band, rng.random_range(0.02..0.04), coat.second.opacity(0.85));
    }
}

/// White (or tan) socks and, for a bib, the chest.
fn paws_and_chest(body: &mut Canvas, coat: &Coat, pattern: Pattern, limbs: &[Limb]) {
    let lowest = limbs.iter().map(|limb| limb.at(1.0).0.1).fold(f32::MIN, f32::max);
    for limb in limbs {
        let ((x, y), radius) = limb.at(1.0);
        if y > lowest - 0.15 {
            let sock = (radius * 1.5, radius * 3.0);
            body.ellipse_on(On::Drawn, (x, y - radius * 0.6), sock, coat.second);
        }
    }
    if let (Pattern::Bib, Some(neck)) = (pattern, limbs.last()) {
        let ((x, y), radius) = neck.at(0.15);
        body.ellipse_on(
            On::Drawn,
            (x + radius * 0.5, y + radius * 0.3),
            (radius * 0.7, radius * 1.3),
            coat.second,
        );
    }
}

/// Round tufts over body and outline.
fn hair(body: &mut Canvas, coat: &Coat, limbs: &[Limb], rng: &mut impl Rng, size: f32) {
    for limb in limbs {
        let n = (30.0 * limb.widths.0 / 0.3).clamp(14.0, 90.0) as usize;
        for _ in 0..n {
            let at = limb.scatter(rng, 1.08);
            let radius = size * rng.random_range(0.7..1.2);
            body.ellipse(at, (radius, radius), coat.base.shade(rng.random_range(0.75..1.15)));
            let hollow = (at.0 + radius * 0.2, at.1 + radius * 0.25);
            body.ellipse(hollow, (radius * 0.45, radius * 0.45), coat.base.shade(0.84));
        }
    }
}

/// Long strands that hang over the outline.
fn fluff(body: &mut Canvas, coat: &Coat, limbs: &[Limb], rng: &mut impl Rng) {
    for limb in limbs {
        let n = (40.0 * limb.widths.0 / 0.3).clamp(16.0, 100.0) as usize;
        for _ in 0..n {
            let (x, y) = limb.scatter(rng, 1.02);
            let to = (x - rng.random_range(0.02..0.09), y + rng.random_range(0.03..0.12));
            let shade = coat.base.shade(rng.random_range(0.86..1.08));
            body.line(&[(x, y), to], rng.random_range(0.02..0.04), shade);
        }
    }
}
