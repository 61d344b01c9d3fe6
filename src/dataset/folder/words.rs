//! Words among labels that are probably none: what pandas writes for nothing, two spellings of one
//! word, lists that were joined.

use std::collections::{BTreeMap, HashMap};

/// What lists of tags are joined with, besides blanks.
pub(super) const SEPARATORS: [char; 3] = ['|', ',', ';'];

/// What pandas and others write for an empty cell, in lower case.
const NOTHING: [&str; 11] =
    ["nan", "-nan", "none", "null", "na", "n/a", "<na>", "#n/a", "#na", "nat", "nil"];

/// The shortest word of which one letter is called a slip.
const SHORTEST: usize = 4;
/// A slip is at least so many times as rare as the word that was meant.
const RARER: usize = 10;

/// Whether a word stands for nothing in tables that pandas wrote.
pub(super) fn is_nothing(word: &str) -> bool {
    NOTHING.contains(&word.to_lowercase().as_str())
}

/// Words that differ in upper and lower case alone, or in blanks and signs between their parts; the
/// places in `words`, a list a set.
pub(super) fn same_but_for_case(words: &[String]) -> Vec<Vec<usize>> {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, word) in words.iter().enumerate() {
        let lower = word.to_lowercase();
        let bare: String = lower.chars().filter(|c| !"_-. ".contains(*c)).collect();
        let key = if bare.chars().any(char::is_alphabetic) { bare } else { lower };
        by_key.entry(key).or_default().push(place);
    }
    by_key.into_values().filter(|places| places.len() > 1).collect()
}

/// Rare words that are one letter away from a frequent one: the place of the rare word, and of the
/// other. `counts` are the images of each.
pub(super) fn slips(words: &[String], counts: &[usize]) -> Vec<(usize, usize)> {
    // Two words one letter apart become one when the right letter is left out of each, or of one.
    let mut by_part: HashMap<String, Vec<usize>> = HashMap::new();
    let letters: Vec<Vec<char>> =
        words.iter().map(|word| word.to_lowercase().chars().collect()).collect();
    let is_word = |letters: &&Vec<char>| (SHORTEST..=60).contains(&letters.len());
    for (place, letters) in letters.iter().enumerate().filter(|(_, letters)| is_word(letters)) {
        for without in std::iter::once(None).chain((0..letters.len()).map(Some)) {
            let kept = letters.iter().enumerate().filter(|(i, _)| Some(*i) != without);
            by_part.entry(kept.map(|(_, c)| *c).collect()).or_default().push(place);
        }
    }
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for places in by_part.values().filter(|places| (2..=50).contains(&places.len())) {
        for &rare in places {
            for &usual in places {
                let is_rare = counts[rare] > 0 && counts[rare] * RARER <= counts[usual];
                if is_rare && is_slip(&letters[rare], &letters[usual]) {
                    let best = found.entry(rare).or_insert(usual);
                    *best = if counts[usual] > counts[*best] { usual } else { *best };
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Whether two words are one letter apart; another digit is another thing.
fn is_slip(a: &[char], b: &[char]) -> bool {
    let without_digits =
        |word: &[char]| -> String { word.iter().filter(|c| !c.is_ascii_digit()).collect() };
    let text = |word: &[char]| -> String { word.iter().collect() };
    a != b
        && without_digits(a) != without_digits(b)
        && strsim::osa_distance(&text(a), &text(b)) == 1
}

/// What joins most of the lists, if anything does: each item is the words of an image.
pub(super) fn joined_by<'a>(lists: impl Iterator<Item = &'a [String]>) -> Option<char> {
    let mut n = 0;
    let mut with = [0; SEPARATORS.len()];
    for list in lists.filter(|list| !list.is_empty()) {
        n += 1;
        for (count, separator) in with.iter_mut().zip(SEPARATORS) {
            *count += usize::from(list.iter().any(|word| word.contains(separator)));
        }
    }
    let (most, separator) = with.into_iter().zip(SEPARATORS).max_by_key(|(count, _)| *count)?;
    (n > 0 && 2 * most >= n).then_some(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn words_for_nothing_are_known_in_any_case() {
        for word in ["nan", "NaN", "None", "NULL", "NA", "n/a", "<NA>"] {
            assert!(is_nothing(word), "{word}");
        }
        for word in ["nano", "nonesuch", "0", "no", "nothing"] {
            assert!(!is_nothing(word), "{word}");
        }
    }

    #[test]
    fn spellings_of_one_word_are_found() {
        assert_eq!(same_but_for_case(&words("Red bleu blow-down blow_down red")), [[2, 3], [0, 4]]);
        assert!(same_but_for_case(&words("1.0 10 class_1 class_2")).is_empty());
        let names = words("blue bleu road roads class1 class2 cat bat water");
        let counts = [40, 2, 50, 30, 90, 1, 90, 1, 10];
        assert_eq!(slips(&names, &counts), [(1, 0)]);
        assert_eq!(slips(&names, &[40, 2, 50, 3, 90, 1, 90, 1, 10]), [(1, 0), (3, 2)]);
    }

    #[test]
    fn lists_that_were_joined_are_found() {
        let by = |texts: &[&str]| {
            let lists: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
            joined_by(lists.iter().map(Vec::as_slice))
        };
        assert_eq!(by(&["red|big", "blue|small", "red"]), Some('|'));
        assert_eq!(by(&["red, big", "blue, small"]), Some(','));
        assert_eq!(by(&["x y x|y", "z", "z x"]), None);
        assert_eq!(by(&[]), None);
    }
}
