//! Two kinds of animal-like figures: one as cats are built, one as dogs are, in any coat.
//!
//! Colours, coats, poses and places are drawn alike for both, so only the shape tells them apart.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::canvas::Canvas;
use super::coat::{Coat, Pattern};
use super::colour::Colour;
use super::quadruped::{Build, Ear, Eye, Pose, Tail, draw};
use super::scene;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Short muzzle, pricked ears, whiskers, a long thin tail.
    CatLike,
    /// Long muzzle, any ears, a sturdier body on longer legs.
    DogLike,
}

/// A picture of one figure somewhere.
pub(super) fn picture(kind: Kind, rng: &mut impl Rng) -> Canvas {
    let coat = coat(rng);
    let build = match kind {
        Kind::CatLike => cat_like(rng),
        Kind::DogLike => dog_like(rng),
    };
    let pose = Pose::random(rng);
    scene::with_figure(rng, build.extent(), |sheet, place, rng| {
        draw(sheet, &build, &coat, &pose, place, rng);
    })
}

fn cat_like(rng: &mut impl Rng) -> Build {
    Build {
        length: rng.random_range(0.72..0.98),
        depth: rng.random_range(0.36..0.5),
        legs: rng.random_range(0.48..0.6),
        leg_width: rng.random_range(0.1..0.14),
        neck: rng.random_range(0.08..0.2),
        head: rng.random_range(0.31..0.38),
        snout: rng.random_range(0.1..0.3),
        muzzle: rng.random_range(0.42..0.56),
        ear: Ear::Pricked,
        ear_size: rng.random_range(0.7..1.05),
        tail: Tail::Whip,
        eye: Eye::Slit,
        whiskers: true,
    }
}

fn dog_like(rng: &mut impl Rng) -> Build {
    let ear = *[Ear::Hanging, Ear::Hanging, Ear::Hanging, Ear::Button, Ear::Button, Ear::Pricked]
        .choose(rng)
        .unwrap_or(&Ear::Button);
    Build {
        length: rng.random_range(0.8..1.1),
        depth: rng.random_range(0.38..0.52),
        legs: rng.random_range(0.58..0.78),
        leg_width: rng.random_range(0.1..0.16),
        neck: rng.random_range(0.16..0.32),
        head: rng.random_range(0.26..0.33),
        snout: rng.random_range(0.8..1.4),
        muzzle: rng.random_range(0.56..0.78),
        ear,
        ear_size: rng.random_range(0.9..1.4),
        tail: *[Tail::Sabre, Tail::Sabre, Tail::Curled, Tail::Brush, Tail::Stub]
            .choose(rng)
            .unwrap_or(&Tail::Sabre),
        eye: Eye::Round,
        whiskers: false,
    }
}

/// Any coat, from the same wardrobe for both kinds.
fn coat(rng: &mut impl Rng) -> Coat {
    const COLOURS: [Colour; 7] = [
        Colour::rgb(0.16, 0.15, 0.16),
        Colour::rgb(0.93, 0.9, 0.86),
        Colour::rgb(0.55, 0.55, 0.58),
        Colour::rgb(0.8, 0.52, 0.24),
        Colour::rgb(0.45, 0.29, 0.17),
        Colour::rgb(0.83, 0.72, 0.55),
        Colour::rgb(0.33, 0.3, 0.29),
    ];
    let mut pick = || COLOURS.choose(rng).copied().unwrap_or(Colour::WHITE).vary(rng, 0.12);
    let (base, other) = (pick(), pick());
    let mut patterns = match rng.random_range(0..6) {
        0 => vec![],
        1 => vec![Pattern::Patches],
        2 => vec![Pattern::Stripes],
        3 => vec![Pattern::Bib],
        4 => vec![Pattern::Saddle],
        _ => vec![Pattern::Patches, Pattern::Bib],
    };
    if rng.random_bool(0.2) {
        patterns.insert(0, Pattern::Fluff);
    }
    let second = if patterns.contains(&Pattern::Stripes) { base.shade(0.55) } else { other };
    Coat {
        base,
        second,
        ear: None,
        nose: Colour::rgb(0.75, 0.45, 0.45),
        iris: Colour::hsv(rng.random_range(40.0..150.0), 0.6, 0.8),
        patterns,
    }
}
