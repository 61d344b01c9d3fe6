//! Which tags a tile has: how often each occurs, and which go together, as in planet's table.

use rand::Rng;
use rand::seq::IndexedRandom;

use self::Feature::{
    Agriculture, ArtisanalMine, BareGround, Blooming, BlowDown, Clear, Cloudy, ConventionalMine,
    Cultivation, Habitation, Haze, PartlyCloudy, Primary, Road, SelectiveLogging, SlashBurn, Water,
};

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

/// Planet's seventeen, in its spelling and order.
pub(super) const TAGS: [(&str, Feature); 17] = [
    ("agriculture", Agriculture),
    ("artisinal_mine", ArtisanalMine),
    ("bare_ground", BareGround),
    ("blooming", Blooming),
    ("blow_down", BlowDown),
    ("clear", Clear),
    ("cloudy", Cloudy),
    ("conventional_mine", ConventionalMine),
    ("cultivation", Cultivation),
    ("habitation", Habitation),
    ("haze", Haze),
    ("partly_cloudy", PartlyCloudy),
    ("primary", Primary),
    ("road", Road),
    ("selective_logging", SelectiveLogging),
    ("slash_burn", SlashBurn),
    ("water", Water),
];

/// Draws the features of one tile.
pub(super) fn draw(rng: &mut impl Rng) -> Vec<Feature> {
    // Exactly one weather; planet has 70, 18, 7 and 5 in a hundred.
    let weather = match rng.random_range(0..100) {
        0..68 => Clear,
        68..85 => PartlyCloudy,
        85..93 => Haze,
        _ => return vec![Cloudy],
    };
    let mut features = vec![weather];
    let mut chance = |features: &mut Vec<Feature>, feature, probability: f64| {
        let drawn = rng.random_bool(probability);
        if drawn {
            features.push(feature);
        }
        drawn
    };
    chance(&mut features, Primary, 0.94);
    let fields = chance(&mut features, Agriculture, 0.32);
    let road = chance(&mut features, Road, if fields { 0.5 } else { 0.09 });
    chance(&mut features, Water, 0.2);
    chance(&mut features, Habitation, if road { 0.35 } else { 0.02 });
    chance(&mut features, Cultivation, if fields { 0.2 } else { 0.07 });
    chance(&mut features, BareGround, 0.04);
    if !fields && features.contains(&Primary) {
        // The rare ones are sights of the forest, and seldom seen together.
        let rare =
            [SelectiveLogging, SlashBurn, Blooming, BlowDown, ConventionalMine, ArtisanalMine];
        if rng.random_bool(0.14) {
            features.push(*rare.choose(rng).unwrap_or(&Blooming));
        }
    }
    if features.contains(&ArtisanalMine) && !features.contains(&Water) {
        features.push(Water);
    }
    features
}
