//! The head of a figure: ears, muzzle, eyes and whiskers, turned to the side or towards us.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::canvas::{Canvas, On, Point, along, middle};
use super::coat::{Coat, paint_head};
use super::colour::Colour;
use super::quadruped::{Build, Ear, Eye, Pose};

/// Draws the head around `centre`, its details last.
pub(super) fn draw_head(
    head: &mut Canvas,
    build: &Build,
    coat: &Coat,
    pose: &Pose,
    centre: Point,
    rng: &mut impl Rng,
) {
    let r = build.head;
    let at = |dx: f32, dy: f32| (centre.0 + dx * r, centre.1 + dy * r);
    let turn = pose.turn;
    let ear_colour = coat.ear.unwrap_or(coat.base.shade(0.85));
    if build.ear == Ear::Pricked {
        for (side, back) in [(-1.0, 0.1), (1.0, 0.0)] {
            draw_pricked_ear(head, build, at, side, back - turn * 0.18, ear_colour);
        }
    }
    // The skull, then the muzzle: towards us when the head is not turned.
    head.ellipse(centre, (r * 1.04, r * 0.94), coat.base);
    let face = at(turn * 0.3, 0.08);
    let root = (face.0 + 0.1 * turn * r, face.1 + 0.28 * r);
    let reach = build.snout * r;
    let tip = (
        root.0 + (0.2 + 0.8 * turn) * reach,
        root.1 + (0.06 + (1.0 - turn) * 0.16 * build.snout) * r,
    );
    let (deep, thin) = (build.muzzle * r, build.muzzle * r * 0.74);
    head.limb(&[root, tip], (deep, thin), coat.base);
    paint_head(head, coat, centre, r, (root, tip, deep), rng);

    let dark = Colour::BLACK;
    let nose = (tip.0 + turn * thin * 0.42, tip.1 - thin * 0.2);
    let nose_size = if build.eye == Eye::Slit { 0.1 } else { 0.15 };
    let nose_colour = if build.eye == Eye::Slit { coat.nose } else { dark };
    head.ellipse(nose, (nose_size * r * 1.15, nose_size * r * 0.85), nose_colour);
    let lip = (nose.0, nose.1 + thin * 0.34);
    head.line(&[nose, lip], 0.035 * r * 1.4, dark.opacity(0.8));
    let corner = (lip.0 - (0.3 + 0.3 * turn) * deep, lip.1 + 0.08 * r);
    head.line(&[lip, (lip.0 - 0.16 * deep, lip.1 + 0.12 * r), corner], 0.05 * r, dark.opacity(0.7));
    if build.snout > 0.5 && rng.random_bool(0.4) {
        let tongue = (lip.0 - 0.1 * deep, lip.1 + 0.22 * r);
        head.ellipse(tongue, (0.1 * r, 0.2 * r), Colour::rgb(0.86, 0.42, 0.45));
    }
    for side in [-1.0, 1.0] {
        let spread = 0.42 * (1.0 - 0.35 * turn);
        let eye = (face.0 + side * spread * r, face.1 - 0.2 * r);
        draw_eye(head, build.eye, coat.iris, eye, r);
    }
    if build.whiskers {
        let white = Colour::WHITE.opacity(0.85);
        for side in [-1.0, 1.0_f32] {
            for droop in [-0.16, 0.02, 0.2] {
                let from = (tip.0 + side * 0.2 * r, tip.1 + droop * 0.3 * r);
                let to = (tip.0 + side * 1.1 * r, tip.1 + (droop + 0.06) * r);
                let bow = middle(from, to);
                let bow = (bow.0, bow.1 - 0.06 * r);
                head.line(&[from, bow, to], 0.035 * r, white);
            }
        }
    }
    match build.ear {
        Ear::Pricked => {}
        Ear::Button => draw_button_ears(head, build.ear_size, at, turn, ear_colour),
        Ear::Hanging => draw_hanging_ears(head, build.ear_size, at, turn, ear_colour),
    }
    if rng.random_bool(0.25) {
        draw_collar(head, build, centre, rng);
    }
}

