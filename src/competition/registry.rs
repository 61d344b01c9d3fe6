//! The competitions that come with the program, and how a typed name finds one.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Competition;
use crate::fs;

// `EMBEDDED: &[(&str, &str)]`, name and text of every competitions/*.toml, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/competitions.rs"));

/// Every built-in competition, by name.
pub fn all() -> Result<Vec<Competition>> {
    EMBEDDED
        .iter()
        .map(|(name, text)| Competition::parse(name, text, &format!("competitions/{name}.toml")))
        .collect()
}

/// Finds a competition by its short name, Kaggle's slug, the address of its page, or the path of a
/// spec (anything that ends in `.toml`).
pub fn find(typed: &str) -> Result<Competition> {
    if Path::new(typed).extension().is_some_and(|extension| extension == "toml") {
        return open(Path::new(typed));
    }
    let wanted = slug_of(typed);
    let known = all()?;
    if let Some(found) = known.iter().find(|c| c.name == wanted || c.slug == wanted) {
        return Ok(found.clone());
    }
    let names: Vec<String> = known.iter().map(|c| format!("`{}`", c.name)).collect();
    let near = known
        .iter()
        .flat_map(|c| [(&c.name, &c.name), (&c.name, &c.slug)])
        .map(|(name, spelling)| (strsim::normalized_damerau_levenshtein(&wanted, spelling), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.5);
    let guess = near.map(|(_, name)| format!("did you mean `{name}`? ")).unwrap_or_default();
    bail!(
        "unknown competition `{typed}`\nhint: {guess}known are {}; any other is a spec file: \
         `kaggle-kit train ./mine.toml`",
        names.join(", ")
    )
}

fn open(path: &Path) -> Result<Competition> {
    let text = fs::read_to_string(path).with_context(|| {
        format!(
            "no competition spec at `{}`\nhint: competitions/README.md tells how to write one",
            path.display()
        )
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Competition::parse(&stem, &text, &path.display().to_string())
}

/// The slug in an address such as `https://www.kaggle.com/competitions/<slug>/data`,
/// `kaggle.com/c/<slug>`; anything else comes back in lower case.
fn slug_of(typed: &str) -> String {
    let typed = typed.trim().to_ascii_lowercase();
    let address = typed.strip_prefix("https://").or_else(|| typed.strip_prefix("http://"));
    let address = address.unwrap_or(&typed);
    let Some((host, path)) = address.split_once('/') else { return typed };
    if host != "kaggle.com" && !host.ends_with(".kaggle.com") {
        return typed;
    }
    let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
    match parts.next() {
        Some("c" | "competitions") => parts.next().unwrap_or_default().to_owned(),
        Some(slug) => slug.to_owned(),
        None => typed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_competition_is_found_by_name_slug_and_address() {
        for typed in [
            "planet",
            "Planet",
            "planet-understanding-the-amazon-from-space",
            "https://www.kaggle.com/competitions/planet-understanding-the-amazon-from-space/data",
            "https://www.kaggle.com/c/planet-understanding-the-amazon-from-space",
            "kaggle.com/c/planet-understanding-the-amazon-from-space?x=1",
        ] {
            assert_eq!(find(typed).unwrap().name, "planet", "{typed}");
        }
    }

    #[test]
    fn a_near_miss_is_answered_with_names() {
        let message = format!("{:#}", find("dog-breeds").unwrap_err());
        assert!(message.contains("did you mean `dog-breed`?"), "{message}");
        assert!(message.contains("`dogs-vs-cats`"), "{message}");
    }

    #[test]
    fn a_typo_in_a_spec_is_answered_with_its_line() {
        let text = all().unwrap()[0].source.replace("metric =", "metrik =");
        let message = format!("{:#}", Competition::parse("x", &text, "x.toml").unwrap_err());
        assert!(message.contains("metrik") && message.contains("expected"), "{message}");
        assert!(message.contains('^'), "{message}");
    }
}
