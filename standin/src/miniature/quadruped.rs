//! A four-legged figure seen from the side: build, coat and pose in, a drawing out.
//!
//! Coordinates: the torso's middle is the origin, the figure looks to the right, y points down and
//! one unit is about the torso's length.

use rand::Rng;

use super::canvas::{Canvas, Point, middle};
use super::coat::{Coat, Limb, paint_body};
use super::head::draw_head;

/// Proportions, in torso lengths.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) length: f32,
    pub(super) depth: f32,
    /// From the torso's middle to the ground.
    pub(super) legs: f32,
    pub(super) leg_width: f32,
    pub(super) neck: f32,
    /// The head's radius.
    pub(super) head: f32,
    /// How far the muzzle stands out, in head radii.
    pub(super) snout: f32,
    /// How deep it is, in head radii.
    pub(super) muzzle: f32,
    pub(super) ear: Ear,
    /// In head radii.
    pub(super) ear_size: f32,
    pub(super) tail: Tail,
    pub(super) eye: Eye,
    pub(super) whiskers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ear {
    /// A triangle on top of the head.
    Pricked,
    /// Folded forward.
    Button,
    /// Hanging beside the cheek.
    Hanging,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tail {
    /// Long and thin, raised in an S.
    Whip,
    /// Carried up like a sword.
    Sabre,
    /// Curled over the back.
    Curled,
    /// Hanging low and thick.
    Brush,
    Stub,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Eye {
    /// A coloured iris with an upright slit.
    Slit,
    /// Dark and round.
    Round,
}

/// What the figure does.
#[derive(Clone, Debug)]
pub(super) struct Pose {
    pub(super) sitting: bool,
    /// How far the legs are apart.
    pub(super) stride: f32,
    /// 0 looks at us, 1 to the side.
    pub(super) turn: f32,
    /// Lifts the head above its usual place.
    pub(super) nod: f32,
    pub(super) tail_lift: f32,
}

impl Pose {
    pub(super) fn random(rng: &mut impl Rng) -> Self {
        Self {
            sitting: rng.random_bool(0.3),
            stride: rng.random_range(-0.16..0.16),
            turn: rng.random_range(0.2..1.0),
            nod: rng.random_range(-0.1..0.12),
            tail_lift: rng.random_range(-0.25..0.3),
        }
    }
}

impl Build {
    /// About how wide and high the figure is.
    pub(super) fn extent(&self) -> Point {
        let head = (self.neck + self.head) * 0.75 + self.head * (1.0 + 0.4 * self.snout);
        (self.length + 0.35 + head, self.legs + self.depth / 2.0 + self.neck + self.head * 2.2)
    }
}

/// Draws the figure with its feet at `feet` (pixels), `size` pixels a unit; a negative width
/// mirrors it.
pub(super) fn draw(
    sheet: &mut Canvas,
    build: &Build,
    coat: &Coat,
    pose: &Pose,
    (feet, size, degrees): (Point, Point, f32),
    rng: &mut impl Rng,
) {
    let at = (feet.0, feet.1 - build.legs * size.1);
    let mut body = sheet.overlay(at, size, degrees);
    let frame = Frame::new(build, pose);
    let limbs = draw_body(&mut body, build, coat, pose, &frame);
    paint_body(&mut body, coat, &limbs, rng);
    sheet.lay(&body, 1.0);

    let mut head = sheet.overlay(at, size, degrees);
    draw_head(&mut head, build, coat, pose, frame.head, rng);
    sheet.lay(&head, 1.0);
}

/// Where the joints are.
struct Frame {
    hip: Point,
    shoulder: Point,
    head: Point,
}

impl Frame {
    fn new(build: &Build, pose: &Pose) -> Self {
        let half = build.length / 2.0;
        let (hip, shoulder) = if pose.sitting {
            // The rump sinks to the ground and the chest rises.
            ((-half * 0.7, build.legs - build.depth * 0.55), (half * 0.45, -build.depth * 0.35))
        } else {
            ((-half, 0.0), (half, 0.0))
        };
        let reach = build.neck + build.head * 0.6;
        let head = (
            shoulder.0 + reach * if pose.sitting { 0.45 } else { 0.75 },
            shoulder.1 - reach * (0.9 + pose.nod),
        );
        Self { hip, shoulder, head }
    }
}

fn draw_body(
    body: &mut Canvas,
    build: &Build,
    coat: &Coat,
    pose: &Pose,
    frame: &Frame,
) -> Vec<Limb> {
    let Frame { hip, shoulder, head } = *frame;
    let ground = build.legs;
    let depth = build.depth;
    let mut limbs = Vec::new();
    let mut limb = |body: &mut Canvas, points: Vec<Point>, widths: (f32, f32), shade: f32| {
        body.limb(&points, widths, coat.base.shade(shade));
        limbs.push(Limb { points, widths });
    };

    limb(body, tail_points(build, pose, hip), tail_widths(build.tail), 0.92);
    let w = build.leg_width;
    let leg = |top: Point, shift: f32, bend: f32| {
        vec![top, (top.0 + bend, f32::midpoint(top.1, ground)), (top.0 + shift, ground - w * 0.35)]
    };
    let front_top = (shoulder.0 - 0.02, shoulder.1 + depth * 0.1);
    let stride = pose.stride;
    // The far pair first, in the shade.
    limb(body, leg((front_top.0 + 0.07, front_top.1), stride, 0.0), (w * 1.3, w * 0.85), 0.7);
    if !pose.sitting {
        limb(body, leg((hip.0 + 0.09, hip.1), -stride, -0.06), (w * 1.7, w * 0.85), 0.7);
    }
    let belly = if pose.sitting { 0.0 } else { -depth * 0.08 };
    let back = middle(hip, shoulder);
    let torso = vec![hip, (back.0, back.1 + belly), shoulder];
    limb(body, torso, (depth * 0.96, depth), 1.0);
    if pose.sitting {
        let thigh = (hip.0 + 0.08, ground - depth * 0.34);
        body.ellipse(thigh, (depth * 0.5, depth * 0.34), coat.base.shade(0.93));
        limb(body, vec![thigh, (thigh.0 + depth * 0.55, ground - w * 0.35)], (w, w * 0.9), 0.9);
    } else {
        limb(body, leg(hip, stride, -0.08), (w * 2.0, w * 0.9), 0.97);
    }
    limb(body, leg(front_top, -stride, 0.02), (w * 1.4, w * 0.9), 0.97);
    limb(body, vec![shoulder, head], (depth * 0.72, build.head * 1.15), 1.0);
    limbs
}

fn tail_points(build: &Build, pose: &Pose, hip: Point) -> Vec<Point> {
    let lift = pose.tail_lift;
    let (x, y) = (hip.0 - build.depth * 0.36, hip.1 - build.depth * 0.2);
    let step = |dx: f32, dy: f32| (x - dx, y - dy);
    match build.tail {
        _ if pose.sitting && build.tail != Tail::Curled => {
            let ground = build.legs - 0.08;
            vec![(x, y + 0.1), (x - 0.25, ground - 0.05), (x - 0.5, ground - 0.12 - lift.abs())]
        }
        Tail::Whip => vec![
            step(0.0, 0.0),
            step(0.28, 0.12 + lift),
            step(0.36, 0.5 + lift),
            step(0.22, 0.78 + lift),
            step(0.4, 0.95 + lift),
        ],
        Tail::Sabre => {
            vec![step(0.0, 0.0), step(0.2, 0.14), step(0.36, 0.38 + lift), step(0.4, 0.62 + lift)]
        }
        Tail::Curled => vec![
            step(0.0, 0.0),
            step(0.14, 0.22),
            step(0.02, 0.42),
            step(-0.2, 0.36),
            step(-0.2, 0.2),
        ],
        Tail::Brush => {
            vec![step(0.0, 0.0), step(0.22, -0.08), step(0.36, -0.34 + lift * 0.5)]
        }
        Tail::Stub => vec![step(0.0, 0.0), step(0.1, 0.1)],
    }
}

fn tail_widths(tail: Tail) -> (f32, f32) {
    match tail {
        Tail::Whip => (0.11, 0.07),
        Tail::Sabre => (0.13, 0.05),
        Tail::Curled => (0.16, 0.12),
        Tail::Brush => (0.15, 0.2),
        Tail::Stub => (0.12, 0.1),
    }
}
