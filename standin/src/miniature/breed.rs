//! Breeds: each a row in a table of builds and coats, told apart by coat, ears, legs and outline.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::canvas::Canvas;
use super::coat::{Coat, Pattern};
use super::colour::Colour;
use super::quadruped::{Build, Ear, Eye, Pose, Tail, draw};
use super::scene;

/// What all dogs of a breed share.
struct Breed {
    name: &'static str,
    /// Torso length, its depth, leg length.
    torso: (f32, f32, f32),
    /// Neck, head radius, muzzle length.
    head: (f32, f32, f32),
    ear: (Ear, f32),
    tail: Tail,
    /// Coats that occur: base and second colour.
    colours: &'static [(Colour, Colour)],
    patterns: &'static [Pattern],
}

const TAN: Colour = Colour::rgb(0.72, 0.45, 0.2);
const FAWN: Colour = Colour::rgb(0.82, 0.66, 0.45);
const BLACK: Colour = Colour::rgb(0.15, 0.14, 0.15);
const WHITE: Colour = Colour::rgb(0.95, 0.93, 0.9);
const GREY: Colour = Colour::rgb(0.46, 0.48, 0.52);
const BROWN: Colour = Colour::rgb(0.42, 0.26, 0.15);

/// In the order in which a smaller competition takes them: the first differ the most.
const BREEDS: [Breed; 12] = [
    Breed {
        name: "basset",
        torso: (1.15, 0.42, 0.4),
        head: (0.16, 0.25, 0.95),
        ear: (Ear::Hanging, 1.5),
        tail: Tail::Sabre,
        colours: &[(TAN, WHITE), (BROWN, WHITE)],
        patterns: &[Pattern::Bib, Pattern::Patches],
    },
    Breed {
        name: "pembroke",
        torso: (1.05, 0.44, 0.38),
        head: (0.16, 0.25, 0.75),
        ear: (Ear::Pricked, 1.0),
        tail: Tail::Stub,
        colours: &[(TAN, WHITE), (FAWN, WHITE)],
        patterns: &[Pattern::Bib],
    },
    Breed {
        name: "rottweiler",
        torso: (0.92, 0.54, 0.58),
        head: (0.18, 0.27, 0.7),
        ear: (Ear::Button, 0.8),
        tail: Tail::Stub,
        colours: &[(BLACK, TAN)],
        patterns: &[Pattern::Points],
    },
    Breed {
        name: "samoyed",
        torso: (0.85, 0.56, 0.58),
        head: (0.14, 0.27, 0.65),
        ear: (Ear::Pricked, 0.55),
        tail: Tail::Curled,
        colours: &[(WHITE, WHITE), (Colour::rgb(0.9, 0.85, 0.76), WHITE)],
        patterns: &[Pattern::Fluff],
    },
    Breed {
        name: "standard_poodle",
        torso: (0.8, 0.42, 0.7),
        head: (0.28, 0.23, 1.0),
        ear: (Ear::Hanging, 1.0),
        tail: Tail::Sabre,
        colours: &[(WHITE, WHITE), (BLACK, BLACK), (FAWN, FAWN), (BROWN, BROWN)],
        patterns: &[Pattern::Curls],
    },
    Breed {
        name: "great_dane",
        torso: (0.9, 0.44, 0.84),
        head: (0.34, 0.22, 1.1),
        ear: (Ear::Button, 0.6),
        tail: Tail::Sabre,
        colours: &[(WHITE, BLACK), (GREY, BLACK), (FAWN, BLACK)],
        patterns: &[Pattern::Patches],
    },
    Breed {
        name: "boxer",
        torso: (0.84, 0.46, 0.62),
        head: (0.22, 0.25, 0.45),
        ear: (Ear::Button, 0.7),
        tail: Tail::Stub,
        colours: &[(FAWN, BLACK), (TAN, BLACK), (BROWN, BLACK)],
        patterns: &[Pattern::Stripes, Pattern::Mask],
    },
    Breed {
        name: "siberian_husky",
        torso: (0.9, 0.46, 0.6),
        head: (0.18, 0.25, 0.8),
        ear: (Ear::Pricked, 0.75),
        tail: Tail::Curled,
        colours: &[(GREY, WHITE), (BLACK, WHITE)],
        patterns: &[Pattern::Bib],
    },
    Breed {
        name: "english_setter",
        torso: (0.96, 0.44, 0.62),
        head: (0.26, 0.22, 1.1),
        ear: (Ear::Hanging, 1.0),
        tail: Tail::Brush,
        colours: &[(WHITE, BLACK), (WHITE, BROWN)],
        patterns: &[Pattern::Speckles],
    },
    Breed {
        name: "german_shepherd",
        torso: (1.0, 0.46, 0.62),
        head: (0.22, 0.23, 1.05),
        ear: (Ear::Pricked, 1.05),
        tail: Tail::Brush,
        colours: &[(TAN, BLACK), (FAWN, BLACK)],
        patterns: &[Pattern::Saddle, Pattern::Mask],
    },
    Breed {
        name: "pug",
        torso: (0.72, 0.5, 0.44),
        head: (0.1, 0.3, 0.2),
        ear: (Ear::Button, 0.6),
        tail: Tail::Curled,
        colours: &[(FAWN, BLACK), (Colour::rgb(0.75, 0.68, 0.58), BLACK)],
        patterns: &[Pattern::Mask],
    },
    Breed {
        name: "whippet",
        torso: (0.95, 0.32, 0.72),
        head: (0.36, 0.19, 1.3),
        ear: (Ear::Button, 0.5),
        tail: Tail::Whip,
        colours: &[(GREY, WHITE), (FAWN, WHITE), (BLACK, WHITE)],
        patterns: &[],
    },
];

