//! Ids that are not among those they should be among: the one simple change that brings them there.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::term;

/// So many unknown ids are tried; that suffices to tell a rule from chance.
const TRIED: usize = 500;
/// Characters of an id that are shown.
const SHOWN: usize = 60;

/// Something simple in which two spellings of an id differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Spaces,
    Quotes,
    Float,
    Folder,
    Extension,
    Case,
    Zeros,
    Accents,
}

/// In the order in which they are tried: what takes least away comes first.
const STEPS: [Step; 8] = [
    Step::Spaces,
    Step::Quotes,
    Step::Float,
    Step::Folder,
    Step::Extension,
    Step::Case,
    Step::Zeros,
    Step::Accents,
];

/// A change that makes most of the unknown ids known ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    how: How,
    /// An unknown id, and the known one that it means.
    unknown: String,
    known: String,
    /// How many of the unknown ids it makes known.
    n: usize,
    of: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum How {
    Steps(Vec<Step>),
    /// The known ids have this in front.
    Prefix(String),
    /// The known ids have this at their end.
    Suffix(String),
}

/// How to turn unknown ids into known ones, if one change does it for more than half of them.
pub fn change<'a, 'b>(
    unknown: &[&'a str],
    known: impl Iterator<Item = &'b str> + Clone,
) -> Option<Change> {
    let apart = unknown.len().div_ceil(TRIED).max(1);
    let tried: Vec<&str> = unknown.iter().step_by(apart).copied().collect();
    let mut best: Option<Change> = None;
    for steps in attempts() {
        let found = by_steps(&tried, known.clone(), &steps);
        if let Some(found) = found
            && best.as_ref().is_none_or(|best| found.n > best.n)
        {
            let all = found.n == tried.len();
            best = Some(found);
            if all {
                break;
            }
        }
    }
    best.or_else(|| by_affix(&tried, known)).filter(|change| 2 * change.n > change.of)
}

/// One step, then two, then all of them.
fn attempts() -> Vec<Vec<Step>> {
    let mut attempts: Vec<Vec<Step>> = STEPS.iter().map(|&step| vec![step]).collect();
    for (i, &first) in STEPS.iter().enumerate() {
        attempts.extend(STEPS[i + 1..].iter().map(|&second| vec![first, second]));
    }
    attempts.push(STEPS.to_vec());
    attempts
}

fn by_steps<'b>(
    tried: &[&str],
    known: impl Iterator<Item = &'b str>,
    steps: &[Step],
) -> Option<Change> {
    let key = |id: &str| steps.iter().fold(id.to_owned(), |id, step| step.without(&id));
    // Where two known ids become one, none of them is meant for certain.
    let mut by_key: HashMap<String, Option<&str>> = HashMap::new();
    for id in known {
        match by_key.entry(key(id)) {
            Entry::Vacant(place) => {
                place.insert(Some(id));
            }
            Entry::Occupied(mut place) if *place.get() != Some(id) => {
                place.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    }
    let mut meant = tried.iter().filter_map(|&id| {
        let known = by_key.get(&key(id)).copied().flatten()?;
        Some((id.to_owned(), known.to_owned()))
    });
    let (unknown, known) = meant.next()?;
    let n = 1 + meant.count();
    let needed = |step: &&Step| step.without(&unknown) != unknown || step.without(&known) != known;
    let steps: Vec<Step> = steps.iter().filter(needed).copied().collect();
    Some(Change { how: How::Steps(steps), unknown, known, n, of: tried.len() })
}

/// The known ids may have something in front or behind that the unknown ones lack.
fn by_affix<'b>(tried: &[&str], known: impl Iterator<Item = &'b str> + Clone) -> Option<Change> {
    let first = *tried.iter().find(|id| !id.is_empty())?;
    let all: HashSet<&str> = known.clone().collect();
    let longer = known.filter(|known| known.len() > first.len());
    let (mut best, mut tied): (Option<Change>, bool) = (None, false);
    for known in longer {
        let how = if let Some(front) = known.strip_suffix(first) {
            How::Prefix(front.to_owned())
        } else if let Some(behind) = known.strip_prefix(first) {
            How::Suffix(behind.to_owned())
        } else {
            continue;
        };
        let written = |id: &str| match &how {
            How::Prefix(front) => format!("{front}{id}"),
            How::Suffix(behind) => format!("{id}{behind}"),
            How::Steps(_) => id.to_owned(),
        };
        let n = tried.iter().filter(|id| all.contains(written(id).as_str())).count();
        match &best {
            Some(best) if n < best.n => {}
            Some(best) if n == best.n => tied |= how != best.how,
            _ => {
                let (unknown, known) = (first.to_owned(), known.to_owned());
                best = Some(Change { how, unknown, known, n, of: tried.len() });
                tied = false;
            }
        }
    }
    best.filter(|_| !tied)
}

impl Step {
    /// An id without what the step is about.
    fn without(self, id: &str) -> String {
        match self {
            Self::Spaces => id.trim().to_owned(),
            Self::Quotes => id.trim_matches(['"', '\'', '`']).to_owned(),
            Self::Float => without_fraction(id).to_owned(),
            Self::Folder => id.rsplit(['/', '\\']).next().unwrap_or(id).to_owned(),
            Self::Extension => match id.rsplit_once('.') {
                Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
                _ => id.to_owned(),
            },
            Self::Case => id.to_lowercase(),
            Self::Zeros => without_zeros(id),
            Self::Accents => ComposingNormalizerBorrowed::new_nfc().normalize(id).into_owned(),
        }
    }

    /// How ids have to be written.
    fn written(self) -> &'static str {
        match self {
            Self::Spaces => "without the spaces around them",
            Self::Quotes => "without the quotes",
            Self::Float => "as whole numbers",
            Self::Folder => "without the folder",
            Self::Extension => "without the extension",
            Self::Case => "with the same upper and lower case",
            Self::Zeros => "with their leading zeros",
            Self::Accents => "with accents in one character (NFC)",
        }
    }

    /// What is different about ids of a table.
    fn reason(self) -> &'static str {
        match self {
            Self::Spaces => "there are spaces around the ids",
            Self::Quotes => "there are quotes around the ids",
            Self::Float => "they are floats, as pandas makes of whole numbers beside an empty cell",
            Self::Folder => "the ids have a folder in front",
            Self::Extension => "the ids have another extension",
            Self::Case => "they differ in upper and lower case",
            Self::Zeros => {
                "leading zeros differ, which pandas drops: read with `read_csv(.., dtype=str)`"
            }
            Self::Accents => {
                "they look alike, but accents are one character in one and two in the other (NFC, \
                 NFD)"
            }
        }
    }
}

