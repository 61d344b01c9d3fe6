//! Animals from the side: a silhouette of tapering limbs in a coat, somewhere.
//!
//! Cats and dogs get their colours, coats and places alike, so that only the shape tells them apart.
//! Breeds are a table of shapes and coats.

#![expect(clippy::many_single_char_names, reason = "plane geometry")]

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use self::Ears::{Hanging, Pricked};
use self::Pattern::{Bib, Curls, Patches, Plain, Saddle, Spots, Stripes};
use super::canvas::{Canvas, Point, along};
use super::colour::Colour;
use super::noise::Noise;

#[derive(Clone, Copy, PartialEq)]
enum Ears {
    Pricked,
    Hanging,
}

/// What of the coat has the second colour.
#[derive(Clone, Copy, PartialEq)]
enum Pattern {
    Plain,
    Patches,
    Spots,
    Stripes,
    Saddle,
    Bib,
    Curls,
}

/// Lengths in units of the figure, which is about one unit long.
#[derive(Clone, Copy)]
struct Build {
    length: f32,
    depth: f32,
    legs: f32,
    neck: f32,
    /// Radius.
    head: f32,
    /// From the head's outline.
    muzzle: f32,
    ears: Ears,
    ear: f32,
    /// Joints behind the body, and the width.
    tail: [Point; 2],
    tail_width: f32,
    whiskers: bool,
}

struct Coat {
    pattern: Pattern,
    base: Colour,
    second: Colour,
    noise: Noise,
}

const TAN: Colour = Colour::rgb(0.72, 0.45, 0.2);
const FAWN: Colour = Colour::rgb(0.82, 0.66, 0.45);
const BLACK: Colour = Colour::rgb(0.15, 0.14, 0.15);
const WHITE: Colour = Colour::rgb(0.95, 0.93, 0.9);
const GREY: Colour = Colour::rgb(0.46, 0.48, 0.52);
const BROWN: Colour = Colour::rgb(0.42, 0.26, 0.15);

