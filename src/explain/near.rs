//! Names that are none: which of the known ones was meant. One measure for competitions, settings,
//! backbones, classes and columns.

/// Alike are names of which more than half of the letters stay where they are.
const ALIKE: f64 = 0.5;
/// One that is the beginning of another is as good as three letters of four.
const BEGINNING: f64 = 0.75;
/// Letters that a beginning must have.
const SHORTEST: usize = 3;
/// Nothing is misspelt of a longer text, in bytes.
const LONGEST: usize = 200;

/// How alike two names are, whatever their case: 1 less the share of letters that are changed, left
/// out, added or swapped with their neighbour (Damerau and Levenshtein).
pub fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

/// The known name that was most likely meant; the first of several that are as good. None where
/// nothing is alike.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    best(name, known.into_iter().map(|known| (known, known)))
}

/// The same where a known thing may go by several names: pairs of a name and the thing.
pub fn best<'a, T>(name: &str, known: impl IntoIterator<Item = (&'a str, T)>) -> Option<T> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let mut best: Option<(f64, T)> = None;
    for (spelling, known) in known {
        let found = alike(name, spelling);
        if found > best.as_ref().map_or(ALIKE, |(best, _)| *best) {
            best = Some((found, known));
        }
    }
    best.map(|(_, known)| known)
}

/// `did you mean `size`? `, or nothing: the beginning of a hint.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default()
}

fn alike(name: &str, known: &str) -> f64 {
    let (lower, known_lower) = (name.to_lowercase(), known.to_lowercase());
    let is_beginning = known_lower.starts_with(&lower) && lower.chars().count() >= SHORTEST;
    likeness(name, known).max(if is_beginning { BEGINNING } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_cases_and_beginnings_are_understood() {
        let known = ["planet", "dog-breed", "dogs-vs-cats", "whole-network", "batch-size", "size"];
        for (name, expected) in [
            ("planett", Some("planet")),
            ("PLANET", Some("planet")),
            ("plnaet", Some("planet")),
            ("dog-breeds", Some("dog-breed")),
            ("whole", Some("whole-network")),
            ("batch", Some("batch-size")),
            ("sise", Some("size")),
            ("zzz", None),
            ("", None),
            ("si", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest(&"planet".repeat(100), known), None);
        assert_eq!(nearest("planet", []), None);
        assert_eq!(did_you_mean("sise", known), "did you mean `size`? ");
        assert_eq!(did_you_mean("zzz", known), "");
        assert_eq!(best("cactus", [("cacti", 1), ("cactus-", 2)]), Some(2));
    }
}
