//! Which changes leave the meaning of pictures alone: what no table tells, and names often do.
//!
//! A mirrored cat is a cat and a chip of forest has no up, but a mirrored letter is another letter, and the
//! wrong choice costs more than most settings.

use serde::Deserialize;

use super::guess::{Guess, Wishes};

/// How pictures were taken, as far as it matters to how they may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pictures {
    /// Photographs and scans with an up and a down: mirrored they mean the same.
    Upright,
    /// Seen from above or through a microscope, skin, textures: there is no up.
    FromAbove,
    /// Text, digits, signs, or whatever has a left and a right: nothing is turned.
    AsTheyAre,
}

impl Pictures {
    pub const ALL: [Self; 3] = [Self::Upright, Self::FromAbove, Self::AsTheyAre];

    pub fn word(self) -> &'static str {
        match self {
            Self::Upright => "upright",
            Self::FromAbove => "from-above",
            Self::AsTheyAre => "as-they-are",
        }
    }

    /// The recipe's word for what is done to them.
    pub(super) fn augment(self) -> &'static str {
        match self {
            Self::Upright => "side-on",
            Self::FromAbove => "top-down",
            Self::AsTheyAre => "none",
        }
    }
}

/// Beginnings of words in titles and slugs.
const FROM_ABOVE: [&str; 21] = [
    "aerial",
    "amazon",
    "blood",
    "cell",
    "cloud",
    "galax",
    "histopath",
    "iceberg",
    "lesion",
    "malaria",
    "melanoma",
    "microscop",
    "mitos",
    "orbit",
    "overhead",
    "protein",
    "satellite",
    "seedling",
    "skin",
    "texture",
    "tissue",
];
const AS_THEY_ARE: [&str; 13] = [
    "alphabet",
    "captcha",
    "character",
    "digit",
    "distract",
    "document",
    "glyph",
    "grapheme",
    "handwrit",
    "kuzushiji",
    "letter",
    "mnist",
    "signs",
];

/// Writes down how the pictures were taken, by what was said or by the competition's name, and asks where
/// neither tells.
pub(super) fn find(guess: &mut Guess, wishes: &Wishes) {
    if let Some(pictures) = wishes.pictures {
        guess.pictures = Some(pictures);
        guess.note("recipe.augment", true, "as you said");
        return;
    }
    let name = format!("{} {}", guess.title, guess.slug).to_lowercase();
    let words: Vec<&str> = name.split(|sign: char| !sign.is_alphanumeric()).collect();
    let told = |beginnings: &[&'static str]| {
        words.iter().find(|word| beginnings.iter().any(|known| word.starts_with(known))).copied()
    };
    let found =
        [(Pictures::AsTheyAre, told(&AS_THEY_ARE)), (Pictures::FromAbove, told(&FROM_ABOVE))];
    let found = found.into_iter().find_map(|(pictures, word)| Some((pictures, word?.to_owned())));
    if let Some((pictures, word)) = &found {
        guess.pictures = Some(*pictures);
        guess.note("recipe.augment", false, format!("by `{word}` in its name"));
    }
    let first = found.map_or(Pictures::Upright, |(pictures, _)| pictures);
    let others = Pictures::ALL.into_iter().filter(|pictures| *pictures != first);
    let choices = [first].into_iter().chain(others).map(|pictures| pictures.word().to_owned());
    guess.ask(
        "pictures",
        "which way up? upright: photographs, which may be mirrored; from-above, or through a microscope: no up; \
         as-they-are: text, or left and right matter",
        choices.collect(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(title: &str, pictures: Option<Pictures>) -> Guess {
        let mut guess = Guess { title: title.to_owned(), ..Guess::default() };
        find(&mut guess, &Wishes { pictures, ..Wishes::default() });
        guess
    }

    #[test]
    fn a_competition_s_name_tells_how_its_pictures_were_taken() {
        for (title, expected) in [
            ("Aerial Cactus Identification", Some(Pictures::FromAbove)),
            ("Planet: Understanding the Amazon from Space", Some(Pictures::FromAbove)),
            ("SIIM-ISIC Melanoma Classification", Some(Pictures::FromAbove)),
            ("Histopathologic Cancer Detection", Some(Pictures::FromAbove)),
            ("Galaxy Zoo - The Galaxy Challenge", Some(Pictures::FromAbove)),
            ("Digit Recognizer", Some(Pictures::AsTheyAre)),
            ("Bengali.AI Handwritten Grapheme Classification", Some(Pictures::AsTheyAre)),
            ("State Farm Distracted Driver Detection", Some(Pictures::AsTheyAre)),
            ("Dogs vs. Cats Redux: Kernels Edition", None),
            ("Cassava Leaf Disease Classification", None),
            ("Significant Others", None),
        ] {
            let guess = of(title, None);
            assert_eq!(guess.pictures, expected, "{title}");
            assert_eq!(guess.why("recipe.augment").is_some(), expected.is_some(), "{title}");
            let first = expected.unwrap_or(Pictures::Upright).word();
            assert_eq!(guess.questions[0].choices[0], first, "{title}");
        }
    }

    #[test]
    fn who_says_it_is_not_asked() {
        let guess = of("Digit Recognizer", Some(Pictures::Upright));
        assert_eq!((guess.pictures, guess.questions.len()), (Some(Pictures::Upright), 0));
        assert!(crate::infer::toml(&guess).ends_with("[recipe]\naugment = \"side-on\"\n"));
        assert!(!crate::infer::toml(&of("Cars", None)).contains("[recipe]"));
    }
}
