//! Words in names, and numbers in cells.

/// The words of a name, in lower case: `trainLabels_v2.csv` is `train`, `labels`, `v`, `2`, `csv`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    for sign in name.chars() {
        let starts = match (last, sign) {
            (before, now) if before.is_lowercase() && now.is_uppercase() => true,
            (before, now) => before.is_ascii_digit() != now.is_ascii_digit(),
        };
        if !sign.is_alphanumeric() {
            last = ' ';
            continue;
        }
        if starts || !last.is_alphanumeric() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(sign.to_lowercase());
        }
        last = sign;
    }
    words
}

/// Whether one of the words begins with one of these.
pub(super) fn has_word(name: &str, wanted: &[&str]) -> bool {
    words(name).iter().any(|word| wanted.iter().any(|wanted| word.starts_with(wanted)))
}

/// Of test images, or a table about them.
pub(super) fn is_test(name: &str) -> bool {
    has_word(name, &["test", "tst"])
}

/// Of training images, or a table about them.
pub(super) fn is_train(name: &str) -> bool {
    has_word(name, &["train", "trn"])
}

/// Pictures that are about other pictures, or come from elsewhere.
pub(super) fn is_extra(name: &str) -> bool {
    let wanted = ["mask", "annot", "segment", "extra", "external", "supplement", "bbox", "heatmap"];
    has_word(name, &wanted)
}

/// A table that is about something else than labels, by its name: annotations are labels.
pub(super) fn is_extra_table(name: &str) -> bool {
    let wanted =
        ["mask", "segment", "extra", "external", "supplement", "bbox", "detect", "heatmap"];
    has_word(name, &wanted)
}

/// An amount, by the name of a column: its whole numbers are no classes.
pub(super) fn is_amount(name: &str) -> bool {
    const AMOUNTS: [&str; 24] = [
        "age",
        "amount",
        "angle",
        "area",
        "biomass",
        "concentration",
        "count",
        "counts",
        "depth",
        "distance",
        "height",
        "length",
        "number",
        "percent",
        "percentage",
        "price",
        "rating",
        "score",
        "size",
        "temperature",
        "volume",
        "weight",
        "width",
        "year",
    ];
    words(name).iter().any(|word| AMOUNTS.contains(&word.as_str()))
}

/// Smaller copies of pictures.
pub(super) fn is_small(name: &str) -> bool {
    has_word(name, &["thumb", "small", "resized", "preview"])
}

/// A number, if the text is one.
pub(super) fn number(text: &str) -> Option<f64> {
    let first = text.bytes().next()?;
    let is_start = first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.');
    text.parse().ok().filter(|number: &f64| is_start && number.is_finite())
}

/// A number that is no whole one.
pub(super) fn is_fraction(text: &str) -> bool {
    number(text).is_some_and(|number| number.fract() != 0.0)
}

/// `0`, `1`, and what tables make of them.
pub(super) fn is_zero_or_one(text: &str) -> bool {
    matches!(text, "0" | "1" | "0.0" | "1.0")
}

/// Sorted as a person counts: numbers by size, before the words.
pub(super) fn sort(names: &mut [String]) {
    names.sort_by(|a, b| match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    });
}

/// A few names in a row: `a, b, c and 4 more`.
pub(super) fn few<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> =
        names.iter().take(SHOWN).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!(words("trainLabels_v2.csv"), ["train", "labels", "v", "2", "csv"]);
        assert_eq!(words("PatientID"), ["patient", "id"]);
        assert!(is_test("imgs/test") && is_test("testSet") && is_test("Test"));
        assert!(!is_test("latest") && !is_test("contest/images"));
        assert!(is_train("stage_2_train.csv") && is_train("images_training_rev1"));
        assert!(is_extra("annotations/1.png") && !is_extra_table("train_annotations.json"));
        assert!(is_amount("age_in_years") && is_amount("TotalCount") && !is_amount("image_id"));
    }

    #[test]
    fn numbers_are_those_of_tables() {
        assert_eq!(number("1e-3"), Some(0.001));
        for text in ["", "nan", "inf", "infinity", "1_0", "0x1", "12 3"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert!(is_fraction("0.5") && !is_fraction("1.0"));
        let mut names = ["10", "b", "9", "a"].map(str::to_owned);
        sort(&mut names);
        assert_eq!(names, ["9", "10", "a", "b"]);
    }
}