impl Change {
    /// The known ids as a template of the unknown ones, where they have more around them:
    /// `{id}_thumbnail`.
    pub fn template(&self) -> Option<String> {
        match &self.how {
            How::Prefix(front) => Some(format!("{front}{{id}}")),
            How::Suffix(behind) => Some(format!("{{id}}{behind}")),
            How::Steps(_) => None,
        }
    }

    /// What to do in a file that a person writes: its ids are to become the known ones.
    pub fn in_own_file(&self) -> String {
        let how = match &self.how {
            How::Steps(steps) if steps[..] == [Step::Folder, Step::Extension] => {
                "without folder and extension".to_owned()
            }
            How::Steps(steps) => {
                steps.iter().map(|step| step.written()).collect::<Vec<_>>().join(" and ")
            }
            How::Prefix(front) => format!("with `{}` in front", short(front)),
            How::Suffix(behind) => format!("with `{}` at the end", short(behind)),
        };
        let lost = match &self.how {
            How::Steps(steps) if steps.contains(&Step::Zeros) || steps.contains(&Step::Float) => {
                " (pandas keeps them with `read_csv(.., dtype=str)`)"
            }
            _ => "",
        };
        let (known, unknown) = (short(&self.known), short(&self.unknown));
        format!("write the ids {how}: `{known}`, not `{unknown}`{lost}{}", self.share())
    }