/// Name; length, depth, legs and muzzle; ears; coat.
type Breed = (&'static str, [f32; 4], Ears, Pattern, Colour, Colour);

/// In the order in which a smaller competition takes them: the first differ the most.
const BREEDS: [Breed; 8] = [
    ("basset", [1.2, 0.4, 0.24, 0.2], Hanging, Patches, TAN, WHITE),
    ("samoyed", [0.85, 0.52, 0.5, 0.13], Pricked, Plain, WHITE, WHITE),
    ("rottweiler", [0.95, 0.5, 0.5, 0.15], Hanging, Bib, BLACK, TAN),
    ("dalmatian", [0.95, 0.4, 0.62, 0.2], Hanging, Spots, WHITE, BLACK),
    ("german_shepherd", [1.0, 0.42, 0.56, 0.24], Pricked, Saddle, TAN, BLACK),
    ("standard_poodle", [0.8, 0.38, 0.66, 0.24], Hanging, Curls, BROWN, FAWN),
    ("boxer", [0.85, 0.44, 0.58, 0.06], Hanging, Stripes, FAWN, BLACK),
    ("siberian_husky", [0.9, 0.44, 0.54, 0.18], Pricked, Bib, GREY, WHITE),
];

/// The names of the first `n` breeds, in byte order as in Kaggle's sample.
pub(super) fn breeds(n: usize) -> Vec<String> {
    let mut names: Vec<String> = BREEDS.iter().take(n).map(|breed| breed.0.to_owned()).collect();
    names.sort();
    names
}

/// A dog of the breed called `name`; a name that is not in the table, the `index`th of its
/// competition, gets a row of the table in a colour of its own.
pub(super) fn dog_of_breed(name: &str, index: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let known = BREEDS.iter().find(|breed| breed.0 == name);
    let (_, [length, depth, legs, muzzle], ears, pattern, mut base, second) =
        *known.unwrap_or(&BREEDS[index % BREEDS.len()]);
    if known.is_none() {
        base = base.towards(Colour::hsv(index as f32 * 77.0, 0.7, 0.6), 0.5);
    }
    let mut about = |value: f32| value * rng.random_range(0.93..1.07);
    let build = Build {
        length: about(length),
        depth: about(depth),
        legs: about(legs),
        muzzle: about(muzzle),
        ears,
        ..dog(rng)
    };
    let coat = Coat {
        pattern,
        base: base.vary(rng, 0.05),
        second: second.vary(rng, 0.04),
        noise: Noise::new(rng.random()),
    };
    somewhere(&build, &coat, rng)
}

/// A cat or a dog in any coat.
pub(super) fn cat_or_dog(is_dog: bool, rng: &mut ChaCha8Rng) -> Canvas {
    const COLOURS: [Colour; 6] = [TAN, FAWN, BLACK, WHITE, GREY, BROWN];
    const PATTERNS: [Pattern; 6] = [Plain, Patches, Stripes, Saddle, Bib, Spots];
    let coat = Coat {
        pattern: *PATTERNS.choose(rng).unwrap_or(&Plain),
        base: COLOURS.choose(rng).unwrap_or(&TAN).vary(rng, 0.08),
        second: COLOURS.choose(rng).unwrap_or(&FAWN).vary(rng, 0.08),
        noise: Noise::new(rng.random()),
    };
    let build = if is_dog { dog(rng) } else { cat(rng) };
    somewhere(&build, &coat, rng)
}

/// Short muzzle, pricked ears, whiskers, a long thin tail.
fn cat(rng: &mut ChaCha8Rng) -> Build {
    let mut between = |low: f32, high: f32| rng.random_range(low..high);
    let reach = between(0.25, 0.5);
    Build {
        length: between(0.85, 1.05),
        depth: between(0.36, 0.46),
        legs: between(0.34, 0.46),
        neck: between(0.0, 0.08),
        head: between(0.2, 0.24),
        muzzle: between(0.0, 0.03),
        ears: Pricked,
        ear: between(0.75, 1.0),
        tail: [(reach, between(-0.2, 0.2)), (reach + 0.05, between(0.4, 0.65))],
        tail_width: between(0.035, 0.05),
        whiskers: true,
    }
}

/// Long muzzle, ears of either kind, longer legs, a sturdy tail.
fn dog(rng: &mut ChaCha8Rng) -> Build {
    let ears = if rng.random_bool(0.75) { Hanging } else { Pricked };
    let mut between = |low: f32, high: f32| rng.random_range(low..high);
    Build {
        length: between(0.85, 1.1),
        depth: between(0.36, 0.48),
        legs: between(0.42, 0.62),
        neck: between(0.08, 0.2),
        head: between(0.16, 0.2),
        muzzle: between(0.14, 0.25),
        ears,
        ear: between(0.8, 1.2),
        tail: [(0.12, between(0.05, 0.15)), (0.25, between(0.1, 0.4))],
        tail_width: between(0.05, 0.08),
        whiskers: false,
    }
}

/// A limb that tapers from one joint to another.
type Limb = (Point, Point, [f32; 2]);

/// How far a point is from a body, whose limbs run into one another.
fn outside(limbs: &[Limb], p: Point) -> f32 {
    const SOFT: f32 = 0.05;
    limbs.iter().fold(f32::INFINITY, |nearest, (from, to, [first, last])| {
        let (distance, t) = along(*from, *to, p);
        let distance = distance - first - (last - first) * t;
        let overlap = (SOFT - (nearest - distance).abs()).max(0.0) / SOFT;
        nearest.min(distance) - overlap * overlap * SOFT / 4.0
    })
}

impl Build {
    /// The height of the spine.
    fn back(&self) -> f32 {
        self.legs + self.depth / 2.0
    }

    /// The middle of the head.
    fn face(&self) -> Point {
        let up = self.depth * 0.3 + self.neck + self.head * 0.5;
        (self.length / 2.0 + self.neck * 0.5, self.back() + up)
    }

    fn ends(&self) -> [f32; 2] {
        let end = self.length / 2.0 - self.depth / 2.0;
        [-end, end]
    }

    fn legs(&self, step: f32) -> Vec<Limb> {
        let [behind, front] = self.ends();
        let w = self.depth * 0.14;
        [(behind - 0.06, step), (front + 0.06, -step)]
            .map(|(x, step)| ((x, self.back()), (x + step, w), [w * 1.7, w]))
            .to_vec()
    }

    fn body(&self) -> Vec<Limb> {
        let [behind, front] = self.ends();
        let (y, (x, top), r) = (self.back(), self.face(), self.head);
        let nose = (x + r * 0.9 + self.muzzle, top - r * 0.3);
        let root = (-self.length / 2.0 + 0.05, y + self.depth * 0.2);
        let [middle, tip] = self.tail.map(|(back, up)| (root.0 - back, root.1 + up));
        let w = self.tail_width;
        let mut limbs = vec![
            ((behind, y), (front, y), [self.depth * 0.46, self.depth / 2.0]),
            ((front, y + 0.04), (x - r * 0.2, top), [self.depth * 0.42, r * 0.75]),
            ((x, top), (x, top), [r, r]),
            ((x, top - r * 0.2), nose, [r * 0.7, r * 0.36]),
            (root, middle, [w * 1.2, w]),
            (middle, tip, [w, w * 0.7]),
        ];
        if self.ears == Pricked {
            for side in [-0.45, 0.35] {
                let (from, lean) = (x + side * r, side * 0.35 * r);
                let tip = (from + lean, top + r * (0.8 + self.ear));
                limbs.push(((from, top + r * 0.5), tip, [r * 0.42, r * 0.04]));
            }
        }
        limbs
    }
}

impl Coat {
    fn at(&self, (x, y): Point, build: &Build) -> Colour {
        let sharp = |value: f32| (value * 14.0 + 0.5).clamp(0.0, 1.0);
        let cloudy = |grain: f32| self.noise.cloudy(x * grain + 40.0, y * grain + 40.0);
        let second = match self.pattern {
            Plain => 0.0,
            Patches => sharp(cloudy(3.5) - 0.52),
            Spots => sharp(self.noise.smooth(x * 12.0 + 40.0, y * 12.0 + 40.0) - 0.66),
            Stripes => sharp((x * 30.0 + 6.0 * cloudy(4.0)).sin() * 0.2),
            Saddle => sharp(y - build.back()) * sharp(build.length * 0.4 - x),
            Bib => {
                sharp(build.legs + 0.1 + 0.1 * cloudy(6.0) - y)
                    + sharp(x - build.face().0 - build.head * 0.5)
            }
            Curls => sharp(cloudy(16.0) - 0.5) * 0.6,
        };
        self.base.towards(self.second, second.min(1.0)).shade(0.86 + 0.28 * cloudy(24.0))
    }
}

/// A picture of one figure before a background of two areas.
fn somewhere(build: &Build, coat: &Coat, rng: &mut ChaCha8Rng) -> Canvas {
    let (width, height) = (rng.random_range(168..200), rng.random_range(140..176));
    let mut sheet = background(width, height, rng);
    let (w, h) = sheet.size();
    let (long, high) = (build.length + 0.8, build.face().1 + build.head * (1.3 + build.ear));
    let scale = (w / long).min(h * 0.92 / high) * rng.random_range(0.8..1.0);
    let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let slack = (w - scale * long).max(0.0) / 2.0;
    let feet = (w / 2.0 + rng.random_range(-1.0..=1.0) * slack, h * rng.random_range(0.9..0.98));
    let pixel = |(x, y): Point| (feet.0 + side * scale * x, feet.1 - scale * y);
    let figure = |(x, y): Point| (side * (x - feet.0) / scale, (feet.1 - y) / scale);
    let all = ((0.0, 0.0), (w, h));

    sheet.ellipse(feet, (scale * 0.6, scale * 0.05), Colour::BLACK.opacity(0.3));
    let step = rng.random_range(-0.12..0.12);
    let (far, near) = (build.legs(step), [build.legs(-step), build.body()].concat());
    for (limbs, light) in [(far, 0.6), (near, 1.0)] {
        sheet.paint(all, |p| {
            let q = figure(p);
            let distance = outside(&limbs, q);
            // Round: darker towards the outline and below.
            let round = 0.7 + 0.3 * (-distance / 0.12).clamp(0.0, 1.0);
            let below = 0.85 + 0.3 * (q.1 / high);
            (distance * scale, coat.at(q, build).shade(light * round * below))
        });
    }
    let ((x, y), r) = (build.face(), build.head);
    if build.ears == Hanging {
        let ear =
            [((x - r * 0.35, y + r * 0.45), (x - r * 0.6, y - r * build.ear), [r * 0.3, r * 0.42])];
        let colour = coat.base.towards(coat.second, 0.4).shade(0.6);
        sheet.paint(all, |p| (outside(&ear, figure(p)) * scale, colour));
    }
    let nose = (x + r * 1.2 + build.muzzle, y - r * 0.2);
    sheet.ellipse(pixel(nose), (r * 0.2 * scale, r * 0.16 * scale), Colour::BLACK);
    let eye = pixel((x + r * 0.4, y + r * 0.25));
    sheet.ellipse(eye, (r * 0.2 * scale, r * 0.17 * scale), Colour::WHITE);
    sheet.ellipse(eye, (r * 0.12 * scale, r * 0.15 * scale), Colour::BLACK);
    if build.whiskers {
        for droop in [-0.25, 0.05, 0.3] {
            let ends =
                [pixel((nose.0 - r * 0.3, nose.1)), pixel((nose.0 + r * 0.7, nose.1 + r * droop))];
            sheet.line(&ends, 0.8, Colour::WHITE.shade(0.8));
        }
    }
    sheet.develop(rng);
    sheet
}

/// A wall or the sky over a floor or the ground, with things standing about.
fn background(width: usize, height: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let mut colour = |saturation: f32| {
        Colour::hsv(rng.random_range(0.0..360.0), saturation, rng.random_range(0.4..0.9))
    };
    let (above, below, things) = (colour(0.25), colour(0.35), [0.3, 0.4, 0.5].map(&mut colour));
    let mut sheet = Canvas::new(width, height, above);
    let (w, h) = sheet.size();
    let horizon = h * rng.random_range(0.45..0.7);
    sheet.rectangle((-9.0, horizon), (w + 9.0, h + 9.0), below);
    for thing in things {
        let (x, up) = (rng.random_range(0.0..w), rng.random_range(10.0..60.0));
        let half = rng.random_range(8.0..26.0);
        if rng.random_bool(0.5) {
            sheet.rectangle((x - half, horizon - up), (x + half, horizon + 4.0), thing);
        } else {
            sheet.ellipse((x, horizon - up * 0.4), (half, up * 0.5), thing);
        }
    }
    sheet.texture(Noise::new(rng.random()), rng.random_range(4.0..14.0), 0.14);
    sheet
}