/// The names of the first `n` breeds, in byte order as in Kaggle's sample.
pub(super) fn names(n: usize) -> Vec<String> {
    let mut names: Vec<String> = BREEDS.iter().take(n).map(|b| b.name.to_owned()).collect();
    names.sort();
    names
}

/// A picture of a dog of the breed called `name`; a name that is not in the table, the `index`th
/// of its competition, has a build and a coat made up from that number.
pub(super) fn picture(name: &str, index: usize, rng: &mut impl Rng) -> Canvas {
    let known = BREEDS.iter().find(|breed| breed.name == name);
    let breed = known.unwrap_or(&BREEDS[index % BREEDS.len()]);
    let turn_of_hue = if known.is_none() { index / BREEDS.len() } else { 0 };
    let build = build(breed, rng);
    let coat = coat(breed, turn_of_hue, rng);
    let pose = Pose::random(rng);
    scene::with_figure(rng, build.extent(), |sheet, place, rng| {
        draw(sheet, &build, &coat, &pose, place, rng);
    })
}

fn build(breed: &Breed, rng: &mut impl Rng) -> Build {
    let mut about = |value: f32| value * rng.random_range(0.93..1.07);
    Build {
        length: about(breed.torso.0),
        depth: about(breed.torso.1),
        legs: about(breed.torso.2),
        leg_width: about(0.13),
        neck: about(breed.head.0),
        head: about(breed.head.1),
        snout: about(breed.head.2),
        muzzle: about(0.66),
        ear: breed.ear.0,
        ear_size: about(breed.ear.1),
        tail: breed.tail,
        eye: Eye::Round,
        whiskers: false,
    }
}

fn coat(breed: &Breed, turn_of_hue: usize, rng: &mut impl Rng) -> Coat {
    let (mut base, second) = breed.colours.choose(rng).copied().unwrap_or((TAN, WHITE));
    if turn_of_hue > 0 {
        base = base.towards(Colour::hsv(turn_of_hue as f32 * 77.0, 0.7, 0.6), 0.6);
    }
    Coat {
        base: base.vary(rng, 0.1),
        second: second.vary(rng, 0.06),
        ear: None,
        nose: Colour::BLACK,
        iris: Colour::rgb(0.3, 0.2, 0.1),
        patterns: breed.patterns.to_vec(),
    }
}