    /// Why ids of a table are not among others, which are `what`: `the images`.
    pub fn in_table(&self, what: &str) -> String {
        let reason = match &self.how {
            How::Steps(steps) => {
                steps.iter().map(|step| step.reason()).collect::<Vec<_>>().join(", and ")
            }
            How::Prefix(front) => format!("`{}` in front is missing", short(front)),
            How::Suffix(behind) => format!("`{}` at the end is missing", short(behind)),
        };
        let (known, unknown) = (short(&self.known), short(&self.unknown));
        format!("`{unknown}` is `{known}` among {what}: {reason}{}", self.share())
    }

    fn share(&self) -> String {
        if self.n == self.of { String::new() } else { format!(" ({} of {})", self.n, self.of) }
    }
}

fn short(id: &str) -> String {
    term::short(id, SHOWN)
}

/// `12` of `12.0`.
fn without_fraction(id: &str) -> &str {
    match id.split_once('.') {
        Some((whole, zeros))
            if !zeros.is_empty()
                && zeros.bytes().all(|byte| byte == b'0')
                && whole.strip_prefix('-').unwrap_or(whole).bytes().all(|b| b.is_ascii_digit())
                && whole.bytes().any(|byte| byte.is_ascii_digit()) =>
        {
            whole
        }
        _ => id,
    }
}

/// The id without the zeros at the start of its numbers.
fn without_zeros(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    let mut chars = id.chars().peekable();
    let mut in_number = false;
    while let Some(c) = chars.next() {
        let before_digit = chars.peek().is_some_and(char::is_ascii_digit);
        if c == '0' && !in_number && before_digit {
            continue;
        }
        in_number = c.is_ascii_digit();
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(unknown: &[&str], known: &[&str]) -> Option<String> {
        change(unknown, known.iter().copied()).map(|change| change.in_table("the images"))
    }

    #[test]
    fn one_simple_change_is_found() {
        for (unknown, known, expected) in [
            (
                &["R000", "R001"][..],
                &["r000", "r001"][..],
                "`R000` is `r000` among the images: they differ in upper and lower case",
            ),
            (&["1", "2"], &["00001", "00002"], "leading zeros differ"),
            (&["img_1"], &["img_001"], "leading zeros differ"),
            (&["train/a", "train\\b"], &["a", "b"], "a folder in front"),
            (&["a.jpg", "b.jpg"], &["a", "b"], "another extension"),
            (&["train/A.JPG"], &["a"], "a folder in front, and the ids have another extension"),
            (&["12.0", "7.0"], &["12", "7"], "they are floats"),
            (
                &["12.0", "7.0"],
                &["0012", "0007"],
                "they are floats, as pandas makes of whole numbers beside an empty cell, and leading zeros",
            ),
            (&["'a'"], &["a"], "quotes around"),
            (&["cafe\u{301}"], &["caf\u{e9}"], "NFC"),
            (&["1", "2"], &["img_1", "img_2"], "`img_` in front is missing"),
            (&["1", "2"], &["1_left", "2_left"], "`_left` at the end is missing"),
            (&["a.jpg", "b.jpg", "zzz"], &["a", "b"], "another extension (2 of 3)"),
        ] {
            let told = told(unknown, known).unwrap_or_default();
            assert!(told.contains(expected), "{unknown:?}: {told}");
        }
        // Half of them is chance; two that become one are not told apart; nothing is nothing.
        assert_eq!(told(&["a.jpg", "z"], &["a"]), None);
        assert_eq!(told(&["X"], &["X ", " X"]), None);
        assert_eq!(told(&["0a"], &["00a", "000a"]), None);
        assert_eq!(told(&[], &["a"]), None);
        assert_eq!(told(&["a"], &[]), None);
    }

    #[test]
    fn long_ids_are_shortened() {
        let long = "X".repeat(5_000_000);
        let told = told(&[&long], &[&long.to_lowercase()]).unwrap();
        assert!(told.len() < 400, "{}", told.len());
    }

    #[test]
    fn a_float_is_a_whole_number_with_zeros_behind() {
        for (id, expected) in [
            ("12.0", "12"),
            ("-1.00", "-1"),
            ("1.5", "1.5"),
            ("a.0", "a.0"),
            (".0", ".0"),
            ("1.", "1."),
        ] {
            assert_eq!(without_fraction(id), expected);
        }
    }
}
