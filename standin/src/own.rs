//! Competitions that only the stand-in has: kinds that no built-in spec is of, for `new` to find out.
//! A label an image, numbered and named in a file of its own, scored by accuracy; and a level, scored by
//! quadratic kappa.

use anyhow::Result;
use kaggle_kit::competition::Competition;

const SPECS: [(&str, &str); 2] = [
    ("leaf-blight", include_str!("../specs/leaf-blight.toml")),
    ("eye-damage", include_str!("../specs/eye-damage.toml")),
];

/// All of them.
pub fn all() -> Result<Vec<Competition>> {
    SPECS
        .iter()
        .map(|(name, spec)| Competition::parse(name, spec, &format!("{name}.toml")))
        .collect()
}

/// The one of that name, if there is one.
pub fn find(name: &str) -> Result<Option<Competition>> {
    Ok(all()?.into_iter().find(|competition| competition.name == name))
}