fn draw_pricked_ear(
    head: &mut Canvas,
    build: &Build,
    at: impl Fn(f32, f32) -> Point,
    side: f32,
    shift: f32,
    colour: Colour,
) {
    let size = build.ear_size;
    let outer = at(side * 0.94 + shift, -0.3);
    let top = at(side * 0.82 + shift, -0.55 - size);
    let inner = at(side * 0.16 + shift, -0.84);
    head.polygon(&[outer, top, inner], colour);
    let foot = middle(outer, inner);
    let towards = |p: Point, t: f32| (p.0 + (foot.0 - p.0) * t, p.1 + (foot.1 - p.1) * t);
    let pink = Colour::rgb(0.85, 0.6, 0.57).towards(colour, 0.3);
    head.polygon(&[towards(outer, 0.4), towards(top, 0.3), towards(inner, 0.4)], pink);
}

fn draw_button_ears(
    head: &mut Canvas,
    size: f32,
    at: impl Fn(f32, f32) -> Point,
    turn: f32,
    colour: Colour,
) {
    for side in [-1.0, 1.0] {
        let shift = -turn * 0.15;
        let fold = at(side * 0.55 + shift, -0.95);
        let tip = at(side * (0.75 + 0.25 * size) + shift, -0.95 + size * 0.75);
        head.blob(
            &[fold, at(side * 0.95 + shift, -0.75), tip, at(side * 0.5 + shift, -0.6)],
            colour,
        );
    }
}

fn draw_hanging_ears(
    head: &mut Canvas,
    size: f32,
    at: impl Fn(f32, f32) -> Point,
    turn: f32,
    colour: Colour,
) {
    for side in [-1.0, 1.0] {
        // A turned head hides most of the far ear.
        let shift = -turn * if side > 0.0 { 0.75 } else { 0.05 };
        let ear = [
            at(side * 0.5 + shift, -0.82),
            at(side * 1.02 + shift, -0.6),
            at(side * 1.18 + shift, -0.3 + size * 0.6),
            at(side * 0.98 + shift, -0.3 + size),
            at(side * 0.7 + shift, -0.3 + size * 0.6),
        ];
        if side < 0.0 || turn < 0.5 {
            head.blob(&ear, colour);
        }
    }
}

fn draw_eye(head: &mut Canvas, eye: Eye, iris: Colour, at: Point, r: f32) {
    match eye {
        Eye::Slit => {
            head.ellipse(at, (0.2 * r, 0.15 * r), Colour::BLACK.opacity(0.6));
            head.ellipse(at, (0.17 * r, 0.13 * r), iris);
            head.ellipse(at, (0.05 * r, 0.12 * r), Colour::BLACK);
        }
        Eye::Round => {
            head.ellipse(at, (0.14 * r, 0.14 * r), Colour::rgb(0.25, 0.15, 0.1));
            head.ellipse(at, (0.09 * r, 0.09 * r), Colour::BLACK);
        }
    }
    head.ellipse((at.0 + 0.05 * r, at.1 - 0.05 * r), (0.04 * r, 0.04 * r), Colour::WHITE);
}

fn draw_collar(head: &mut Canvas, build: &Build, centre: Point, rng: &mut impl Rng) {
    let r = build.head;
    let hue = *[0.0, 30.0, 120.0, 210.0, 280.0].choose(rng).unwrap_or(&0.0);
    let points =
        [(centre.0 - 0.85 * r, centre.1 + 0.55 * r), (centre.0 - 0.45 * r, centre.1 + 1.0 * r)];
    head.line(&[points[0], along(&points, 0.5), points[1]], 0.16 * r, Colour::hsv(hue, 0.7, 0.75));
    head.ellipse_on(On::Sheet, points[1], (0.1 * r, 0.1 * r), Colour::rgb(0.9, 0.78, 0.3));
}
